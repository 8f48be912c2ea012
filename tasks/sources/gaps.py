"""Periods without a row: what they mean, and the rows of zero units where they are periods without a sale.

A table that has a row only where something sold looks like one with gaps in its records, and the two readings
are far apart. Which of them holds is stated by ``source.missing``; where the table leaves it open and it
matters, the table is refused.

With ``no_sale``, a product is on sale in a store from its first row to the last date of the store. Where it
waited for its first row no longer than twice its longest later gap, it is on sale from the first date of the
store: a slow seller, not a later launch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import (
    DATE,
    KEY,
    LIST_PRICE,
    NUMERIC,
    PRICE,
    PRODUCT,
    ROW,
    SERIES,
    STORE,
    TAX_RATE,
    UNIT_COST,
    UNITS,
)
from expectations.refusals import FILE, refusal

NO_SALE, UNKNOWN = "no_sale", "unknown"
FEW_ZEROS = 0.01  # share of the rows with 0 units below which a table hardly ever writes them
MANY_GAPS = 0.2  # share of the periods between the first and last rows of the series that have no row
LAUNCHED_LATER = 2  # gaps of the longest length after which a product without a row was not yet on sale
CARRIED = [PRICE, LIST_PRICE, UNIT_COST, TAX_RATE]  # besides promotions and text


@dataclass(frozen=True, kw_only=True)
class Series:
    """When the series of a table were on sale; a series is a number, a period counts from the first date.

    Attributes:
        keys: product and store (series rows).
        start: first date of the table.
        days: length of a period (days).
        present: series x periods + period of each row, and of each key of which nothing is known (sorted).
        periods: periods of the table.
        first, last: periods of the first and last row (series,).
        begins, ends: first and last period on sale, where a missing row is no sale (series,).
    """

    keys: pd.DataFrame
    start: pd.Timestamp
    days: int
    present: np.ndarray
    periods: int
    first: np.ndarray
    last: np.ndarray
    begins: np.ndarray
    ends: np.ndarray

    @property
    def gaps(self) -> float:
        """Return the share of the periods between first and last rows that have no row."""
        series, period = np.divmod(self.present, self.periods)
        inside = (period >= self.first[series]) & (period <= self.last[series])
        return 1.0 - float(inside.sum()) / float((self.last - self.first + 1).sum())

    @property
    def quiet(self) -> tuple[np.ndarray, np.ndarray]:
        """Return series and period of every missing row while on sale (missing rows,)."""
        length = self.ends - self.begins + 1
        series = np.repeat(np.arange(len(length)), length)
        offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        cells = series * self.periods + self.begins[series] + offset
        return np.divmod(cells[~np.isin(cells, self.present)], self.periods)


def series_of(sales: pd.DataFrame, unknown: pd.DataFrame, days: int) -> Series:
    """Return when the series were on sale.

    Args:
        sales: canonical sales table.
        unknown: keys without a row of which it is known that nothing is known: closed shops, rows set aside.
        days: length of a period (days).
    """
    keys, number = _numbered(sales)
    start, periods = sales[DATE].min(), (sales[DATE].max() - sales[DATE].min()).days // days + 1
    rows = number * periods + (sales[DATE] - start).dt.days.to_numpy() // days
    others = unknown[KEY].merge(keys.assign(number=keys.index), on=SERIES)
    other_period = (others[DATE] - start).dt.days.to_numpy() // days
    inside = (other_period >= 0) & (other_period < periods)
    other_rows = np.unique((others["number"].to_numpy() * periods + other_period)[inside])
    if len(other_rows):
        other_rows = other_rows[~np.isin(other_rows, rows)]
    series, period = np.divmod(np.sort(rows), periods)
    starts = np.searchsorted(series, keys.index)
    first, last = period[starts], period[np.append(starts[1:], len(period)) - 1]
    store = pd.factorize(keys[STORE])[0]
    opens = pd.Series(first).groupby(store).transform("min").to_numpy()
    ends = pd.Series(last).groupby(store).transform("max").to_numpy()
    present = np.sort(np.concatenate([rows, other_rows]))
    longest = np.maximum(_longest_gap(present, periods, len(keys)), ends - last)
    begins = np.where(first - opens <= LAUNCHED_LATER * longest, opens, first)
    return Series(
        keys=keys,
        start=start,
        days=days,
        present=present,
        periods=periods,
        first=first,
        last=last,
        begins=begins,
        ends=ends,
    )


def check_stated(sales: pd.DataFrame, unknown: pd.DataFrame, days: int) -> None:
    """Refuse a table whose missing rows may be either, and matter; arguments as of ``series_of``.

    Raises:
        DataError: hardly any row has 0 units, and many periods have no row.
    """
    zeros = float((sales[UNITS] == 0).mean())
    if zeros >= FEW_ZEROS:
        return
    series = series_of(sales, unknown, days)
    gaps = series.gaps
    if gaps <= MANY_GAPS:
        return
    units, rows = float(sales[UNITS].sum()), len(sales)
    quiet = rows + len(series.quiet[0])
    products, stores = (series.keys[name].nunique() for name in (PRODUCT, STORE))
    length = "day" if series.days == 1 else "week"
    raise refusal(
        UNITS,
        "the table",
        f"{gaps:.0%} of the product-{length}s between first and last row have no row, and {zeros:.1%} of the "
        f"rows have 0 units; {NO_SALE}: {units / quiet:.3f} units a product-{length} over {products} products"
        f"{f' in {stores} stores' if stores > 1 else ''} x {series.periods} {length}s; "
        f"{UNKNOWN}: {units / rows:.2f}",
        "it is stated what a missing row means",
        f"--set source.missing={NO_SALE} if nothing was sold, or --set source.missing={UNKNOWN}",
    )


def with_quiet_periods(sales: pd.DataFrame, series: Series) -> pd.DataFrame:
    """Return the sales with a row of 0 units for every missing row while on sale.

    Prices, promotions and texts are those of the row before, or of the next where there is none: a promotion
    and its price belong together. Stock, prices of rivals and random draws stay unknown.
    """
    number, period = series.quiet
    keys = series.keys.take(number).reset_index(drop=True)
    dates = series.start + pd.to_timedelta(period * series.days, unit="D")
    keys[DATE], keys[UNITS] = dates.as_unit("us"), 0.0
    table = pd.concat([sales.assign(quiet=False), keys.assign(quiet=True)], ignore_index=True)
    table = table.sort_values([*SERIES, DATE], ignore_index=True)
    unknown = {*NUMERIC, *KEY, FILE, ROW} - set(CARRIED)
    carried = [name for name in sales.columns if name not in unknown]
    by_series = table[[*SERIES, *carried]].groupby(SERIES, sort=False)
    filled = by_series[carried].ffill().fillna(by_series[carried].bfill())
    for name in carried:
        table[name] = table[name].where(~table["quiet"], filled[name])
    return table.drop(columns="quiet")


def _numbered(sales: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return product and store of the series, sorted, and the number of each row's series (rows,)."""
    (product, products), (store, stores) = (pd.factorize(sales[name], sort=True) for name in SERIES)
    code, number = np.unique(product * len(stores) + store, return_inverse=True)
    place, where = np.divmod(code, len(stores))
    return pd.DataFrame({PRODUCT: products.take(place), STORE: stores.take(where)}), number


def _longest_gap(present: np.ndarray, periods: int, count: int) -> np.ndarray:
    """Return the most missing rows between two rows of each series (series,)."""
    series = present // periods
    same = series[1:] == series[:-1]
    longest = np.zeros(count, dtype=np.int64)
    np.maximum.at(longest, series[1:][same], np.diff(present)[same] - 1)
    return longest
