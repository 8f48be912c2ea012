"""Slow reference prices and recent extremes of a history of shelf prices, by numbers worked on paper."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from tasks.governance.guard import Guard, GuardError, inside, price_bounds
from tasks.governance.shelf_prices import prior_prices, recent_range, regular_rows, slow_references

MONDAY = pd.Timestamp("2025-01-06")
PART = 1e-6  # currency/unit; bounds are counted in parts of a minor unit


def guard_of(reference_weeks: int = 52, reference_year: float = 0.1) -> Guard:
    return Guard(
        step=0.05,
        band=0.2,
        reference_weeks=reference_weeks,
        reference_year=reference_year,
        index_week=0.01,
        index_season=0.03,
    )


def history(
    prices: Sequence[float], days_apart: int = 1, product: str = "a", begin: pd.Timestamp = MONDAY
) -> pd.DataFrame:
    """Return rows of a product whose prices lie so many days apart; nan is a day without a row."""
    dates = pd.date_range(begin, periods=len(prices), freq=f"{days_apart}D")
    rows = pd.DataFrame({"product_id": product, "store_id": "all", "date": dates, "price": prices})
    return rows.dropna(subset="price")


def reference(sales: pd.DataFrame, guard: Guard, period: str = "D") -> float:
    """Return the slow reference of a history of a single product."""
    table = slow_references(sales, guard, period)
    assert table[["product_id", "store_id"]].to_numpy().tolist() == [["a", "all"]]
    return float(table["slow_reference"].iloc[0])


def test_a_reference_is_the_median_of_what_there_is() -> None:
    assert reference(history([2.0, 2.0, 3.0, 3.0, 3.0]), guard_of()) == 3.0
    assert reference(history([2.0, 2.0, 3.0, 3.0]), guard_of()) == 2.5
    assert reference(history([2.0]), guard_of()) == 2.0


def test_a_price_is_carried_over_days_without_a_row() -> None:
    gap = [np.nan] * 4
    assert reference(history([2.0, *gap, 3.0, 3.0]), guard_of()) == 2.0, "2 on five days, 3 on two"
    other = history([9.0] * 12, product="b")
    table = slow_references(pd.concat([history([2.0, 2.0, 2.0, 3.0]), other]), guard_of())
    assert table["slow_reference"].tolist() == [3.0, 9.0], (
        "3 holds until the last day of the table, nine days"
    )


def test_a_week_holds_seven_days() -> None:
    weeks = history([2.0, 3.0], days_apart=7)
    assert reference(weeks, guard_of(), "W") == 2.5
    assert reference(weeks, guard_of(), "D") == 2.0, "read as days, the last row is a single day"


def test_the_reference_walks_after_its_median_by_a_fifty_second_of_a_year() -> None:
    # A median of 1 week, y = 0.52: 1 % a week. Weeks at 100, 104, 104, 104, 90, 104.
    guard = guard_of(reference_weeks=1, reference_year=0.52)
    prices = np.repeat([100.0, 104.0, 104.0, 104.0, 90.0, 104.0], 7)
    walked = [100.0, 101.0, 102.01, 103.0301, 101.999799, 103.01979699]
    for week, expected in enumerate(walked, start=1):
        assert reference(history(prices[: 7 * week]), guard) == pytest.approx(expected, rel=1e-12), week
    assert reference(history(np.repeat([100.0, 100.5], 7)), guard) == 100.5, "no brake below 1 %"


def test_a_week_that_is_not_over_moves_no_reference() -> None:
    guard = guard_of(reference_weeks=1, reference_year=0.52)
    assert reference(history([100.0] * 7 + [104.0] * 6), guard) == 100.0
    assert reference(history([100.0] * 7 + [104.0] * 7), guard) == 101.0


def test_a_reference_moves_by_at_most_its_share_a_year() -> None:
    doubled = history(np.repeat([10.0, 20.0], [364, 364]))
    assert reference(doubled, guard_of()) == pytest.approx(10 * (1 + 0.1 / 52) ** 27, rel=1e-12), (
        "the median is above 10 from the 26th to the 52nd week at 20"
    )
    assert reference(doubled, guard_of(reference_year=0.99)) == pytest.approx(10 * (1 + 0.99 / 52) ** 27)


def test_two_years_of_greedy_steps_gain_no_more_than_the_reference_gives() -> None:
    guard = guard_of()
    prices = [10.0] * 364
    for _ in range(104):
        now = np.array([prices[-1]])
        slow = slow_references(history(prices), guard)["slow_reference"].to_numpy()
        _, high = price_bounds(now, now, now, slow, guard)
        assert inside(high, 0.8 * slow - PART, 1.2 * slow + PART).all()
        prices += [float(high[0])] * 7
    assert 12.0 < prices[-1] <= 10 * 1.2 * 1.1**2, "without the brake the median would take the band along"


def test_series_walk_side_by_side_as_they_walk_alone() -> None:
    rng = np.random.default_rng(5)
    guard = guard_of(reference_weeks=4)
    end = MONDAY + pd.Timedelta(days=119)
    alone = []
    for name, days in zip("abcde", (120, 97, 60, 29, 3), strict=True):
        prices = np.round(10 * np.exp(np.cumsum(rng.normal(0, 0.02, days))), 2)
        alone.append(history(prices, product=name, begin=end - pd.Timedelta(days=days - 1)))
    together = slow_references(pd.concat(alone).sample(frac=1, random_state=1), guard)
    separate = pd.concat([slow_references(rows, guard) for rows in alone], ignore_index=True)
    pd.testing.assert_frame_equal(together, separate)


def test_later_rows_change_no_reference_of_the_past() -> None:
    prices = np.round(10 * np.exp(np.cumsum(np.random.default_rng(6).normal(0, 0.02, 70))), 2)
    guard = guard_of(reference_weeks=3)
    before = reference(history(prices[:63]), guard)
    after = reference(history([*prices[:63], *(99.0 * prices[63:])]), guard)
    assert after == pytest.approx(before * (1 + 0.1 / 52), rel=1e-12), "one more week, at most one step of it"


def test_promoted_rows_are_left_out_unless_there_are_no_others() -> None:
    sales = history([2.0, 1.0, 1.0, 1.0, 2.0]).assign(
        promotion_deal=[0, 1, 0.2, 0, 0], promotion_ad=[0, 0, 0, 1, np.nan]
    )
    assert regular_rows(sales)["price"].tolist() == [2.0, 2.0]
    assert reference(sales, guard_of()) == 2.0
    assert reference(sales.assign(promotion_deal=1.0), guard_of()) == 1.0
    assert regular_rows(history([2.0, 1.0]))["price"].tolist() == [2.0, 1.0]


def test_a_thousand_products_over_two_years_take_seconds() -> None:
    products, days = 1000, 730
    rng = np.random.default_rng(7)
    sales = pd.DataFrame(
        {
            "date": np.tile(pd.date_range(MONDAY, periods=days), products),
            "product_id": np.repeat([f"p{number:04}" for number in range(products)], days),
            "store_id": "all",
            "price": rng.lognormal(1, 0.1, products * days).round(2),
        }
    )
    begin = time.perf_counter()
    table = slow_references(sales, guard_of())
    assert time.perf_counter() - begin < 10
    assert len(table) == products


def test_recent_prices_are_those_of_seven_local_days() -> None:
    prices = [9.0, 1.0, 2.0, 2.1, 2.2, 2.3, 2.4, 1.9, 7.0]
    recent = recent_range(history(prices), MONDAY + pd.Timedelta(days=7))
    assert recent.to_dict("list") == {
        "product_id": ["a"],
        "store_id": ["all"],
        "recent_low": [1.0],
        "recent_high": [2.4],
    }, "1.0 of six days ago counts, 9.0 of a week ago and 7.0 of tomorrow do not"


def test_the_price_in_force_when_the_days_began_counts() -> None:
    old = history([3.0, *[np.nan] * 20, 2.9])
    assert recent_range(old, MONDAY + pd.Timedelta(days=21))[
        ["recent_low", "recent_high"]
    ].to_numpy().tolist() == [[2.9, 3.0]]
    assert recent_range(old, MONDAY + pd.Timedelta(days=27))["recent_high"].tolist() == [2.9]
    assert recent_range(old, MONDAY + pd.Timedelta(days=20))["recent_low"].tolist() == [3.0]
    assert recent_range(old, MONDAY - pd.Timedelta(days=1)).empty, "nothing was charged yet"


@pytest.mark.parametrize("changed", ["2026-03-29", "2026-10-25"])
def test_a_change_of_the_clock_makes_no_day_longer_or_shorter(changed: str) -> None:
    # The six days before and today, by the calendar: 23 or 25 hours count as the day that they are.
    today = pd.Timestamp(changed) + pd.Timedelta(days=3)
    sales = history([9.0, 2.0, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6], begin=today - pd.Timedelta(days=7))
    zoned = sales.assign(date=(sales["date"] + pd.Timedelta(hours=0.5)).dt.tz_localize("Europe/Berlin"))
    as_of = (today + pd.Timedelta(hours=23.5)).tz_localize("Europe/Berlin")
    for rows, stamp in ((sales, today), (zoned, as_of), (sales, as_of), (zoned, today)):
        assert recent_range(rows, stamp)[["recent_low", "recent_high"]].to_numpy().tolist() == [[2.0, 2.6]]
    assert reference(zoned, guard_of()) == reference(sales, guard_of()) == pytest.approx(2.35)


@pytest.mark.parametrize("value", [np.inf, 0.0, -2.0])
def test_a_price_that_is_none_is_refused_with_its_place(value: float) -> None:
    sales = history([2.0, value])
    message = (
        rf"`price` must be finite and above 0\. Received: {value} of a in all on 2025-01-07 \(1 of 2 rows\)"
    )
    with pytest.raises(GuardError, match=message):
        slow_references(sales, guard_of())
    with pytest.raises(GuardError, match=message):
        recent_range(sales, MONDAY)


def test_a_row_without_a_price_is_a_day_without_a_row_and_a_table_without_any_is_refused() -> None:
    sales = history([2.0, 3.0, 3.0])
    holes = pd.concat([sales, sales.assign(price=np.nan)])
    assert reference(holes, guard_of()) == 3.0
    with pytest.raises(GuardError, match="`price` is known in no row of the history"):
        slow_references(sales.assign(price=np.nan), guard_of())


def test_the_history_is_not_touched() -> None:
    sales = history([2.0, 1.0]).assign(promotion_deal=[0, 1])
    before = sales.copy()
    slow_references(sales, guard_of())
    recent_range(sales, MONDAY)
    pd.testing.assert_frame_equal(sales, before)


def test_the_prior_price_is_the_lowest_of_the_30_days_before_the_reduction() -> None:
    start = MONDAY + pd.Timedelta(days=40)
    prices = np.full(60, 10.0)
    prices[[5, 9, 10, 39, 40]] = 6.0, 7.0, 9.0, 8.0, 5.0
    starts = pd.DataFrame({"product_id": ["a"], "store_id": "all", "start": start})

    def prior(sales: pd.DataFrame) -> list[float]:
        return list(prior_prices(sales, starts)["prior_price"])

    assert prior(history(prices)) == [8.0], "day 5 is too long ago, day 40 is the reduction itself"
    sparse = history(prices).iloc[[5, 9, 50]]
    assert prior(sparse) == [7.0], "the price of day 9 was in force when the 30 days began"
    assert prior(history(prices).iloc[40:]) == [], "nothing is known of the days before"
    other = history(prices).assign(store_id="south", price=1.0)
    assert prior(pd.concat([history(prices), other])) == [8.0], "another store's prices do not count"
