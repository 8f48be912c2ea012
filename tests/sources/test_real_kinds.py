"""Tables of the kinds that people publish are read right, or refused with the one line that helps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook

from conf import Settings
from expectations.refusals import DataError
from tasks.sources.acceptance import Accepted
from tasks.stages.sales import accepted_sales

STORES, DAYS = 3, 70
HOLIDAYS = ["0", 0, "a", "b"]  # a pandas reader mixes text and numbers in this column
ROSSMANN = {"date": "Date", "store_id": "Store", "promotion_promo": "Promo", "open": "Open"}
FAVORITA = {
    "product_id": "item_nbr",
    "store_id": "store_nbr",
    "units": "unit_sales",
    "promotion_on": "onpromotion",
}


def accepted(path: Path, columns: dict[str, str], **more: Any) -> Accepted:
    """Return what a retraining accepts of a file or folder."""
    source = {"kind": "file", "path": str(path), "columns": columns, **more}
    return accepted_sales(Settings(source=source))


def rossmann() -> pd.DataFrame:
    """Return daily sales of stores that are closed on Sundays, latest day first."""
    dates = pd.date_range("2015-01-01", periods=DAYS)[::-1]
    keys = [(store, day) for day in dates for store in range(1, STORES + 1)]
    frame = pd.DataFrame(keys, columns=["Store", "Date"])
    opened = (frame["Date"].dt.dayofweek < 6).astype(int)
    customers = opened * (500 + 10 * frame["Store"] + frame["Date"].dt.day)
    return pd.DataFrame(
        {
            "Store": frame["Store"],
            "DayOfWeek": frame["Date"].dt.dayofweek + 1,
            "Date": frame["Date"].dt.strftime("%Y-%m-%d"),
            "Sales": 9 * customers,
            "Customers": customers,
            "Open": opened,
            "Promo": (frame["Date"].dt.dayofweek < 3).astype(int),
            "StateHoliday": [HOLIDAYS[row % len(HOLIDAYS)] for row in range(len(frame))],
            "SchoolHoliday": 0,
        }
    )


def test_a_table_of_stores_and_turnover_is_refused_for_its_product_units_and_price(tmp_path: Path) -> None:
    rossmann().to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(DataError) as error:
        accepted(tmp_path / "train.csv", ROSSMANN)
    lines = str(error.value).splitlines()[1:]
    assert [line.partition("column ")[2].partition(":")[0] for line in lines] == [
        "product_id",
        "units",
        "price",
    ]
    assert "--set source.columns.price=" in lines[-1]
    assert "units alone cannot be priced" in lines[-1]


def test_days_of_a_closed_shop_are_left_out_whatever_stands_in_the_holiday_column(tmp_path: Path) -> None:
    frame = rossmann().assign(Item="basket", Price=9.0)
    frame.to_csv(tmp_path / "train.csv", index=False)
    columns = ROSSMANN | {"product_id": "Item", "units": "Customers", "price": "Price"}
    result = accepted(tmp_path / "train.csv", columns)
    closed = int((frame["Open"] == 0).sum())
    assert result.counts["rows of closed shops left out"] == closed
    assert len(result.sales) == len(frame) - closed
    assert (result.sales["date"].dt.dayofweek < 6).all()
    assert set(result.sales["store_id"]) == {"1", "2", "3"}, "ids that look like numbers stay text"
    assert result.sales["units"].sum() == frame["Customers"].sum()
    assert set(result.sales) >= {"promotion_promo"}
    assert "open" not in result.sales
    assert "StateHoliday" not in result.sales


def test_a_column_of_mixed_types_that_is_called_a_promotion_is_refused_with_its_value(tmp_path: Path) -> None:
    rossmann().assign(Item="basket", Price=9.0).to_csv(tmp_path / "train.csv", index=False)
    columns = ROSSMANN | {"product_id": "Item", "units": "Customers", "price": "Price"}
    with pytest.raises(DataError, match=r"train\.csv, row 3, column promotion_holiday: 'a'"):
        accepted(tmp_path / "train.csv", columns | {"promotion_holiday": "StateHoliday"})


def favorita() -> pd.DataFrame:
    """Return sales with returns, ids of digits, and promotions that nobody wrote down in the first year."""
    dates = pd.date_range("2014-11-01", periods=120)
    keys = [(day, store, item) for day in dates for store in (1, 25) for item in (103520, 1047679)]
    frame = pd.DataFrame(keys, columns=["date", "store_nbr", "item_nbr"])
    units = 4.0 + np.arange(len(frame)) % 5
    units[[10, 30]] = -1.0
    marks = np.where(
        frame["date"].dt.year == 2014, "", np.where(frame["date"].dt.day % 7 == 0, "True", "False")
    )
    dates_text = frame["date"].dt.strftime("%Y-%m-%d")
    frame = frame.assign(date=dates_text, unit_sales=units, onpromotion=marks)
    frame.insert(0, "id", np.arange(len(frame)))
    return frame


def test_sales_without_any_price_are_refused_with_what_to_do(tmp_path: Path) -> None:
    favorita().to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(DataError) as error:
        accepted(tmp_path / "train.csv", FAVORITA, returns="subtract")
    lines = str(error.value).splitlines()[1:]
    assert len(lines) == 1, "one line, which helps"
    assert "found: id, date, store_nbr, item_nbr, unit_sales, onpromotion" in lines[0]
    assert "units alone cannot be priced" in lines[0]


def test_returns_and_years_without_promotions_are_read_as_they_are_meant(tmp_path: Path) -> None:
    frame = favorita().assign(price=2.5)
    frame.to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(DataError, match=r"column unit.*-1.*--set source\.returns=subtract"):
        accepted(tmp_path / "train.csv", FAVORITA)
    result = accepted(tmp_path / "train.csv", FAVORITA, returns="subtract")
    assert result.counts["rows of returns, taken off the units"] == 2
    assert result.sales["units"].sum() == frame["unit_sales"].clip(lower=0).sum()
    assert set(result.sales["product_id"]) == {"103520", "1047679"}
    assert set(result.sales["store_id"]) == {"1", "25"}
    early = result.sales["date"].dt.year == 2014
    assert result.sales.loc[early, "promotion_on"].isna().all(), "an empty mark is unknown, not 0"
    assert set(result.sales.loc[~early, "promotion_on"]) == {0.0, 1.0}


def m5(price: bool) -> pd.DataFrame:
    """Return items and stores with a column of units for every day."""
    keys = [("FOODS_1_001", "CA_1"), ("FOODS_1_001", "TX_1"), ("HOBBIES_1_008", "CA_1")]
    frame = pd.DataFrame(keys, columns=["item_id", "store_id"])
    frame.insert(0, "id", frame["item_id"] + "_" + frame["store_id"] + "_validation")
    frame = frame.assign(dept_id=frame["item_id"].str[:-4], state_id=frame["store_id"].str[:2])
    days = {f"d_{day}": [day % 4, 3 * (day % 2), (day + 1) % 3] for day in range(1, 101)}
    return pd.concat(
        [frame.assign(sell_price=[2.0, 2.1, 9.97]) if price else frame, pd.DataFrame(days)], axis=1
    )


M5 = {"product_id": "item_id", "department": "dept_id"}
FIRST = {"values": "units", "first_date": "2011-01-29"}


def test_a_wide_table_of_days_is_refused_without_prices_or_without_its_first_date(tmp_path: Path) -> None:
    m5(price=False).to_csv(tmp_path / "sales.csv", index=False)
    with pytest.raises(DataError, match=r"100 columns from d_1 to d_100 are days.*cannot be priced"):
        accepted(tmp_path / "sales.csv", M5, wide=FIRST)
    m5(price=True).to_csv(tmp_path / "sales.csv", index=False)
    with pytest.raises(DataError, match=r"set source\.wide\.values=units and source\.wide\.first_date="):
        accepted(tmp_path / "sales.csv", M5 | {"price": "sell_price"})


def test_a_wide_table_of_days_with_prices_is_a_row_per_item_store_and_day(tmp_path: Path) -> None:
    frame = m5(price=True)
    frame.to_csv(tmp_path / "sales.csv", index=False)
    sales = accepted(tmp_path / "sales.csv", M5 | {"price": "sell_price"}, wide=FIRST).sales
    days = [name for name in frame if name.startswith("d_")]
    assert len(sales) == 300
    assert sales["units"].sum() == frame[days].to_numpy().sum()
    row = sales.set_index(["product_id", "store_id", "date"]).loc[("HOBBIES_1_008", "CA_1", "2011-02-01")]
    assert (row["units"], row["price"], row["department"]) == (5 % 3, 9.97, "HOBBIES_1")


def test_receipts_of_tills_over_both_clock_changes_keep_every_unit_and_their_local_day(
    tmp_path: Path,
) -> None:
    units = 0
    for till, (begin, days) in {"1": ("2025-03-01", 60), "2": ("2025-10-01", 60)}.items():
        first = pd.Timestamp(begin, tz="Europe/Berlin")
        local = pd.date_range(first, first + pd.DateOffset(days=days), freq="h", inclusive="left")
        receipt = {
            "time": local.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"),
            "sku": "0042",
            "till": till,
        }
        frame = pd.DataFrame(receipt).assign(qty=1, paid=2.5, receipt=range(len(local)))
        frame.to_csv(tmp_path / f"till_{till}.csv", index=False)
        units += len(local)
    names = {"date": "time", "product_id": "sku", "units": "qty", "price": "paid", "store_id": "till"}
    columns = names | {"order_id": "receipt"}
    with pytest.raises(DataError, match=r"source\.time_zone"):
        accepted(tmp_path, columns)
    sales = accepted(tmp_path, columns, time_zone="Europe/Berlin", missing="unknown").sales
    assert sales["units"].sum() == units
    hours = sales.set_index("date")["units"]
    assert hours["2025-03-30"] == 23
    assert hours["2025-10-26"] == 25
    assert set(hours.drop(pd.to_datetime(["2025-03-30", "2025-10-26"]))) == {24.0}
    assert set(sales["product_id"]) == {"0042"}


def test_a_workbook_with_a_title_row_is_read_from_its_header(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Sales by day, branch north"])
    sheet.append([])
    sheet.append(["Day", "Article", "Pieces", "Price"])
    dates = pd.date_range("2025-01-01", periods=60)
    for number, day in enumerate(dates):
        sheet.append([day.to_pydatetime(), "007", number % 7, 1.99])
    book.save(tmp_path / "sales.xlsx")
    columns = {"date": "Day", "product_id": "Article", "units": "Pieces", "price": "Price"}
    sales = accepted(tmp_path / "sales.xlsx", columns).sales
    assert sales["date"].tolist() == list(dates)
    assert sales["units"].tolist() == [number % 7 for number in range(60)]
    assert set(sales["product_id"]) == {"007"}
    assert set(sales["price"]) == {1.99}
    with pytest.raises(DataError, match=r"Sales by day, branch north.*source\.skip_rows=2"):
        accepted(tmp_path / "sales.xlsx", {})
