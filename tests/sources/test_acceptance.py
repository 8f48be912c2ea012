"""Accepting sales: the same data has the same hash, and what is wrong never comes further."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from expectations.refusals import DataError
from expectations.rules import Limits
from tasks.sources import files
from tasks.sources.acceptance import Accepted, accept, canonical, most_sold, table_hash
from tests.sources.daily_shop import COLUMNS, daily_sales

LIMITS = Limits(period="D", future_hours=24, level_shift=20, spike=50, quarantine_share=0.05)
NOW = pd.Timestamp("2025-06-30 12:00")


@pytest.fixture
def sales() -> pd.DataFrame:
    return daily_sales()


def accepted(path: Path, columns: dict[str, str] = COLUMNS, time_zone: str | None = None) -> Accepted:
    return accept(files.read(path, columns, time_zone), LIMITS, NOW)


def test_a_table_with_other_names_becomes_the_sales_table(sales: pd.DataFrame, tmp_path: Path) -> None:
    sales.to_csv(tmp_path / "s.csv", index=False)
    table = accepted(tmp_path / "s.csv").sales
    expected = [
        "date",
        "product_id",
        "store_id",
        "units",
        "price",
        "list_price",
        "promotion_deal",
        "category",
    ]
    assert list(table.columns) == expected
    assert table["product_id"].unique().tolist() == ["00", "01", "02", "03", "04"]
    assert table["category"].unique().tolist() == ["all"]
    assert table["units"].sum() == sales["qty"].sum()


def test_shuffled_or_loaded_twice_the_data_has_the_same_hash(sales: pd.DataFrame, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.csv", tmp_path / "twice"
    sales.to_csv(once, index=False)
    twice.mkdir()
    sales.to_csv(twice / "a.csv", index=False)
    sales.sample(frac=1, random_state=1).to_csv(twice / "b.csv", index=False)
    plain, copied = accepted(once), accepted(twice)
    assert table_hash(plain.sales) == table_hash(copied.sales)
    assert (plain.repeated, copied.repeated) == (0, len(sales))


def test_csv_parquet_and_order_of_columns_have_the_same_hash(sales: pd.DataFrame, tmp_path: Path) -> None:
    sales.to_csv(tmp_path / "s.csv", index=False)
    sales[sales.columns[::-1]].to_parquet(tmp_path / "s.parquet")
    of_csv, of_parquet = accepted(tmp_path / "s.csv"), accepted(tmp_path / "s.parquet")
    assert table_hash(of_csv.sales) == table_hash(of_parquet.sales)


BASE = pd.DataFrame(
    {
        "date": pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-01", "2025-01-02"]),
        "product_id": ["a", "a", "b", "b"],
        "store_id": "all",
        "units": [1.0, 2.0, 3.0, 4.0],
        "price": [1.0, 1.5, 2.0, np.nan],
        "name": ["x", "x", None, "y"],
    }
).astype({"name": "str"})


@given(st.permutations(range(4)))
@hypothesis_settings(max_examples=24, deadline=None)
def test_the_hash_does_not_depend_on_the_order_of_rows(order: list[int]) -> None:
    assert table_hash(canonical(BASE.iloc[order])) == table_hash(canonical(BASE))


@given(st.integers(0, 3), st.sampled_from(["units", "price", "product_id", "store_id", "name", "date"]))
@hypothesis_settings(max_examples=40, deadline=None)
def test_the_hash_depends_on_every_cell(row: int, column: str) -> None:
    changed = BASE.copy()
    changed.loc[row, column] = {"date": pd.Timestamp("2025-03-03"), "units": 9.0, "price": 9.0}.get(
        column, "other"
    )
    assert table_hash(canonical(changed)) != table_hash(canonical(BASE))


def test_the_products_sold_in_the_most_periods_are_kept() -> None:
    rows = [
        (f"2025-01-0{day}", product, units)
        for product, units, days in (("a", 1, 3), ("b", 9, 2), ("c", 1, 3), ("d", 0, 5))
        for day in range(1, days + 1)
    ]
    frame = pd.DataFrame(rows, columns=["date", "product_id", "units"])
    assert most_sold(frame, 2)["product_id"].unique().tolist() == ["a", "c"]
    with pytest.raises(DataError, match="no unit sold"):
        most_sold(frame[frame["product_id"] == "d"], 2)


def test_rows_in_are_accepted_set_aside_or_copies(sales: pd.DataFrame, tmp_path: Path) -> None:
    sales.loc[3, "net_price"] = np.nan
    sales.loc[5, "net_price"] = 250.0
    sales.loc[9, "promotion_deal"] = 7
    pd.concat([sales, sales.head(2)]).to_csv(tmp_path / "s.csv", index=False)
    result = accepted(tmp_path / "s.csv")
    assert (len(result.sales), result.repeated) == (len(sales) - 3, 2)
    assert result.set_aside[["row", "reason"]].to_numpy().tolist() == [
        [4, "price missing"],
        [6, "price differs from the product's median by more than x20: unit?"],
        [10, "expectation failed: promotion_deal is between 0 and 1"],
    ]
    assert result.set_aside["file"].unique().tolist() == ["s.csv"]


def test_transactions_are_summed_to_local_days(tmp_path: Path) -> None:
    hours = pd.date_range("2025-03-29", "2025-04-01", freq="h", inclusive="left", tz="Europe/Berlin")
    frame = pd.DataFrame(
        {
            "date": hours.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"),
            "product_id": "a",
            "units": 2,
            "price": 1.5,
        }
    )
    frame.to_csv(tmp_path / "s.csv", index=False)
    table = accepted(tmp_path / "s.csv", columns={}, time_zone="Europe/Berlin").sales
    assert table["date"].dt.day.tolist() == [29, 30, 31]
    assert table["units"].tolist() == [48.0, 46.0, 48.0]


def test_the_counts_name_every_row_that_was_read(sales: pd.DataFrame, tmp_path: Path) -> None:
    sales.loc[3, "net_price"] = np.nan
    pd.concat([sales, sales.head(2)]).to_csv(tmp_path / "s.csv", index=False)
    assert accepted(tmp_path / "s.csv").counts == {
        "rows read": 1002,
        "copies left out": 2,
        "rows set aside": 1,
        "rows accepted": 999,
    }


def test_ids_that_one_system_pads_are_one_product_and_the_notes_say_so(
    sales: pd.DataFrame, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    late = sales["day"] > "2024-04-01"
    sales[~late].assign(sku=sales["sku"].str.ljust(10)).to_csv(tmp_path / "erp.csv", index=False)
    sales[late].to_csv(tmp_path / "shop.csv", index=False)
    with caplog.at_level("WARNING", "repricer"):
        read = accepted(tmp_path)
    assert read.sales["product_id"].nunique() == 5
    assert read.notes == (f"product_id: blanks around the id were taken off in {(~late).sum():,} rows",)
    assert read.notes[0] in caplog.text
    sales.to_csv(tmp_path / "plain.csv", index=False)
    plain = accepted(tmp_path / "plain.csv")
    assert (table_hash(read.sales), plain.notes) == (table_hash(plain.sales), ())


def test_a_category_with_blanks_around_it_is_the_same_category(sales: pd.DataFrame, tmp_path: Path) -> None:
    shelf = np.where(np.arange(len(sales)) % 2, "dairy ", "dairy")
    sales.assign(category=shelf, name=" Milk").to_csv(tmp_path / "s.csv", index=False)
    table = accepted(tmp_path / "s.csv").sales
    assert table["category"].unique().tolist() == ["dairy"]
    assert table["name"].unique().tolist() == [" Milk"]
