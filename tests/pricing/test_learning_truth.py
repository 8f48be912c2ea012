"""What sales since the training teach in shops whose slopes are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.pricing.learning import Doubt, SoldWeeks, learn
from tests.pricing.sold_shop import ERROR, covered_share, learned_from, sold_shop


def test_a_shared_error_of_the_slopes_comes_to_light() -> None:
    errors, covered = [], []
    for seed in range(12):
        sold, truth = sold_shop(seed=seed, groups=16, weeks=13)
        learned = learned_from(sold, shop=0.7)
        errors.append(abs(float((learned.mean - truth).mean())))
        covered.append(covered_share(learned, truth))
    assert np.mean(errors) < 0.35, f"mean error {np.mean(errors):.2f} of {ERROR} before the sales"
    assert 0.7 <= np.mean(covered) <= 0.95, f"80 % intervals cover {np.mean(covered):.0%}"


@pytest.mark.parametrize(
    ("units", "lasting", "dispersion"), [(60.0, 0.6, 0.1), (2.0, 0.0, 0.3), (20.0, 0.8, 0.3)]
)
def test_the_intervals_hold_with_lasting_shocks_and_slow_movers(
    units: float, lasting: float, dispersion: float
) -> None:
    covered = []
    for seed in range(12):
        sold, truth = sold_shop(
            seed=seed, groups=16, weeks=13, units=units, lasting=lasting, dispersion=dispersion
        )
        covered.append(covered_share(learned_from(sold, shop=0.7, lasting=lasting), truth))
    assert 0.7 <= np.mean(covered) <= 0.95, f"80 % intervals cover {np.mean(covered):.0%}"


def test_a_forecast_that_stays_wrong_is_no_answer_to_price() -> None:
    sold, _ = sold_shop(seed=7, groups=16, weeks=13, dispersion=0.0)
    wrong = np.exp(0.3 * np.random.default_rng(1).standard_normal(64))
    held = np.zeros_like(sold.change)
    held[:, ::2] = 0.02  # a small step once, which stays
    units = sold.base_units * wrong * np.ones((13, 1))
    learned = learned_from(replace(sold, change=held, units=units), shop=0.3, level=0.3**2)
    assert np.abs(learned.mean - learned.before).mean() < 0.3, (
        "the level error of the forecast was read as slope"
    )
    careless = learned_from(replace(sold, change=held, units=units), shop=0.3, level=0.0)
    assert np.abs(careless.mean - careless.before).mean() > 0.5, "without the level error it is"


def test_a_false_row_does_not_decide_a_slope() -> None:
    sold, _ = sold_shop(seed=10, groups=16, weeks=13)
    false = sold.units.copy()
    row = np.unravel_index(np.argmax(np.abs(sold.change)), false.shape)
    false[row] *= 100
    before, after = learned_from(sold, shop=0.5), learned_from(replace(sold, units=false), shop=0.5)
    moved = np.abs(after.mean - before.mean) / before.sd
    assert moved[row[1]] < 1, f"its slope moved by {moved[row[1]]:.1f} standard deviations"
    assert np.delete(moved, np.flatnonzero(sold.group == sold.group[row[1]])).max() < 0.2, (
        "so did other groups"
    )


def test_a_forecast_that_is_far_off_does_not_run_away() -> None:
    sold, truth = sold_shop(seed=11, groups=16, weeks=13)
    wrong = np.exp(2 * np.random.default_rng(0).standard_normal(64))
    learned = learned_from(replace(sold, base_units=sold.base_units * wrong), shop=0.7, level=4.0)
    assert 0.7 <= covered_share(learned, truth) <= 0.95
    assert np.abs(learned.mean - truth).mean() < 0.5


def test_a_group_of_one_learns_its_whole_slope_from_its_units() -> None:
    covered = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        truth = 1.5 + 0.5 + 0.3 * rng.standard_normal(30)
        change = 0.1 * rng.choice([-1, 0, 1], (13, 30))
        base = np.full(30, 40.0) * np.exp(0.15 * rng.standard_normal(30))
        sold = SoldWeeks(
            group=np.arange(30),
            units=rng.poisson(base * np.exp(-truth * change)).astype(float),
            change=change,
            present=np.ones((13, 30), bool),
            base_units=np.full(30, 40.0),
            dispersion=np.zeros(30),
        )
        draws = 1.5 + 0.6 * rng.standard_normal((200, 1)) + 0.3 * rng.standard_normal((200, 30))
        learned = learn(sold, np.full((200, 30), 9.0), draws, Doubt(product=0.0, level=0.15**2))
        assert learned.alone.all()
        assert learned.within is None
        covered.append(covered_share(learned, truth))
    assert 0.7 <= np.mean(covered) <= 0.95, f"80 % intervals cover {np.mean(covered):.0%}"
