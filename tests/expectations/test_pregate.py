"""What is refused before Great Expectations, with its place and remedy, and what is only set aside."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from expectations.pregate import Gated, gate
from expectations.refusals import DataError
from expectations.rules import Limits

LIMITS = Limits(period="D", future_hours=24, level_shift=20, spike=50, quarantine_share=0.05)
NOW = pd.Timestamp("2025-06-30 12:00")
PERIODS = 40


def table(**changes: dict[int, object]) -> pd.DataFrame:
    """Return 40 days of two products, ids of rows 0 to 79, with single cells changed."""
    days = np.tile(pd.date_range("2025-05-01", periods=PERIODS), 2)
    frame = pd.DataFrame(
        {
            "file": "sales.csv",
            "row": range(1, 2 * PERIODS + 1),
            "date": days.astype("datetime64[us]"),
            "product_id": np.repeat(["tea", "NA"], PERIODS),
            "store_id": "all",
            "units": np.tile(np.arange(PERIODS) % 5, 2).astype(float),
            "price": np.repeat([19.99, 2.5], PERIODS),
        }
    )
    for column, cells in changes.items():
        if column not in frame:
            frame[column] = 5.0
        for row, value in cells.items():
            frame.loc[row, column] = value
    return frame


def passed(frame: pd.DataFrame, limits: Limits = LIMITS, **options: object) -> Gated:
    return gate(frame, limits, NOW, **options)  # type: ignore[arg-type]


def refused(frame: pd.DataFrame, limits: Limits = LIMITS) -> str:
    with pytest.raises(DataError) as error:
        passed(frame, limits)
    return str(error.value)


def test_clean_rows_pass_whole() -> None:
    gated = passed(table())
    pd.testing.assert_frame_equal(gated.kept, table())
    assert (len(gated.set_aside), gated.repeated) == (0, 0)


def test_a_table_without_rows_is_refused() -> None:
    assert (
        "the source, column (all): no row. Rule: the source has rows. Remedy: check the file or the query."
        in refused(table().head(0))
    )


def test_a_required_column_that_is_not_there_is_refused_with_those_found() -> None:
    message = refused(table().drop(columns="price"))
    assert "column price: not among file, row, date, product_id, store_id, units." in message
    assert "--set source.columns.price=NAME" in message


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e308, -1e308, -0.0])
@pytest.mark.parametrize(
    "column", ["units", "price", "list_price", "unit_cost", "stock", "competitor_price", "promotion_deal"]
)
def test_a_number_that_is_not_finite_plain_and_signed_right_is_refused(column: str, value: float) -> None:
    message = refused(table(**{column: {6: value}}))
    assert f"sales.csv, row 7, column {column}: {value}. Rule: a finite number" in message
    assert message.count("\n") == 1, "one cell breaks one rule"


@pytest.mark.parametrize("column", ["price", "list_price", "unit_cost", "competitor_price"])
@pytest.mark.parametrize("value", [0.0, -2.0])
def test_money_that_is_not_above_zero_is_refused(column: str, value: float) -> None:
    message = refused(table(**{column: {2: value}}))
    assert (
        f"sales.csv, row 3, column {column}: {value}. Rule: {column} is above 0. Remedy: mend the value"
        in message
    )


def test_returns_among_the_units_are_refused() -> None:
    message = refused(table(units={2: -3.0}))
    assert (
        "sales.csv, row 3, column units: -3.0. Rule: units are not negative. "
        "Remedy: book returns in a column of their own" in message
    )


def test_an_exact_duplicate_is_counted_and_the_first_kept() -> None:
    copies = table().iloc[[5, 5, 9]].assign(row=[81, 82, 83])
    gated = passed(pd.concat([table(), copies], ignore_index=True))
    assert gated.repeated == 3
    pd.testing.assert_frame_equal(gated.kept, table())


def test_one_key_with_two_values_is_refused_with_both_rows_shown() -> None:
    other = table().iloc[[5]].assign(row=81, price=18.5)
    message = refused(pd.concat([table(), other], ignore_index=True))
    assert (
        "sales.csv, row 6 and sales.csv, row 81, column date+product_id+store_id: "
        "2025-05-06 'tea' 'all' has price 19.99 and price 18.5." in message
    )
    assert "Rule: one row per date, product_id and store_id." in message


def test_transactions_are_no_duplicates_of_each_other() -> None:
    lines = pd.concat([table(), table()], ignore_index=True)
    assert len(passed(lines, keyed=False).kept) == 4 * PERIODS


@pytest.mark.parametrize(
    ("date", "rule"),
    [
        ("2025-07-02", "no date is later than now"),
        ("9999-12-31", "the year is at most 2100"),
    ],
)
def test_dates_in_the_future_are_refused(date: str, rule: str) -> None:
    message = refused(table(date={3: pd.Timestamp(date).as_unit("us")}))
    assert f"sales.csv, row 4, column date: '{date}'. Rule: {rule}" in message


def test_a_date_within_24_hours_is_believed() -> None:
    assert len(passed(table(date={39: pd.Timestamp("2025-07-01")})).kept) == 2 * PERIODS


def test_a_missing_cost_stays_unknown_and_a_cost_above_the_price_is_accepted() -> None:
    gated = passed(table(unit_cost={0: np.nan, 1: 99.0}))
    assert np.isnan(gated.kept["unit_cost"].iloc[0])
    assert gated.kept["unit_cost"].iloc[1] == 99.0
    assert gated.set_aside.empty


def test_a_row_without_a_product_or_before_this_age_is_set_aside_whatever_else_it_holds() -> None:
    gated = passed(
        table(product_id={4: np.nan}, date={7: pd.Timestamp("0001-01-01").as_unit("us")}, price={4: -1.0})
    )
    assert gated.set_aside[["file", "row", "reason"]].to_numpy().tolist() == [
        ["sales.csv", 5, "product_id missing"],
        ["sales.csv", 8, "date before 1990"],
    ]
    pd.testing.assert_frame_equal(gated.kept, table().drop(index=[4, 7]))


def test_a_table_with_too_many_rows_without_a_product_is_refused() -> None:
    message = refused(table(product_id=dict.fromkeys(range(5), np.nan)))
    assert "5 x product_id missing. Rule: at most 5.0% of the rows are set aside" in message
    message = refused(table(product_id=dict.fromkeys(range(80), np.nan)))
    assert "80 of 80 rows set aside" in message


def test_every_broken_rule_is_reported_at_once_and_examples_are_capped() -> None:
    frame = table(
        price=dict.fromkeys(range(10, 22), -1.0), units={50: np.inf}, date={3: pd.Timestamp("2031-01-01")}
    )
    lines = refused(frame).splitlines()
    assert len([line for line in lines if "column price" in line and "row " in line]) == 5
    assert "column price: 7 more rows break the rule: price is above 0." in lines
    assert any("row 51, column units: inf" in line for line in lines)
    assert any("row 4, column date: '2031-01-01'" in line for line in lines)


def test_a_row_without_a_price_or_units_is_set_aside_with_its_origin() -> None:
    gated = passed(table(price={0: np.nan}, units={1: np.nan}))
    assert gated.set_aside[["file", "row", "reason"]].to_numpy().tolist() == [
        ["sales.csv", 1, "price missing"],
        ["sales.csv", 2, "units missing"],
    ]
    assert len(gated.kept) == 2 * PERIODS - 2


@pytest.mark.parametrize("factor", [50, 100, 200, 1 / 50, 1 / 100, 1 / 200])
def test_a_price_in_another_unit_is_set_aside_with_a_hint_and_nothing_else_moves(
    factor: float,
) -> None:
    gated = passed(table(price={7: 19.99 * factor}))
    assert gated.set_aside["row"].tolist() == [8]
    assert gated.set_aside["reason"].tolist() == [
        "price differs from the product's median by more than x20: unit?"
    ]
    pd.testing.assert_frame_equal(gated.kept, table().drop(index=7))


def test_a_price_typed_without_its_point_is_set_aside_even_in_a_history_of_two() -> None:
    frame = table().iloc[:2].assign(price=[19.99, 1999.0])
    gated = passed(frame, replace(LIMITS, quarantine_share=0.6))
    assert gated.set_aside["price"].tolist() == [1999.0]


def test_a_product_wholly_in_cents_is_set_aside_where_the_list_price_shows_it() -> None:
    frame = table(
        list_price=dict.fromkeys(range(PERIODS), 19.99) | dict.fromkeys(range(PERIODS, 2 * PERIODS), 2.99)
    )
    frame.loc[frame["product_id"] == "NA", "price"] = 250.0
    gated = passed(frame, replace(LIMITS, quarantine_share=0.5))
    assert gated.set_aside["product_id"].unique().tolist() == ["NA"]
    assert gated.set_aside["reason"].unique().tolist() == [
        "price differs from the list price by more than x20: unit?"
    ]


def test_a_deep_discount_is_no_level_shift() -> None:
    assert passed(table(price={7: 2.0})).set_aside.empty


def test_one_sale_of_a_million_is_set_aside_and_no_other_product_moves() -> None:
    gated = passed(table(units={7: 1e6}))
    assert gated.set_aside["reason"].tolist() == [
        "units exceed the product's 99th percentile by more than x50"
    ]
    pd.testing.assert_frame_equal(gated.kept, table().drop(index=7))


def test_a_burst_of_a_sparse_product_is_believed() -> None:
    frame = table()
    frame.loc[frame["product_id"] == "NA", "units"] = 0.0
    frame.loc[79, "units"] = 60.0
    assert passed(frame).set_aside.empty


def test_two_currencies_are_refused_and_one_is_dropped() -> None:
    message = refused(table().assign(currency=["EUR"] * 78 + ["USD"] * 2))
    assert (
        "sales.csv, row 79, column currency: 'USD'. "
        "Rule: all prices are in one currency (here most are in EUR)." in message
    )
    assert "currency" not in passed(table().assign(currency="EUR")).kept


def test_a_run_is_refused_past_the_share_set_aside_with_the_reasons_counted() -> None:
    assert len(passed(table(price=dict.fromkeys(range(4), np.nan))).set_aside) == 4  # 5 % of 80 rows
    message = refused(table(price=dict.fromkeys(range(4), np.nan) | {4: 1999.0}))
    assert "5 of 80 rows set aside" in message
    assert "4 x price missing; 1 x price differs" in message
    assert "at most 5.0% of the rows are set aside" in message


def test_no_row_left_is_refused_whatever_the_share() -> None:
    message = refused(table(price=dict.fromkeys(range(80), np.nan)), replace(LIMITS, quarantine_share=0.999))
    assert "80 of 80 rows set aside" in message


def test_the_error_survives_the_way_between_processes() -> None:
    with pytest.raises(DataError) as error:
        passed(table(price={2: -1.0}))
    copied = pickle.loads(pickle.dumps(error.value))
    assert (str(copied), copied.breaches) == (str(error.value), error.value.breaches)


def test_the_callers_frame_is_not_touched() -> None:
    frame = table(price={0: np.nan, 7: 1999.0})
    before = frame.copy(deep=True)
    passed(frame)
    pd.testing.assert_frame_equal(frame, before)
