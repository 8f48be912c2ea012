"""While an announced promotion runs, its price holds; two announcements for a day are refused."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expectations.refusals import DataError
from tasks.governance.announced import START, announced_for, dates_for, promoted_prices

TODAY = pd.Timestamp("2026-12-03")


def announcements(*rows: tuple[Any, ...], stores: bool = False) -> pd.DataFrame:
    names = ["product_id", *(["store_id"] if stores else []), "start", "end", "price"]
    return pd.DataFrame(rows, columns=names)


def prices(promotions: pd.DataFrame, as_of: str = "2026-12-03") -> dict[str, float]:
    table = promoted_prices(promotions, pd.Timestamp(as_of))
    assert (table["store_id"] == "all").all()
    return dict(zip(table["product_id"], table["price"], strict=True))


@pytest.mark.parametrize(
    ("as_of", "running"),
    [
        ("2026-11-30", {}),
        ("2026-12-01", {"milk": 1.5}),
        ("2026-12-03", {"milk": 1.5, "cola": 0.9}),
        ("2026-12-07", {"milk": 1.5}),
        ("2026-12-08", {"milk": 1.25}),
        ("2026-12-09", {}),
    ],
)
def test_a_promotion_runs_from_its_first_to_its_last_day(as_of: str, running: dict[str, float]) -> None:
    table = announcements(
        ("milk", "2026-12-08", "2026-12-08", 1.25),
        ("milk", "2026-12-01", "2026-12-07", 1.5),
        ("cola", "2026-12-03", "2026-12-03", 0.9),
    )
    assert prices(table, as_of) == running


@pytest.mark.parametrize("as_of", ["2026-10-25 00:30", "2026-10-25 23:59"])
def test_a_day_is_one_of_the_calendar_however_many_hours_it_has(as_of: str) -> None:
    table = announcements(("milk", "2026-10-25", "2026-10-25", 1.5))
    local = pd.Timestamp(as_of).tz_localize("Europe/Berlin")
    assert promoted_prices(table, local)["price"].tolist() == [1.5], "a day of 25 hours"
    assert promoted_prices(table, local + pd.DateOffset(days=1)).empty


@pytest.mark.parametrize(
    "day", [TODAY, TODAY.date(), datetime.datetime(2026, 12, 3), "2026-12-03", "2026-12-03 00:00:00"]
)
def test_a_date_is_read_however_its_table_stores_it(day: Any) -> None:
    assert prices(announcements(("milk", day, day, "1.5"))) == {"milk": 1.5}


def test_a_promotion_may_differ_by_store() -> None:
    table = announcements(
        ("milk", "north", "2026-12-01", "2026-12-07", 1.5),
        ("milk", "south", "2026-12-01", "2026-12-07", 1.6),
        ("cola", "all", "2026-12-01", "2026-12-07", 0.9),
        stores=True,
    )
    promoted = promoted_prices(table, TODAY)
    assert promoted.drop(columns=["start", "end"]).to_numpy().tolist() == [
        ["cola", "all", 0.9],
        ["milk", "north", 1.5],
        ["milk", "south", 1.6],
    ]
    shop = pd.DataFrame(
        {
            "product_id": ["milk", "cola", "milk", "soap", "cola", "milk"],
            "store_id": ["south", "north", "west", "north", "all", "north"],
        },
        index=[5, 3, 1, 0, 2, 4],
    )
    np.testing.assert_array_equal(announced_for(shop, promoted), [1.6, 0.9, np.nan, np.nan, 0.9, 1.5])


def test_without_a_store_an_announcement_holds_in_every_store() -> None:
    promoted = promoted_prices(announcements(("milk", "2026-12-01", "2026-12-07", 1.5)), TODAY)
    shop = pd.DataFrame({"product_id": ["milk", "milk", "soap"], "store_id": ["north", "all", "all"]})
    np.testing.assert_array_equal(announced_for(shop, promoted), [1.5, 1.5, np.nan])
    begun = pd.Timestamp("2026-12-01")
    assert dates_for(shop, promoted, START).tolist() == [begun, begun, pd.NaT]


def test_a_table_without_announcements_promotes_nothing() -> None:
    promoted = promoted_prices(announcements(), TODAY)
    assert promoted.columns.tolist() == ["product_id", "store_id", "price", "start", "end"]
    shop = pd.DataFrame({"product_id": ["milk"], "store_id": ["all"]})
    assert np.isnan(announced_for(shop, promoted)).all()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("", "2026-12-01", "2026-12-02", 1.0), r"row 2, column product_id: ''\. .*names its product_id"),
        ((None, "2026-12-01", "2026-12-02", 1.0), r"row 2, column product_id: \(empty\)\. .*fill it in\."),
        (("a", "01.12.2026", "2026-12-02", 1.0), r"row 2, column start: '01\.12\.2026'\. Rule: a local date"),
        (
            ("a", "2026-12-01", None, 1.0),
            r"row 2, column end: \(empty\)\. .* Remedy: write it as 2026-12-01\.",
        ),
        (("a", "2026-12-01", "2026-12-02T10:00", 1.0), r"row 2, column end: .*without a time of day"),
        (("a", "2026-12-01", "2026-12-02T00:00+01:00", 1.0), r"row 2, column end: .*without a time of day"),
        (("a", "2026-12-32", "2026-12-02", 1.0), r"row 2, column start: '2026-12-32'"),
        (("a", 20261201, "2026-12-02", 1.0), r"row 2, column start: 20261201\. Rule: a local date"),
        (
            ("a", "2026-12-02", "2026-12-01", 1.0),
            r"row 2, column end: '2026-12-02 to 2026-12-01'\. Rule: a promotion ends on its start or later\.",
        ),
        (("a", "2026-12-01", "2026-12-02", 0.0), r"row 2, column price: 0\.0\. .*finite and above 0\."),
        (("a", "2026-12-01", "2026-12-02", -1.0), r"row 2, column price: -1\.0\. "),
        (("a", "2026-12-01", "2026-12-02", np.nan), r"row 2, column price: \(empty\)\. "),
        (("a", "2026-12-01", "2026-12-02", np.inf), r"row 2, column price: inf\. "),
        (("a", "2026-12-01", "2026-12-02", "1,99"), r"row 2, column price: '1,99'\. .* such as 1\.99\."),
    ],
)
def test_a_cell_that_says_nothing_is_refused_with_its_place(row: tuple[Any, ...], message: str) -> None:
    table = announcements(("b", "2026-12-01", "2026-12-02", 1.0), row)
    with pytest.raises(DataError, match=rf"specials\.csv, {message}"):
        promoted_prices(table, TODAY, "specials.csv")


def test_every_broken_rule_is_reported_at_once() -> None:
    table = announcements(("a", "2026-12-02", "2026-12-01", 0.0), ("", "x", "2026-12-01", 1.0))
    with pytest.raises(DataError) as error:
        promoted_prices(table, TODAY)
    assert {breach.column for breach in error.value.breaches} == {"end", "price", "product_id", "start"}


def test_a_missing_column_is_refused_with_those_that_are_there() -> None:
    table = announcements(("a", "2026-12-01", "2026-12-02", 1.0)).rename(
        columns={"price": "deal", "end": "to"}
    )
    with pytest.raises(DataError) as error:
        promoted_prices(table, TODAY)
    assert str(error.value).splitlines()[1:] == [
        f"--promotions, column {name}: there is no such column (columns: product_id, start, to, deal). "
        f"Rule: an announcement has product_id, start, end, price. Remedy: name the column {name}."
        for name in ("end", "price")
    ]


MILK = ("milk", "north", "2026-12-01", "2026-12-07", 1.5)


@pytest.mark.parametrize(
    "second",
    [
        ("milk", "north", "2026-12-07", "2026-12-09", 1.4),
        ("milk", "north", "2026-12-03", "2026-12-04", 1.4),
        ("milk", "all", "2026-12-07", "2026-12-09", 1.4),
        MILK,
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_two_announcements_for_a_day_are_refused(second: tuple[Any, ...], turned: bool) -> None:
    rows = [second, MILK] if turned else [MILK, second]
    table = announcements(*rows, ("milk", "south", "2026-12-01", "2026-12-01", 1.0), stores=True)
    with pytest.raises(DataError, match=r"milk in (north|all): .* while another one runs until 2026-12-07'"):
        promoted_prices(table, TODAY)


def test_a_long_announcement_is_not_forgotten_behind_a_short_one() -> None:
    table = announcements(
        ("milk", "all", "2026-12-01", "2026-12-31", 1.5),
        ("cola", "north", "2026-12-01", "2026-12-02", 1.0),
        ("milk", "north", "2026-12-30", "2026-12-30", 1.0),
        stores=True,
    )
    with pytest.raises(DataError, match=r"row 3, .*milk in north: .* runs until 2026-12-31"):
        promoted_prices(table, TODAY)


def test_announcements_that_only_touch_or_hold_elsewhere_are_accepted() -> None:
    table = announcements(
        MILK,
        ("milk", "north", "2026-12-08", "2026-12-09", 1.4),
        ("milk", "south", "2026-12-03", "2026-12-09", 1.3),
        ("cola", "all", "2026-12-01", "2026-12-07", 0.9),
        ("milk", "all", "2026-12-10", "2026-12-12", 1.2),
        stores=True,
    )
    assert len(promoted_prices(table, TODAY)) == 3


def test_the_overlaps_are_those_of_a_comparison_of_all_pairs() -> None:
    rng = np.random.default_rng(8)
    refused = 0
    for _ in range(300):
        begin = rng.integers(1, 25, 4)
        end = begin + rng.integers(0, 4, 4)
        stores = rng.choice(["north", "south", "all"], 4)
        rows = [
            ("milk", s, f"2026-12-{b:02}", f"2026-12-{e:02}", 1.0)
            for s, b, e in zip(stores, begin, end, strict=True)
        ]
        pairs = [(i, j) for i in range(4) for j in range(i)]
        overlap = any(
            begin[i] <= end[j]
            and begin[j] <= end[i]
            and (stores[i] == stores[j] or "all" in (stores[i], stores[j]))
            for i, j in pairs
        )
        refused += overlap
        try:
            promoted_prices(announcements(*rows, stores=True), TODAY)
        except DataError:
            assert overlap, rows
        else:
            assert not overlap, rows
    assert 50 < refused < 250, "both happen"


def test_the_announcements_are_not_touched() -> None:
    table = announcements(("milk", "2026-12-01", "2026-12-07", "1.5"))
    before = table.copy()
    promoted_prices(table, TODAY)
    pd.testing.assert_frame_equal(table, before)
