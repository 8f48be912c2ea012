"""The blend and its calibration are fitted on the folds, and do what they claim."""

from __future__ import annotations

import numpy as np
import pytest

from expectations.columns import LEVELS
from tasks.demand.blend import Blend, absolute_cost, fit_blend, relative_cost
from tasks.demand.calibration import Calibration, calibrate
from tasks.demand.distribution import Distribution, mixed


def certain(point: np.ndarray) -> Distribution:
    return Distribution(point, np.repeat(point[..., None], len(LEVELS), axis=-1))


def fitted(
    units: np.ndarray,
    one: Distribution,
    two: Distribution,
    categories: np.ndarray,
    grid: int,
    shrinkage: float,
) -> Blend:
    return fit_blend(units, (one, two), categories, np.repeat(range(4), 10), grid, shrinkage, absolute_cost)


@pytest.fixture
def units() -> np.ndarray:
    return np.random.default_rng(0).poisson(20, (30, 40)).astype(float)


def test_the_weight_goes_to_the_member_that_is_right(units: np.ndarray) -> None:
    noise = np.maximum(np.random.default_rng(1).normal(0, 5, units.shape), -units)
    categories = np.array(["x"] * 30)
    assert fitted(units, certain(units), certain(units + noise), categories, 21, 100).weight == 1.0
    assert fitted(units, certain(units + noise), certain(units), categories, 21, 100).weight == 0.0


def test_two_members_that_err_apart_are_better_together(units: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    one, two = (certain(np.maximum(units + rng.normal(0, 5, units.shape), 0)) for _ in range(2))
    found = fitted(units, one, two, np.array(["x"] * 30), 41, 100)
    assert 0.3 < found.weight < 0.7
    assert found.curve.min() < 0.85 * min(found.curve[0], found.curve[-1])


def test_the_weight_of_few_origins_is_uncertain_and_that_of_alike_ones_is_not(units: np.ndarray) -> None:
    early, late = units[:, :20], units[:, 20:]
    one = certain(np.concatenate([early, late + 4], axis=1))
    two = certain(np.concatenate([early + 4, late], axis=1))
    found = fit_blend(
        units, (one, two), np.array(["x"] * 30), np.repeat(range(4), 10), 21, 100, absolute_cost
    )
    assert (found.low, found.high) == (0.0, 1.0), "each member is right on half of the origins"
    sure = fitted(units, certain(units + 4), certain(units), np.array(["x"] * 30), 21, 100)
    assert (sure.low, sure.high) == (0.0, 0.0)


def test_members_that_err_by_a_factor_are_averaged_in_logs(units: np.ndarray) -> None:
    one, two = certain(np.expm1(np.log1p(units) + 0.7)), certain(np.expm1(np.log1p(units) - 0.7))
    found = fit_blend(
        units, (one, two), np.array(["x"] * 30), np.repeat(range(4), 10), 21, 100, relative_cost(1)
    )
    assert found.in_logs
    assert found.weight == pytest.approx(0.5)
    assert found.curve.min() < 0.02


def test_a_category_is_pulled_towards_all_by_the_stated_shrinkage(units: np.ndarray) -> None:
    one, two = certain(units), certain(units + 3)
    swapped, other = (
        certain(np.where(np.arange(30)[:, None] < 3, a.mean, b.mean)) for a, b in ((two, one), (one, two))
    )
    categories = np.array(["small"] * 3 + ["large"] * 27)
    found = fitted(units, swapped, other, categories, 11, shrinkage=360)
    assert found.weight == 1.0
    assert found.by_category["small"] == pytest.approx((120 * 0 + 360 * 1) / 480)
    assert found.weights(np.array(["small", "never seen"])).tolist() == [pytest.approx(0.75), 1.0]


def test_calibrated_quantiles_cover_what_they_claim(units: np.ndarray) -> None:
    train, test = units[:, :20], units[:, 20:]
    narrow = Distribution(np.full(train.shape, 25.0), np.full((*train.shape, len(LEVELS)), 20.0))
    correct = calibrate(train, narrow)
    told = correct(Distribution(narrow.mean[:, : test.shape[1]], narrow.quantiles[:, : test.shape[1]]))
    for k, level in enumerate(LEVELS):
        assert (test <= told.quantiles[..., k]).mean() == pytest.approx(level, abs=0.06)
    assert told.mean.mean() == pytest.approx(20, abs=0.5)
    assert (np.diff(told.quantiles, axis=-1) >= 0).all()


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
    one, two = (c(member) for c, member in zip(correct, members, strict=True))
    found = fit_blend(
        units, (one, two), np.array(["x", "y"] * 15), np.repeat(range(4), 10), 11, 50, absolute_cost
    )
    for in_logs in (False, True):
        blend = mixed(found.weights(np.array(["x", "y"] * 15)), one, two, in_logs)
        for told in (one, two, blend, calibrate(units, blend)(blend)):
            assert (np.diff(told.quantiles, axis=-1) >= -1e-12).all()
            assert (told.quantiles >= 0).all()
