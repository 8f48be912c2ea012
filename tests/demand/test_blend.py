"""The blend and its calibration are fitted on the folds, and do what they claim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from expectations.columns import LEVELS
from tasks.demand.blend import Blend, Weighting, absolute_cost, fit_blend, relative_cost
from tasks.demand.calibration import Calibration, calibrate
from tasks.demand.distribution import Distribution, mixed

WEIGHTING = Weighting(grid=21, shrinkage=100, cost=absolute_cost)


def certain(point: np.ndarray) -> Distribution:
    return Distribution(point, np.repeat(point[..., None], len(LEVELS), axis=-1))


def fitted(
    units: np.ndarray,
    first: Distribution,
    second: Distribution,
    categories: tuple[str, ...] = ("x",) * 30,
    weighting: Weighting = WEIGHTING,
) -> Blend:
    """Return the blend fitted on four origins of ten targets."""
    return fit_blend(
        units,
        (first, second),
        weighting,
        categories=np.array(categories),
        origins=np.repeat(range(4), 10),
    )


@pytest.fixture
def units() -> np.ndarray:
    return np.random.default_rng(0).poisson(20, (30, 40)).astype(float)


def test_the_weight_goes_to_the_member_that_is_right(units: np.ndarray) -> None:
    noise = np.maximum(np.random.default_rng(1).normal(0, 5, units.shape), -units)
    assert fitted(units, certain(units), certain(units + noise)).weight == 1.0
    assert fitted(units, certain(units + noise), certain(units)).weight == 0.0


def test_two_members_that_err_apart_are_better_together(units: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    first, second = (certain(np.maximum(units + rng.normal(0, 5, units.shape), 0)) for _ in range(2))
    blend = fitted(units, first, second, weighting=replace(WEIGHTING, grid=41))
    assert 0.3 < blend.weight < 0.7
    assert blend.curve.min() < 0.85 * min(blend.curve[0], blend.curve[-1])


def test_the_weight_of_few_origins_is_uncertain_and_that_of_alike_ones_is_not(units: np.ndarray) -> None:
    early, late = units[:, :20], units[:, 20:]
    first = certain(np.concatenate([early, late + 4], axis=1))
    second = certain(np.concatenate([early + 4, late], axis=1))
    unsure = fitted(units, first, second)
    assert (unsure.low, unsure.high) == (0.0, 1.0), "each member is right on half of the origins"
    sure = fitted(units, certain(units + 4), certain(units))
    assert (sure.low, sure.high) == (0.0, 0.0)


def test_members_that_err_by_a_factor_are_averaged_in_logs(units: np.ndarray) -> None:
    high, low = certain(np.expm1(np.log1p(units) + 0.7)), certain(np.expm1(np.log1p(units) - 0.7))
    blend = fitted(units, high, low, weighting=replace(WEIGHTING, cost=relative_cost(1)))
    assert blend.in_logs
    assert blend.weight == pytest.approx(0.5)
    assert blend.curve.min() < 0.02


def test_a_category_is_pulled_towards_all_by_the_stated_shrinkage(units: np.ndarray) -> None:
    exact, high = certain(units), certain(units + 3)
    swapped, other = (
        certain(np.where(np.arange(30)[:, None] < 3, a.mean, b.mean))
        for a, b in ((high, exact), (exact, high))
    )
    categories = ("small",) * 3 + ("large",) * 27
    blend = fitted(units, swapped, other, categories, Weighting(11, 360, absolute_cost))
    assert blend.weight == 1.0
    assert blend.by_category["small"] == pytest.approx((120 * 0 + 360 * 1) / 480)
    assert blend.weights(np.array(["small", "never seen"])).tolist() == [pytest.approx(0.75), 1.0]


def test_calibrated_quantiles_cover_what_they_claim(units: np.ndarray) -> None:
    train, test = units[:, :20], units[:, 20:]
    narrow = Distribution(np.full(train.shape, 25.0), np.full((*train.shape, len(LEVELS)), 20.0))
    correct = calibrate(train, narrow)
    corrected = correct(Distribution(narrow.mean[:, : test.shape[1]], narrow.quantiles[:, : test.shape[1]]))
    for k, level in enumerate(LEVELS):
        assert (test <= corrected.quantiles[..., k]).mean() == pytest.approx(level, abs=0.06)
    assert corrected.mean.mean() == pytest.approx(20, abs=0.5)
    assert (np.diff(corrected.quantiles, axis=-1) >= 0).all()


def test_calibration_leaves_the_median_alone_and_doubts_a_correction_that_one_promotion_makes() -> None:
    rng = np.random.default_rng(8)
    forecast = certain(np.full((30, 12), 20.0))
    sold = rng.poisson(20, (30, 12)).astype(float)
    sold[:, 7] *= 5  # one week in which every store sells five times as much
    correct = calibrate(sold, forecast)
    assert sold.mean() / 20 > 1.3
    assert correct.factor == 1.0
    assert correct.shift[LEVELS.index(0.5)] == 0.0


def test_calibration_does_not_see_missing_units() -> None:
    units = np.array([[1.0, np.nan, 3.0, 2.0]])
    assert np.isfinite(calibrate(units, certain(np.ones((1, 4)))).shift).all()


def test_quantiles_never_cross_after_calibration_and_blend(units: np.ndarray) -> None:
    rng = np.random.default_rng(6)
    crooked = np.cumsum(
        np.array([-0.3, 0.2, -0.25, 0.3, -0.2, 0.3, -0.1])
    )  # corrections that cross, were they not put in order
    members = []
    for _ in range(2):
        steps = rng.exponential(rng.uniform(0.0, 2.0, units.shape)[..., None], (*units.shape, len(LEVELS)))
        members.append(Distribution(rng.uniform(1, 30, units.shape), np.cumsum(steps, axis=-1)))
    correct = [Calibration(scale * crooked, 1.0) for scale in (1.0, -2.0)]
    first, second = (c(member) for c, member in zip(correct, members, strict=True))
    blend = fitted(units, first, second, ("x", "y") * 15, Weighting(11, 50, absolute_cost))
    weights = blend.weights(np.array(["x", "y"] * 15))
    for in_logs in (False, True):
        mixture = mixed(weights, first, second, in_logs)
        for forecast in (first, second, mixture, calibrate(units, mixture)(mixture)):
            assert (np.diff(forecast.quantiles, axis=-1) >= -1e-12).all()
            assert (forecast.quantiles >= 0).all()
