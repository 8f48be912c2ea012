"""Scores against numbers worked by hand and against slow versions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from expectations.columns import LEVELS
from tasks.demand.blend import cost_of
from tasks.demand.distribution import Distribution, mixed
from tasks.demand.metrics import Criterion, mape, pinball, scores, wape

UNITS = np.array([[2.0, 4.0], [np.nan, 10.0]])


def forecast(point: list[list[float]], spread: float = 0.0, mean: float = 0.0) -> Distribution:
    middle = np.array(point)
    offsets = spread * (np.arange(len(LEVELS)) - LEVELS.index(0.5))
    return Distribution(middle + mean, middle[..., None] + offsets)


def test_scores_worked_by_hand() -> None:
    row = scores(
        UNITS, forecast([[3.0, 4.0], [5.0, 8.0]], spread=1.0, mean=1.0), np.array([1.0, 4.0]), mape_units=3
    )
    assert row["wape"] == pytest.approx((1 + 0 + 2) / 16)
    assert row["mase"] == pytest.approx((1 / 1 + 0 / 1 + 2 / 4) / 3)
    assert row["bias"] == pytest.approx((4 + 5 + 9 - 16) / 16)
    assert row["coverage_80"] == pytest.approx(1.0)


def test_pinball_is_its_definition() -> None:
    rng = np.random.default_rng(0)
    units, quantiles = rng.random((3, 4)), np.sort(rng.random((3, 4, len(LEVELS))), axis=-1)
    slow = np.zeros((3, 4))
    for i, j in np.ndindex(3, 4):
        for k, level in enumerate(LEVELS):
            error = units[i, j] - quantiles[i, j, k]
            slow[i, j] += (level * error if error >= 0 else (level - 1) * error) / len(LEVELS)
    np.testing.assert_allclose(pinball(units, quantiles), slow)


def test_the_relative_error_takes_a_lower_point_than_the_median() -> None:
    sigma, centre = 0.6, np.log(1000.0)
    quantiles = np.exp(centre + sigma * stats.norm.ppf(LEVELS))[None, None]
    point = Distribution(np.array([[1000.0]]), quantiles).relative_median[0, 0]
    assert point == pytest.approx(np.exp(centre - sigma**2), rel=0.03), (
        "the (-1)-median of a lognormal (Gneiting 2011)"
    )
    drawn = np.exp(np.random.default_rng(1).normal(centre, sigma, 100_000))
    candidates = np.linspace(500, 1000, 101)
    best = candidates[np.argmin([(np.abs(drawn - c) / drawn).mean() for c in candidates])]
    assert point == pytest.approx(best, rel=0.03)


def test_mape_needs_large_units() -> None:
    point = np.array([[2.0, 4.0], [1.0, 8.0]])
    assert mape(UNITS, point, 100) is None
    assert mape(UNITS, point, 3) == pytest.approx((0 + 0.2) / 2)


def test_missing_units_enter_no_score() -> None:
    point = np.array([[3.0, 4.0], [1e9, 8.0]])
    assert wape(UNITS, point) == pytest.approx(3 / 16)


def test_a_mixture_lies_between_its_members_and_keeps_quantiles_in_order() -> None:
    first, second = forecast([[2.0], [8.0]], spread=0.5), forecast([[6.0], [4.0]], spread=1.0)
    blend = mixed(np.array([0.25, 1.0]), first, second)
    np.testing.assert_allclose(blend.median[:, 0], [5.0, 8.0])
    assert (np.diff(blend.quantiles, axis=-1) >= 0).all()


@pytest.mark.parametrize("errors", ["units", "logs"])
def test_search_and_blend_count_the_same_error(errors: str) -> None:
    demand, criterion = forecast([[3.0, 4.0], [5.0, 8.0]], spread=0.5), Criterion(errors, 3)
    expected = {"units": wape(UNITS, demand.median), "logs": mape(UNITS, demand.relative_median, 3)}[errors]
    assert criterion.error(UNITS, demand) == pytest.approx(expected)
    assert cost_of(criterion)(UNITS, demand).sum() == pytest.approx(expected)


def test_where_no_units_are_large_enough_there_is_no_relative_error() -> None:
    assert np.isnan(Criterion("logs", 100).error(UNITS, forecast([[3.0, 4.0], [5.0, 8.0]])))
