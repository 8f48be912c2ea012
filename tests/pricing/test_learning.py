"""What sales since the training teach of slopes: by hand, and by a slow version."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

from tasks.pricing.learning import Doubt, LearningError, SoldWeeks, learn, prior_of, redrawn
from tasks.pricing.levels import LEAST_VARIANCE, Likelihood, Prior, posterior
from tests.pricing.sold_shop import BELIEVED, learned_from, sold_shop


def test_two_products_and_one_week_learn_what_paper_says() -> None:
    # Shares before: 30 : 50 exp(-2 * -0.1); prior of b_1: 2, variance 0.3 + 0.5 + 0.2 = 1.
    x, n = -0.1, 100.0
    share = 50 * np.exp(0.2) / (50 * np.exp(0.2) + 30)
    information = n * share * (1 - share) * x**2
    score = -x * (80 - n * share)
    prior = Prior(
        groups=np.array([0]),
        share=np.ones(1),
        mean=np.array([2.0]),
        shop=0.3,
        group=np.array([0.5]),
        product=0.2,
    )
    likelihood = Likelihood(
        group=np.zeros(2, int),
        units=np.array([[80.0], [20.0]]),
        change=np.array([[x], [0.0]]),
        there=np.ones((2, 1), bool),
        offset=np.array([[np.log(50) + 0.2], [np.log(30)]]),
        dispersion=np.zeros(2),
        lasting=0.0,
        level=LEAST_VARIANCE,
        contrast=True,
    )
    # The level of the week stands at ln(N / sum of means), so the first round is the paper's single step.
    levels, mean, sd = posterior(likelihood, prior, rounds=1)
    moved = score / (1 + information)
    assert mean == pytest.approx([2 + moved, 2 + 0.8 * moved], rel=1e-6), "p_1 is a fifth of the variance"
    assert levels.shop == pytest.approx(0.3 * moved, rel=1e-6), "the shop moves by its part of the variance"
    assert levels.group == pytest.approx([0.5 * moved], rel=1e-6), "and the group by its own"
    assert sd[0] ** 2 == pytest.approx(1 / (1 + information), rel=1e-6)
    assert levels.shop_sd**2 == pytest.approx(0.3 - 0.3**2 * information / (1 + information), rel=1e-6)

    _, mean, _ = posterior(likelihood, prior)

    def slope(b: float) -> float:
        part = 50 * np.exp(-b * x) / (50 * np.exp(-b * x) + 30)
        return -x * (80 - n * part) - (b - 2)

    assert mean[0] == pytest.approx(optimize.brentq(slope, -20, 20), abs=1e-4), (
        "iterated: the posterior's mode"
    )


def test_the_elimination_agrees_with_all_equations_at_once() -> None:
    rng = np.random.default_rng(4)
    sold, _ = sold_shop(seed=4, groups=3, weeks=4, lasting=0.5)
    sold = replace(sold, present=rng.random(sold.units.shape) < 0.8)
    draws = BELIEVED + 0.3 * rng.standard_normal((50, 1)) + 0.4 * rng.standard_normal((50, 3))
    doubt = Doubt(product=0.1, level=0.05, lasting=0.5)
    learned = learn(sold, draws, draws, doubt)
    mean, covariance = _all_at_once(sold, draws, doubt)
    np.testing.assert_allclose(learned.mean, mean, atol=1e-4)
    np.testing.assert_allclose(learned.sd, np.sqrt(np.diag(covariance)), rtol=1e-3)


def test_a_common_change_of_all_members_teaches_nothing_of_group_and_shop() -> None:
    sold, _ = sold_shop(seed=1, groups=4, weeks=6)
    alike = replace(sold, change=np.repeat([[0.1], [-0.1]], 3, axis=0) * np.ones(16))
    learned = learned_from(alike, shop=0.5, product=0.0)
    np.testing.assert_allclose(learned.mean, learned.before, atol=1e-5)
    np.testing.assert_allclose(learned.sd, learned.before_sd, rtol=1e-5)
    levels = learned_from(alike, shop=0.5).within
    assert levels is not None
    assert levels.shop_sd == pytest.approx(0.5, rel=0.1), "only the members' distances from another are seen"


def test_the_level_of_a_group_teaches_nothing() -> None:
    sold, _ = sold_shop(seed=2, groups=4, weeks=6, dispersion=0.0)
    level = np.exp(np.random.default_rng(0).standard_normal((6, 4)))
    base = sold.base_units * (level / level.mean(axis=0))[:, sold.group]
    calm, loud = learned_from(sold, shop=0.5), learned_from(replace(sold, base_units=base), shop=0.5)
    np.testing.assert_allclose(loud.mean, calm.mean, atol=1e-4)


@pytest.mark.parametrize("case", ["no weeks", "absent", "single member", "nothing sold"])
def test_without_evidence_the_belief_stays(case: str) -> None:
    sold, _ = sold_shop(seed=3, groups=4, weeks=5)
    if case == "no weeks":
        sold = replace(sold, units=sold.units[:0], change=sold.change[:0], present=sold.present[:0])
    elif case == "absent":
        sold = replace(sold, present=np.zeros_like(sold.present), units=np.full_like(sold.units, np.nan))
    elif case == "single member":
        sold = replace(sold, present=np.broadcast_to(np.arange(16) % 4 == 0, sold.present.shape))
    else:
        sold = replace(sold, units=np.zeros_like(sold.units))
    learned = learned_from(sold, shop=0.5)
    np.testing.assert_allclose(learned.mean, learned.before, atol=1e-5)
    np.testing.assert_allclose(learned.sd, learned.before_sd, rtol=1e-5)


def test_a_product_teaches_its_group_less_and_other_groups_still_less() -> None:
    sold, _ = sold_shop(seed=5, groups=3, weeks=8)
    change = np.zeros_like(sold.change)
    change[:, 0] = -0.1
    units = np.tile(sold.base_units, (8, 1))
    units[:, 0] *= 1.6  # its price answers by about 4.7
    learned = learned_from(replace(sold, change=change, units=units), shop=0.3)
    moved = learned.mean - learned.before
    assert moved[0] > moved[1] > moved[4] > 0, f"moved by {moved.round(3)}"
    assert moved[1:4] == pytest.approx(moved[1], abs=1e-6)
    assert np.ptp(moved[4:]) < 1e-2, "other groups move with the shop alone"


def test_a_group_that_the_training_knew_moves_less() -> None:
    sold, _ = sold_shop(seed=6, groups=2, weeks=10)
    sold = _twice(sold)
    rng = np.random.default_rng(0)
    apart = 1.5 + rng.standard_normal((400, 2)) * [0.05, 0.6]
    learned = learn(sold, apart, apart, Doubt(product=0.01, level=0.01))
    known, unknown = learned.mean[0] - learned.before[0], learned.mean[4] - learned.before[4]
    assert abs(known) < abs(unknown), f"moved by {known:.2f} and {unknown:.2f} by the same sales"


def test_both_hierarchies_stay_apart() -> None:
    sold, _ = sold_shop(seed=8, groups=4, weeks=6)
    alone = sold.take(np.arange(13))
    steady = replace(alone, present=alone.present & (alone.group < 3))
    within = BELIEVED + 0.4 * np.random.default_rng(0).standard_normal((99, 1)) * np.ones(4)
    learned = learn(steady, within, np.full((99, 4), 0.8), Doubt(product=0.05, level=0.02))
    assert learned.alone.tolist() == [False] * 12 + [True]
    assert learned.mean[12] == pytest.approx(0.8), "the slope of the group of one is not that of the others"
    assert learned.within is not None
    assert learned.within.groups.tolist() == [0, 1, 2]


def test_draws_move_to_what_was_learned() -> None:
    sold, _ = sold_shop(seed=9, groups=16, weeks=13)
    rng = np.random.default_rng(0)
    draws = 3 + 0.5 * rng.standard_normal((4000, 1)) + 0.3 * rng.standard_normal((4000, 16))
    learned = learn(sold, draws, draws, Doubt(product=0.05, level=0.02))
    levels = learned.within
    assert levels is not None
    moved = redrawn(draws, levels)
    np.testing.assert_allclose(moved.mean(axis=0), 3 + levels.shop + levels.group, atol=0.03)
    sd = np.sqrt(levels.rest_sd**2 + (levels.link * levels.shop_sd) ** 2)
    np.testing.assert_allclose(moved.std(axis=0), sd, rtol=0.1)
    few = learn(*_well_known(rng), Doubt(product=0.01, level=0.01)).within
    assert few is not None
    spread = redrawn(_well_known(rng)[1], few).std(axis=0)
    np.testing.assert_allclose(spread, np.hypot(few.rest_sd, few.link * few.shop_sd), rtol=0.15)
    together = np.corrcoef(draws[:, 0], moved[:, 0])[0, 1]
    assert together > 0.5, f"a draw keeps its place among the draws: correlation {together:.2f}"
    assert redrawn(draws, None) is draws


def test_the_levels_of_the_prior_are_the_variance_of_the_draws() -> None:
    rng = np.random.default_rng(0)
    draws = 2 + 0.5 * rng.standard_normal((5000, 1)) + 0.2 * rng.standard_normal((5000, 20))
    prior = prior_of(draws, np.arange(20), np.ones(20), Doubt(product=0.04, level=0.1, drift=0.1))
    assert prior.shop == pytest.approx(0.5**2 + 0.1, rel=0.06)
    assert prior.group.mean() == pytest.approx(0.2**2, rel=0.06)
    total = draws[:, 3].var() + 0.1
    assert prior.shop + prior.group[3] == pytest.approx(total), "together the variance of a group's draws"


def test_wrong_arrays_are_refused_by_name() -> None:
    sold, _ = sold_shop(seed=0, groups=2, weeks=3)
    with pytest.raises(LearningError, match=r"`change` needs a value per week and product, \(3, 8\)"):
        replace(sold, change=sold.change[:2])
    with pytest.raises(LearningError, match=r"units -1\.0, change .* in week 0, row 0"):
        replace(sold, units=sold.units - sold.units[0, 0] - 1)


def _well_known(rng: np.random.Generator) -> tuple[SoldWeeks, np.ndarray, np.ndarray]:
    """Return three groups that show their slopes well, so that the shop's shift says little of them."""
    sold, _ = sold_shop(seed=12, groups=3, weeks=13, units=2000.0, dispersion=0.0)
    draws = BELIEVED + 0.5 * rng.standard_normal((4000, 1)) + 0.5 * rng.standard_normal((4000, 3))
    return sold, draws, draws


def _twice(sold: SoldWeeks) -> SoldWeeks:
    """Return the shop with the sales of its first group in both groups."""
    rows = np.tile(np.flatnonzero(sold.group == 0), 2)
    return replace(sold.take(rows), group=np.repeat([0, 1], len(rows) // 2))


def _all_at_once(sold: SoldWeeks, draws: np.ndarray, doubt: Doubt) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of the slopes by one dense least squares, the independent slow version."""
    weeks, n = sold.units.shape
    groups = draws.shape[1]
    base = np.bincount(sold.group, weights=sold.base_units)
    prior = prior_of(draws, np.arange(groups), base, doubt)
    wide = 1e6  # variance of the free levels
    variance = np.r_[
        prior.shop,
        prior.group,
        np.full(n, doubt.product),
        np.full(n, doubt.level),
        np.full(weeks * groups, wide),
    ]
    slopes = np.zeros((n, len(variance)))
    slopes[:, 0], slopes[np.arange(n), 1 + sold.group] = 1, 1
    slopes[np.arange(n), 1 + groups + np.arange(n)] = 1
    theta = np.zeros(len(variance))
    for _ in range(30):
        precision, right = np.diag(1 / variance), np.zeros(len(variance))
        for i in range(n):
            rows = np.flatnonzero(sold.present[:, i])
            design = -sold.change[rows, i][:, None] * slopes[i]
            design[:, 1 + groups + n + i] = 1
            design[np.arange(len(rows)), 1 + groups + 2 * n + rows * groups + sold.group[i]] = 1
            start = np.log(sold.base_units[i]) - prior.mean[sold.group[i]] * sold.change[rows, i]
            mean = np.exp(start + design @ theta)
            lag = np.abs(rows[:, None] - rows)
            weight = np.linalg.inv(np.diag(1 / mean) + sold.dispersion[i] * doubt.lasting**lag)
            precision += design.T @ weight @ design
            right += design.T @ weight @ (sold.units[rows, i] / mean - 1 + design @ theta)
        theta = np.linalg.solve(precision, right)
    return prior.mean[sold.group] + slopes @ theta, slopes @ np.linalg.inv(precision) @ slopes.T
