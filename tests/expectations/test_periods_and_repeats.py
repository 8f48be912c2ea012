"""Dates fit the period; equal rows are copies or sales, and what cannot be told is refused."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from tests.expectations.test_pregate import LIMITS, PERIODS, passed, refused, table


def test_weekly_dates_lie_on_one_weekday() -> None:
    weekly = table().iloc[:6].assign(date=pd.date_range("2025-05-01", periods=6, freq="7D"))
    limits = replace(LIMITS, period="W")
    assert len(passed(weekly, limits).kept) == 6
    weekly.loc[4, "date"] = pd.Timestamp("2025-05-30")
    assert (
        "sales.csv, row 5, column date: '2025-05-30 (Friday)'. Rule: weekly dates are the first day"
        in refused(weekly, limits)
    )


def test_weekly_dates_of_a_daily_table_name_the_setting() -> None:
    weekly = table().iloc[:6].assign(date=pd.date_range("2025-05-02", periods=6, freq="7D"))
    message = refused(weekly)
    assert "dates lie 7 days apart: set source.period=W (2025-05-02, 2025-05-09, 2025-05-16, ...)" in message
    assert "Remedy: --set source.period=W." in message
    assert message.count("\n") == 1, "one line says it"
    assert len(passed(weekly, replace(LIMITS, period="W")).kept) == 6, "weeks may begin on any weekday"


def test_gaps_of_whole_weeks_do_not_make_a_table_weekly() -> None:
    daily = (
        table().iloc[:6].assign(date=pd.to_datetime([f"2025-05-{day:02d}" for day in (1, 8, 15, 16, 22, 29)]))
    )
    assert len(passed(daily).kept) == 6


def test_daily_dates_of_a_weekly_table_name_the_setting() -> None:
    message = refused(table(), replace(LIMITS, period="W"))
    assert "dates lie on 7 weekdays: set source.period=D" in message
    assert "Remedy: --set source.period=D." in message
    assert message.count("\n") == 1, "one line says it"


def test_many_equal_rows_of_a_file_are_refused_for_they_may_be_sales() -> None:
    lines = pd.concat([table(), table().iloc[:8].assign(row=range(81, 89))], ignore_index=True)
    message = refused(lines)
    assert "sales.csv, row 81, column date+product_id+store_id: equals an earlier row." in message
    assert "3 more rows break the rule" in message
    assert "--set source.sum_lines=true" in message


def test_a_table_loaded_twice_is_no_table_of_lines() -> None:
    gated = passed(pd.concat([table(), table().assign(row=range(81, 161))], ignore_index=True))
    assert gated.repeated == 80
    pd.testing.assert_frame_equal(gated.kept, table())


def test_equal_rows_of_two_files_are_copies_however_many() -> None:
    other = table().iloc[:40].assign(file="more.csv")
    assert passed(pd.concat([table(), other], ignore_index=True)).repeated == 40


def test_one_key_with_two_values_names_the_setting_that_sums_lines() -> None:
    other = table().iloc[[5]].assign(row=81, price=18.5)
    assert "--set source.sum_lines=true" in refused(pd.concat([table(), other], ignore_index=True))


def test_returns_are_believed_where_they_are_to_be_subtracted() -> None:
    assert "--set source.returns=subtract" in refused(table(units={2: -3.0}))
    assert len(passed(table(units={2: -3.0}), replace(LIMITS, returns=True)).kept) == 2 * PERIODS
