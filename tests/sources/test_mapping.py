"""From a source's columns to typed rows: names, numbers, dates and time stamps, and nothing is guessed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.refusals import DataError
from tasks.sources.mapping import Lines, joined, lines_of
from tasks.sources.order_lines import summed

BERLIN = "Europe/Berlin"


def raw(**columns: list[object]) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    base = {
        "date": ["2025-03-03"] * rows,
        "product_id": [f"p{i}" for i in range(rows)],
        "units": ["1"] * rows,
        "price": ["2.50"] * rows,
    }
    return pd.DataFrame({**base, **columns})


def read(frame: pd.DataFrame, columns: dict[str, str] | None = None, zone: str | None = None) -> Lines:
    return joined([lines_of(frame, "sales.csv", columns or {}, zone)])


def messages(lines: Lines) -> str:
    return str(DataError(lines.breaches))


def test_a_missing_column_is_named_with_those_found_a_guess_and_a_remedy() -> None:
    message = messages(read(raw(units=["1"]).rename(columns={"price": "unit_price"})))
    assert message == (
        "the data is refused:\nsales.csv, column price: there is no 'price'; "
        "found: date, product_id, units, unit_price (did you mean 'unit_price'?). "
        "Rule: the column price exists. "
        "Remedy: say its name in the source with --set source.columns.price=unit_price."
    )


def test_a_mapping_to_a_column_that_is_not_there_is_refused() -> None:
    message = messages(read(raw(units=["1"]), {"price": "pirce", "stock": "on_hand"}))
    assert "there is no 'pirce'" in message
    assert "did you mean 'price'?" in message
    assert "there is no 'on_hand'" in message


def test_every_missing_column_is_reported_at_once() -> None:
    assert [breach.column for breach in read(pd.DataFrame({"x": ["1"]})).breaches] == [
        "date",
        "product_id",
        "units",
        "price",
    ]


@pytest.mark.parametrize(
    "price", ["1.299,00", "12,50", "$9", "9 €", "1 299", "nan", "NaN", "1_000", "0x1F", "12.5.0", "٣", " 9"]
)
def test_a_price_that_is_no_plain_number_is_refused_with_row_and_value(price: str) -> None:
    message = messages(read(raw(price=["1", price, "2"])))
    assert (
        f"sales.csv, row 2, column price: {price!r}. Rule: a finite number, such as 1299.00. "
        "Remedy: write digits" in message
    )
    assert "row 1" not in message
    assert "row 3" not in message


@pytest.mark.parametrize(
    ("text", "value"),
    [("9", 9.0), ("9.", 9.0), (".5", 0.5), ("+1e3", 1000.0), ("-0.10", -0.1), ("1299.00", 1299.0)],
)
def test_a_plain_number_is_read_as_python_reads_it(text: str, value: float) -> None:
    assert read(raw(price=[text])).frame["price"].tolist() == [value]


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=200, deadline=None)
def test_every_float_survives_its_text_bit_for_bit(value: float) -> None:
    got = read(raw(price=[repr(value)])).frame["price"].to_numpy()
    assert got.view("i8") == np.array([value]).view("i8")


def test_infinite_numbers_are_read_so_that_the_gate_can_refuse_them() -> None:
    assert read(raw(price=["inf", "-inf", "1e999"])).frame["price"].tolist() == [np.inf, -np.inf, np.inf]


def test_an_empty_price_is_missing_and_a_product_called_na_survives() -> None:
    frame = read(raw(product_id=["NA", "null", "None", "007"], price=["", "1", "1", "1"])).frame
    assert frame["product_id"].tolist() == ["NA", "null", "None", "007"]
    assert frame["price"].isna().tolist() == [True, False, False, False]


def test_typed_ids_become_the_text_a_person_would_write() -> None:
    typed = {
        "int": [7, 8],
        "float": [7.0, np.nan],
        "decimal": [Decimal("7.10"), Decimal(8)],
        "text": ["007", "x"],
    }
    got = {
        name: read(raw(product_id=values))
        .frame["product_id"]
        .astype(object)
        .where(lambda s: s.notna(), None)
        .tolist()
        for name, values in typed.items()
    }
    assert got == {"int": ["7", "8"], "float": ["7", None], "decimal": ["7.10", "8"], "text": ["007", "x"]}


def test_a_missing_store_is_all_and_every_row_keeps_its_origin() -> None:
    lines = joined(
        [lines_of(raw(units=["1", "2"]), "a.csv", {}, None), lines_of(raw(units=["3"]), "b.csv", {}, None)]
    )
    assert lines.frame["store_id"].unique().tolist() == ["all"]
    assert list(zip(lines.frame["file"], lines.frame["row"], strict=True)) == [
        ("a.csv", 1),
        ("a.csv", 2),
        ("b.csv", 1),
    ]


def test_columns_without_a_place_are_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "repricer"):
        lines = read(
            raw(units=["1"], week=["9"], promotion_deal=["1"], brand=["b"], customer=["c"]),
            {"department": "brand"},
        )
    assert lines.ignored == ("week", "customer")
    assert lines.frame["department"].tolist() == ["b"]
    assert lines.frame["promotion_deal"].tolist() == [1.0]
    assert "not used: week, customer" in caplog.text


def test_a_mapping_takes_precedence_over_a_column_that_has_the_name() -> None:
    lines = read(raw(price=["9"], net=["7"]), {"price": "net"})
    assert lines.frame["price"].tolist() == [7.0]
    assert lines.ignored == ("price",)


@pytest.mark.parametrize(
    "date", ["03/01/2025", "1.3.2025", "20250301", "2025-02-30", "2025-3-1", "", "yesterday"]
)
def test_a_date_that_is_not_iso_is_refused(date: str) -> None:
    message = messages(read(raw(date=["2025-03-01", date])))
    assert f"sales.csv, row 2, column date: {date!r}. Rule: an ISO date such as 2026-03-29" in message


def test_typed_dates_are_dates_whatever_their_type() -> None:
    days = [dt.date(2025, 3, 1), dt.datetime(2025, 3, 2)]
    for values in (
        days,
        pd.to_datetime(days),
        pd.to_datetime(days).as_unit("ns"),
        ["2025-03-01", "2025-03-02 00:00:00"],
    ):
        lines = read(raw(units=["1", "2"]).assign(date=values))
        assert lines.frame["date"].dtype == "datetime64[us]"
        assert lines.frame["date"].dt.strftime("%Y-%m-%d").tolist() == ["2025-03-01", "2025-03-02"]
        assert not lines.stamped
        assert not lines.breaches


def test_years_1_and_9999_are_read_so_that_the_gate_can_refuse_them() -> None:
    assert read(raw(date=["0001-01-01", "9999-12-31"])).frame["date"].dt.year.tolist() == [1, 9999]


@pytest.mark.parametrize(
    "stamp", ["2025-03-01 23:30", "2025-03-01T23:30:00", "2025-03-01T23:30:00Z", "2025-03-01 23:30:00+01:00"]
)
def test_a_time_of_day_without_a_declared_zone_is_refused(stamp: str) -> None:
    message = messages(read(raw(date=["2025-03-01", stamp])))
    assert f"row 2, column date: {stamp!r}" in message
    assert "--set source.time_zone=Europe/Berlin" in message


def test_naive_and_zoned_stamps_mix_into_the_declared_zones_dates() -> None:
    stamps = ["2025-03-01 23:30", "2025-03-01T23:30:00Z", "2025-03-02 01:30:00+05:00", "2025-03-01"]
    lines = read(raw(date=stamps), zone=BERLIN)
    assert lines.stamped
    assert lines.frame["date"].dt.strftime("%m-%d").tolist() == ["03-01", "03-02", "03-01", "03-01"]


def test_zoned_columns_of_a_typed_source_are_converted() -> None:
    stamps = pd.to_datetime(["2025-03-01T23:30:00Z", "2025-03-01T12:00:00Z"])
    assert read(raw(units=["1", "2"]).assign(date=stamps), zone=BERLIN).frame["date"].dt.day.tolist() == [
        2,
        1,
    ]


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-06-01", 24)])
@pytest.mark.parametrize("naive", [False, True])
def test_sums_are_unchanged_over_days_of_23_and_25_hours(day: str, hours: int, naive: bool) -> None:
    local = pd.date_range(day, periods=hours, freq="h", tz=BERLIN)
    text = (
        local.strftime("%Y-%m-%d %H:%M") if naive else local.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    frame = pd.DataFrame({"date": text, "product_id": "a", "units": "2", "price": "1.50"}).astype(str)
    table = summed(read(frame, zone=BERLIN).frame)
    assert table[["units", "price"]].to_numpy().tolist() == [[2.0 * hours, 1.5]]
    assert table["date"].dt.strftime("%Y-%m-%d").tolist() == [day]


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"source\.time_zone, column date: 'Mars/Base'\. Rule: the zone is an IANA name"
    ):
        read(raw(date=["2025-03-01"]), zone="Mars/Base")


def test_transactions_sum_to_units_and_a_price_weighted_by_units() -> None:
    frame = read(
        raw(
            date=["2025-03-01 08:00", "2025-03-01 09:00", "2025-03-02 09:00"],
            product_id=["a", "a", "a"],
            units=["1", "3", "0"],
            price=["2.00", "4.00", "5.00"],
            unit_cost=["1.00", "", "2.00"],
            stock=["9", "8", "5"],
        ),
        zone=BERLIN,
    ).frame
    table = summed(frame)
    # (1 * 2 + 3 * 4) / 4 = 3.5; the cost is known for one unit only
    # nothing sold: the mean of the prices shown
    assert table[["units", "price", "unit_cost", "stock"]].to_numpy().tolist() == [
        [4.0, 3.5, 1.0, 9.0],
        [0.0, 5.0, 2.0, 5.0],
    ]


@given(st.permutations(range(12)))
@settings(max_examples=30, deadline=None)
def test_the_order_of_transactions_does_not_move_a_bit_of_the_sums(order: list[int]) -> None:
    hours = [f"2025-03-01 {hour:02d}:00" for hour in range(12)]
    frame = raw(
        date=hours,
        product_id=["a"] * 12,
        units=[f"{0.1 * (i + 1):.1f}" for i in range(12)],
        price=[f"{1 + 0.07 * i:.2f}" for i in range(12)],
    )
    shuffled = frame.iloc[order].reset_index(drop=True)
    values = ["units", "price"]
    assert summed(read(shuffled, zone=BERLIN).frame)[values].equals(
        summed(read(frame, zone=BERLIN).frame)[values]
    )


def test_the_callers_frame_is_not_touched() -> None:
    frame = raw(units=["1", ""], price=["1", "x"])
    before = frame.copy(deep=True)
    read(frame)
    pd.testing.assert_frame_equal(frame, before)
