"""The rules of a shop, by numbers worked on paper: a price holds or moves inside its bounds, never jumps."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.governance.guard import Guard, GuardError, index_bounds, inside, price_bounds

GUARD = Guard(step=0.05, band=0.2, reference_weeks=52, reference_year=0.1, index_week=0.01, index_season=0.03)
LOW, HIGH = 0, 1
PART = 1e-5  # what counting in parts of a minor unit may take from a price of a tenth (share)


def bounds(
    in_force: float, recent_low: float, recent_high: float, reference: float, guard: Guard = GUARD
) -> tuple[float, float]:
    """Return the bounds of a single product, rounded to what is worked on paper."""
    prices = (np.array([price]) for price in (in_force, recent_low, recent_high, reference))
    low, high = price_bounds(*prices, guard)
    return round(float(low[0]), 9), round(float(high[0]), 9)


@pytest.mark.parametrize(
    ("prices", "expected", "why"),
    [
        ((100, 100, 100, 100), (95, 105), "a step either way"),
        ((100, 98, 100, 100), (95, 102.9), "98 was charged this week: at most 98 x 1.05"),
        ((100, 100, 102, 100), (96.9, 105), "102 was charged this week: at least 102 x 0.95"),
        ((118, 118, 118, 100), (112.1, 120), "the band ends at 120, before 118 x 1.05 = 123.9"),
        ((82, 82, 82, 100), (80, 86.1), "the band ends at 80, above 82 x 0.95 = 77.9"),
        ((120, 120, 120, 100), (114, 120), "the end of the band is inside it"),
        ((130, 130, 130, 100), (123.5, 130), "outside the band: only down, by a step, not at once to 120"),
        ((122, 122, 122, 100), (115.9, 122), "outside the band: a step may lead back inside"),
        ((70, 70, 70, 100), (70, 73.5), "below the band: only up, by a step"),
        (
            (100, 80, 100, 100),
            (100, 100),
            "100 is 25 % above the 80 of this week: it holds until that is past",
        ),
        ((90, 90, 100, 100), (90, 90), "90 is 10 % below the 100 of this week: it holds"),
        ((105, 100, 105, 100), (99.75, 105), "a whole step was taken: back is open, further is not"),
        ((104, 100, 103, 100), (98.8, 105), "the price in force counts as a recent one: 104 x 0.95"),
    ],
)
def test_a_price_moves_by_a_step_inside_its_band(
    prices: tuple[float, float, float, float], expected: tuple[float, float], why: str
) -> None:
    assert bounds(*prices) == expected, why


def test_the_price_in_force_is_always_allowed() -> None:
    rng = np.random.default_rng(1)
    in_force, first, second, reference = np.exp(rng.normal(0, 1, size=(4, 100_000)))
    low, high = price_bounds(in_force, np.minimum(first, second), np.maximum(first, second), reference, GUARD)
    assert (low <= in_force).all()
    assert (in_force <= high).all()


def test_whatever_else_is_allowed_breaks_no_rule_that_the_price_in_force_keeps() -> None:
    rng = np.random.default_rng(2)
    in_force, reference = np.exp(rng.normal(0, 0.15, size=(2, 100_000)))
    recent_low, recent_high = (
        in_force * (1 - 0.05 * rng.random(100_000)),
        in_force * (1 + 0.05 * rng.random(100_000)),
    )
    in_force, recent_low, recent_high, reference = (
        prices.round(4) for prices in (in_force, recent_low, recent_high, reference)
    )
    low, high = price_bounds(in_force, recent_low, recent_high, reference, GUARD)
    moves = low < high
    assert 0.9 < moves.mean() < 1
    for price in (low[moves], high[moves]):
        assert (np.abs(price / recent_low[moves] - 1) <= 0.05 + PART).all()
        assert (np.abs(price / recent_high[moves] - 1) <= 0.05 + PART).all()
        distance, before = (np.abs(p / reference[moves] - 1) for p in (price, in_force[moves]))
        assert ((distance <= 0.2 + PART) | (distance <= before + PART)).all(), "only towards the band"


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0])
def test_a_price_that_is_none_is_refused_by_its_name(position: int, value: float) -> None:
    name = ["in_force", "recent_low", "recent_high", "reference"][position]
    prices = [np.full(3, 2.0) for _ in range(4)]
    prices[position][1] = value
    with pytest.raises(
        GuardError, match=rf"`{name}` must be finite and above 0\. .* in row 2 \(1 of 3 rows\)"
    ):
        price_bounds(*prices, GUARD)


def test_a_lowest_price_above_the_highest_is_refused() -> None:
    with pytest.raises(
        GuardError, match=r"`recent_low` must be at most `recent_high`\. Received: 3\.0 in row 1"
    ):
        bounds(2, 3, 2, 2)


@pytest.mark.parametrize("name", ["step", "band", "reference_year", "index_week", "index_season"])
@pytest.mark.parametrize("value", [np.nan, -0.01, 1.0, 5.0])
def test_a_rule_that_is_no_share_is_refused(name: str, value: float) -> None:
    with pytest.raises(GuardError, match=rf"Guard: `{name}` must be a share .* Write 0\.05 for 5 %"):
        Guard(**{**GUARD.__dict__, name: value})


def test_a_median_of_no_week_is_refused() -> None:
    with pytest.raises(GuardError, match=r"`reference_weeks` must be at least 1\. Received: 0"):
        Guard(**{**GUARD.__dict__, "reference_weeks": 0})


@pytest.mark.parametrize("direction", [LOW, HIGH])
def test_ten_weeks_of_the_largest_step_never_leave_the_band(direction: int) -> None:
    rng = np.random.default_rng(3)
    start = rng.uniform(0.5, 20.0, 500).round(2)
    price = start
    for _ in range(10):
        extreme = price_bounds(price, price, price, start, GUARD)
        price = extreme[direction]
    assert inside(price, 0.8 * start, 1.2 * start).all()
    reached = np.abs(price / start - 1)
    assert (reached[start > 5] > 0.19).all(), "the rules are used up to the band"


def test_daily_calls_never_move_a_price_by_more_than_a_step_over_seven_days() -> None:
    rng = np.random.default_rng(4)
    days = [rng.uniform(0.5, 20.0, 500).round(2)]
    for _ in range(60):
        week = np.array(days[-7:])
        low, high = price_bounds(days[-1], week.min(axis=0), week.max(axis=0), days[0], GUARD)
        wanted = days[-1] * rng.uniform(0.8, 1.25, 500)
        days.append(np.clip(wanted, low, high))
    history = np.array(days)
    for apart in range(1, 7):
        change = np.abs(history[apart:] / history[:-apart] - 1)
        assert change.max() <= 0.05 + PART, f"days {apart} apart"
    assert np.abs(history[7:] / history[:-7] - 1).max() > 0.05, "after a week the next step is free"


@pytest.mark.parametrize(
    ("changes", "expected", "why"),
    [
        ([], (0.99, 1.01), "the season begins: the band of the week"),
        ([0.01, 0.005], (0.99, 1.01), "1.5 % were used of 3 %"),
        ([np.log(1.01), np.log(1.015)], (0.99, 1.03 / (1.01 * 1.015)), "the season ends it at 1.03"),
        ([np.log(0.98)], (0.99, 1.01), "0.97 is further than a week's step away"),
        ([np.log(0.975)], (0.97 / 0.975, 1.01), "the season ends it at 0.97"),
        ([np.log(1.03)], (0.99, 1.0), "the season is used up: only back"),
        ([np.log(1.10)], (0.99, 1.0), "the season is exceeded: back by a week's step, no jump to 1.03"),
        ([np.log(0.90)], (1.0, 1.01), "exceeded below: only up"),
    ],
)
def test_the_index_moves_inside_the_bands_of_week_and_season(
    changes: list[float], expected: tuple[float, float], why: str
) -> None:
    assert np.exp(index_bounds(np.array(changes), GUARD)) == pytest.approx(expected, abs=1e-12), why


def test_seasons_of_an_index_are_bounded_side_by_side() -> None:
    low, high = index_bounds(np.log([[1.01, 1.0, 0.99], [1.02, 1.0, 0.97]]), GUARD)
    assert np.exp(low) == pytest.approx([0.99, 0.99, 1.0])
    assert np.exp(high) == pytest.approx([1.0, 1.01, 1.01])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_index_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(GuardError, match=r"`changes` must be finite\. .* in row 2 \(1 of 2 rows\)"):
        index_bounds(np.array([0.0, value]), GUARD)


def test_nothing_that_is_not_finite_is_inside() -> None:
    prices = np.array([1.0, 2.0, 3.0, 3.1, np.nan, np.inf, -np.inf])
    assert inside(prices, np.full(7, 1.0), np.full(7, 3.0)).tolist() == [True] * 3 + [False] * 4
    assert not inside(prices, np.full(7, np.nan), np.full(7, 3.0)).any()
    assert not inside(prices, np.full(7, -np.inf), np.full(7, np.nan)).any()
