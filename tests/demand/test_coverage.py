"""The randomised coverage, worked by hand, and on draws from the forecast itself."""

from __future__ import annotations

import numpy as np
import pytest

from expectations.columns import LEVELS
from tasks.demand.counts import Counts, none_counted, quantiles_of
from tasks.demand.coverage import (
    Transforms,
    coverage_metrics,
    coverage_sentences,
    randomised_coverage,
    share_between,
    transforms_of,
)
from tasks.demand.distribution import Distribution

DENSITY = np.array([0.03, 0.08, 0.2, 0.4, 0.8, 1.5, 2.5])  # log units are continuous: no quantile is 0


def all_counted(mean: np.ndarray, dispersion: float) -> tuple[Distribution, Counts]:
    alpha = np.full(len(mean), dispersion)
    counts = Counts(counted=np.ones(len(mean), bool), weight=alpha, factor=alpha, dispersion=alpha)
    return Distribution(mean, quantiles_of(mean, alpha[:, None])), counts


def test_the_transform_of_a_geometric_distribution_worked_by_hand() -> None:
    # alpha = 1, m = 1: P(<= k) = 1/2, 3/4, 7/8, 15/16
    forecast, counts = all_counted(np.ones((1, 4)), 1.0)
    both = transforms_of(np.array([[0.0, 1.0, 2.0, 3.0]]), forecast, counts, np.array([True]))
    np.testing.assert_allclose(both.low, [[0, 0.5, 0.75, 0.875]], atol=1e-12)
    np.testing.assert_allclose(both.high, [[0.5, 0.75, 0.875, 0.9375]])
    inside = both.shares(0.1, 0.9)["all"]
    np.testing.assert_allclose(inside, [[0.4 / 0.5, 1, 1, 0.025 / 0.0625]])
    assert inside @ [1 / 2, 1 / 4, 1 / 8, 1 / 16] == pytest.approx([0.4 + 0.25 + 0.125 + 0.025]), "in all 0.8"


def test_a_point_is_inside_or_not_and_its_ends_belong_to_the_interval() -> None:
    at = np.array([0.05, 0.1, 0.5, 0.9, 0.95])
    np.testing.assert_array_equal(share_between(at, at, 0.1, 0.9), [0, 1, 1, 1, 0])


def test_a_density_is_read_between_its_quantiles_and_has_no_atom() -> None:
    forecast = Distribution(np.full((1, 6), 0.6), np.broadcast_to(DENSITY, (1, 6, len(LEVELS))))
    units = np.array([[0.0, 0.08, 0.3, 1.5, 9.0, np.nan]])
    both = transforms_of(units, forecast, none_counted(1), np.array([True]))
    np.testing.assert_allclose(both.low, [[0, 0.1, 0.375, 0.9, 1, np.nan]])
    np.testing.assert_allclose(both.high, both.low)


def test_levels_that_share_a_quantile_are_an_atom() -> None:
    quantiles = np.array([[[0, 0, 0, 0, 1, 2, 3.0]]])
    both = transforms_of(
        np.zeros((1, 1)), Distribution(np.ones((1, 1)), quantiles), none_counted(1), np.ones(1, bool)
    )
    assert (both.low[0, 0], both.high[0, 0]) == (0.0, 0.5)


@pytest.mark.parametrize(("mean", "dispersion"), [(0.05, 0.0), (0.25, 1.0), (2.0, 0.4), (30.0, 0.1)])
def test_a_right_forecast_covers_80_percent_whatever_its_share_of_zeros(
    mean: float, dispersion: float
) -> None:
    rng, means = np.random.default_rng(1), np.full((200, 50), mean)
    spread = rng.gamma(1 / dispersion, dispersion, means.shape) if dispersion else 1.0
    units = rng.poisson(means * spread).astype(float)
    forecast, counts = all_counted(means, dispersion)
    covered = randomised_coverage(transforms_of(units, forecast, counts, np.ones(200, bool)))["all"]
    assert covered["value"] == pytest.approx(0.8, abs=0.015)
    assert covered["low"] < 0.8 < covered["high"]
    low, high = forecast.quantiles[..., LEVELS.index(0.1)], forecast.quantiles[..., LEVELS.index(0.9)]
    assert ((low <= units) & (units <= high)).mean() >= 0.8, "the plain coverage of counts is too large"


def test_a_density_over_mostly_zeros_covers_as_little_as_it_does() -> None:
    units = (np.random.default_rng(2).random((40, 28)) < 0.22).astype(float)
    forecast = Distribution(np.full(units.shape, 0.6), np.broadcast_to(DENSITY, (*units.shape, len(LEVELS))))
    covered = randomised_coverage(transforms_of(units, forecast, none_counted(40), np.ones(40, bool)))
    assert covered["slow"]["value"] < 0.3
    assert covered["slow"]["high"] < 0.3


def test_classes_are_apart_and_missing_units_count_nowhere() -> None:
    low = np.array([[0.5, 0.5, np.nan], [0.95, 0.5, 0.95]])
    covered = randomised_coverage(Transforms(low=low, high=low, slow=np.array([True, False])))
    assert {name: (row["value"], row["periods"]) for name, row in covered.items()} == {
        "all": (3 / 5, 5),
        "slow": (1.0, 2),
        "rest": (1 / 3, 3),
    }
    assert coverage_metrics(covered, "forecast.")["forecast.coverage_randomised.slow"] == 1.0
    assert len(coverage_sentences(covered)) == 3
    alone = randomised_coverage(Transforms(low=low, high=low, slow=np.zeros(2, bool)))
    assert set(alone) == {"all", "rest"}
    assert len(coverage_sentences(alone)) == 1, "a single class is all series"


def test_errors_that_a_period_or_a_series_shares_widen_the_interval() -> None:
    rng = np.random.default_rng(3)
    alone = rng.random((40, 28))
    by_period, by_series = np.tile(rng.random((1, 28)), (40, 1)), np.tile(rng.random((40, 1)), (1, 28))
    slow = np.zeros(40, bool)
    width = {}
    for name, low in {"alone": alone, "period": by_period, "series": by_series}.items():
        row = randomised_coverage(Transforms(low=low, high=low, slow=slow))["all"]
        width[name] = row["high"] - row["low"]
    assert width["period"] > 3 * width["alone"]
    assert width["series"] > 3 * width["alone"]
