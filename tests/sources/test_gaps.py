"""A missing row means one thing: no sale or unknown, as it is stated; where it matters it must be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from expectations.refusals import DataError
from expectations.rules import Limits
from tasks.sources import files
from tasks.sources.acceptance import Accepted, accept, table_hash
from tasks.sources.mapping import Lines
from tasks.sources.meaning import Meaning

LIMITS = Limits(period="D", future_hours=24, level_shift=20, spike=50, quarantine_share=0.05)
NOW = pd.Timestamp("2026-12-01")
DAYS, PRODUCTS, RATE = 200, 8, 0.25


def slow_sellers() -> pd.DataFrame:
    """Return all days of products that sell on one day in four or so, days without a sale included."""
    rng = np.random.default_rng(11)
    days = pd.date_range("2025-01-01", periods=DAYS).strftime("%Y-%m-%d")
    frame = pd.DataFrame(
        [(day, f"p{p}") for p in range(PRODUCTS) for day in days], columns=["date", "product_id"]
    )
    deal = np.tile(np.arange(DAYS) // 14 % 2, PRODUCTS)
    return frame.assign(
        units=rng.poisson(RATE, len(frame)),
        price=np.where(deal, 2.0, 2.5),
        unit_cost=1.2,
        promotion_deal=deal,
    )


def write(path: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(path, index=False)
    return path


def accepted(path: Path, missing: str | None = None, columns: dict[str, str] | None = None) -> Accepted:
    return accept(files.read(path, columns or {}, None), LIMITS, NOW, Meaning(missing=missing))


@pytest.fixture
def sold_days(tmp_path: Path) -> Path:
    frame = slow_sellers()
    return write(tmp_path / "sales.csv", frame[frame["units"] > 0])


def test_a_table_of_sold_days_is_refused_with_what_each_reading_gives(sold_days: Path) -> None:
    truth = slow_sellers()["units"]
    with pytest.raises(DataError) as error:
        accepted(sold_days)
    message = str(error.value)
    assert f"no_sale: {truth.mean():.3f} units a product-day over 8 products x 200 days" in message
    assert f"unknown: {truth[truth > 0].mean():.2f}" in message
    assert "--set source.missing=no_sale" in message
    assert "0.0% of the rows have 0 units" in message


def test_no_sale_gives_the_table_with_its_zeros(sold_days: Path) -> None:
    result = accepted(sold_days, "no_sale")
    truth = slow_sellers()
    assert result.sales["units"].mean() == truth["units"].mean()
    assert len(result.sales) == len(truth)
    added = len(truth) - (truth["units"] > 0).sum()
    assert result.counts["periods without a sale, added with 0 units"] == added
    assert result.sales[["price", "unit_cost", "promotion_deal", "category"]].notna().all(axis=None)
    assert ((result.sales["price"] == 2.0) == (result.sales["promotion_deal"] == 1)).all(), (
        "a promotion and its price are carried together"
    )


def test_unknown_gives_the_rows_as_they_are(sold_days: Path) -> None:
    result = accepted(sold_days, "unknown")
    assert (result.sales["units"] > 0).all()
    assert len(result.sales) == result.rows


@pytest.mark.parametrize("missing", [None, "unknown", "no_sale"])
def test_a_table_that_writes_its_zeros_is_the_same_however_missing_rows_are_read(
    tmp_path: Path, missing: str | None
) -> None:
    path = write(tmp_path / "sales.csv", slow_sellers())
    assert table_hash(accepted(path, missing).sales) == table_hash(accepted(path, "unknown").sales)


def test_few_gaps_or_some_zeros_leave_it_unknown(tmp_path: Path) -> None:
    frame = slow_sellers()
    brisk = frame.assign(units=frame["units"] + 1)
    tenth = np.random.default_rng(0).random(len(frame)) < 0.1
    assert len(accepted(write(tmp_path / "a.csv", brisk[~tenth])).sales) == (~tenth).sum()
    half = np.random.default_rng(0).random(len(frame)) < 0.5
    assert len(accepted(write(tmp_path / "b.csv", frame[~half])).sales) == (~half).sum()


def test_the_carried_price_is_the_one_before_or_else_the_next(tmp_path: Path) -> None:
    rows = [
        ("01", "a", 2.0),
        ("01", "b", 9.0),
        ("02", "b", 9.0),
        ("03", "b", 9.0),
        ("04", "a", 3.0),
        ("06", "b", 9.0),
    ]
    frame = pd.DataFrame(rows, columns=["date", "product_id", "price"]).assign(units=1)
    frame["date"] = "2025-01-" + frame["date"]
    sales = accepted(write(tmp_path / "sales.csv", frame), "no_sale").sales
    assert sales[sales["product_id"] == "a"]["price"].tolist() == [2.0, 2.0, 2.0, 3.0, 3.0, 3.0]
    assert sales[sales["product_id"] == "a"]["units"].tolist() == [1, 0, 0, 1, 0, 0]


def test_a_product_that_was_launched_later_has_no_zeros_before(tmp_path: Path) -> None:
    frame = slow_sellers()
    launched = frame[(frame["product_id"] != "p3") | (frame["date"] >= "2025-05-01")]
    sales = accepted(write(tmp_path / "sales.csv", launched[launched["units"] > 0]), "no_sale").sales
    assert sales[sales["product_id"] == "p3"]["date"].min() >= pd.Timestamp("2025-05-01")
    assert sales[sales["product_id"] == "p2"]["date"].min() == pd.Timestamp("2025-01-01")


def test_a_store_that_closed_for_good_has_no_zeros_after(tmp_path: Path) -> None:
    frame = slow_sellers()
    closed = frame[frame["date"] < "2025-03-01"].assign(store_id="old")
    both = pd.concat([frame.assign(store_id="new"), closed])
    sales = accepted(write(tmp_path / "sales.csv", both[both["units"] > 0]), "no_sale").sales
    assert sales[sales["store_id"] == "old"]["date"].max() < pd.Timestamp("2025-03-01")
    assert sales[sales["store_id"] == "new"]["date"].max() >= pd.Timestamp("2025-07-15")


def test_a_row_that_is_set_aside_is_no_day_without_a_sale(sold_days: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(sold_days)
    frame.loc[5, "price"] = np.nan
    sales = accepted(write(tmp_path / "gap.csv", frame), "no_sale").sales
    key = (sales["date"] == frame.loc[5, "date"]) & (sales["product_id"] == frame.loc[5, "product_id"])
    assert not key.any()


@pytest.mark.parametrize("marks", [("1", "0"), ("True", "False"), ("true", "false"), ("1.0", "0.0")])
def test_days_on_which_the_shop_was_closed_are_left_out_and_counted(
    tmp_path: Path, marks: tuple[str, str]
) -> None:
    frame = slow_sellers()
    sunday = pd.to_datetime(frame["date"]).dt.dayofweek == 6
    frame = frame.assign(units=frame["units"].mask(sunday, 0), Open=np.where(sunday, marks[1], marks[0]))
    frame["price"] = frame["price"].mask(sunday)
    path = write(tmp_path / "sales.csv", frame)
    for missing in (None, "no_sale"):
        result = accepted(path, missing, {"open": "Open"})
        assert (result.sales["date"].dt.dayofweek != 6).all(), "a closed day is no day without a sale"
        assert result.counts["rows of closed shops left out"] == sunday.sum()
        assert "open" not in result.sales
        assert result.set_aside.empty


def test_a_closed_shop_that_sells_and_a_mark_that_is_none_are_refused(tmp_path: Path) -> None:
    frame = slow_sellers().assign(open=1)
    frame.loc[[2, 3], ["open", "units"]] = [[0, 4], [7, 1]]
    with pytest.raises(DataError) as error:
        accepted(write(tmp_path / "sales.csv", frame))
    assert "sales.csv, row 3, column open: 'open 0 and units 4.0'. Rule: a closed shop sells nothing" in str(
        error.value
    )
    assert "sales.csv, row 4, column open: '7'. Rule: open is 1 or 0, true or false" in str(error.value)


def test_a_day_with_more_returns_than_sales_sold_nothing(tmp_path: Path) -> None:
    frame = slow_sellers()
    frame.loc[[4, 9], "units"] = [-2, -1]
    path = write(tmp_path / "sales.csv", frame)
    with pytest.raises(DataError, match=r"row 5, column units: -2\.0.*--set source\.returns=subtract"):
        accepted(path)
    result = accept(files.read(path, {}, None), replace(LIMITS, returns=True), NOW)
    assert result.sales["units"].sum() == frame["units"].clip(lower=0).sum()
    assert result.counts["periods with more returns than sales, set to 0"] == 2


def test_a_source_that_writes_its_zeros_is_not_read_as_if_it_left_them_out(tmp_path: Path) -> None:
    path = write(tmp_path / "sales.csv", slow_sellers())
    lines = files.read(path, {}, None)
    complete = Lines(**{**vars(lines), "complete": True})
    with pytest.raises(DataError, match=r"leave source\.missing out"):
        accept(complete, LIMITS, NOW, Meaning(missing="unknown"))
    assert len(accept(complete, LIMITS, NOW, Meaning(missing="no_sale")).sales) == lines.rows
