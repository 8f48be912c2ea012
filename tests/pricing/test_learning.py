"""What sales since the training teach of slopes: by hand, by a slow version, on shops of known truth."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

from tasks.pricing.learning import Doubt, Learned, LearningError, SoldWeeks, learn, prior_of, redrawn
from tasks.pricing.levels import LEAST_VARIANCE, Likelihood, Prior, posterior

BELIEVED, ERROR = 2.4, 0.7  # slope of the training, and what it is wrong by in all products
NO_DRAWS = np.ones((2, 1))


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
    sold, _ = _shop(seed=4, groups=3, weeks=4, lasting=0.5)
    sold = replace(sold, present=rng.random(sold.units.shape) < 0.8)
    draws = BELIEVED + 0.3 * rng.standard_normal((50, 1)) + 0.4 * rng.standard_normal((50, 3))
    doubt = Doubt(product=0.1, level=0.05, lasting=0.5)
    learned = learn(sold, draws, draws, doubt)
    mean, covariance = _all_at_once(sold, draws, doubt)
    np.testing.assert_allclose(learned.mean, mean, atol=1e-4)
    np.testing.assert_allclose(learned.sd, np.sqrt(np.diag(covariance)), rtol=1e-3)


def test_a_common_change_of_all_members_teaches_nothing_of_group_and_shop() -> None:
    sold, _ = _shop(seed=1, groups=4, weeks=6)
    alike = replace(sold, change=np.repeat([[0.1], [-0.1]], 3, axis=0) * np.ones(16))
    learned = _learned(alike, shop=0.5, product=0.0)
    np.testing.assert_allclose(learned.mean, learned.before, atol=1e-5)
    np.testing.assert_allclose(learned.sd, learned.before_sd, rtol=1e-5)
    levels = _learned(alike, shop=0.5).within
    assert levels is not None
    assert levels.shop_sd == pytest.approx(0.5, rel=0.1), "only the members' distances from another are seen"


def test_the_level_of_a_group_teaches_nothing() -> None:
    sold, _ = _shop(seed=2, groups=4, weeks=6, dispersion=0.0)
    level = np.exp(np.random.default_rng(0).standard_normal((6, 4)))
    base = sold.base_units * (level / level.mean(axis=0))[:, sold.group]
    calm, loud = _learned(sold, shop=0.5), _learned(replace(sold, base_units=base), shop=0.5)
    np.testing.assert_allclose(loud.mean, calm.mean, atol=1e-4)


@pytest.mark.parametrize("case", ["no weeks", "absent", "single member", "nothing sold"])
def test_without_evidence_the_belief_stays(case: str) -> None:
    sold, _ = _shop(seed=3, groups=4, weeks=5)
    if case == "no weeks":
        sold = replace(sold, units=sold.units[:0], change=sold.change[:0], present=sold.present[:0])
    elif case == "absent":
        sold = replace(sold, present=np.zeros_like(sold.present), units=np.full_like(sold.units, np.nan))
    elif case == "single member":
        sold = replace(sold, present=np.broadcast_to(np.arange(16) % 4 == 0, sold.present.shape))
    else:
        sold = replace(sold, units=np.zeros_like(sold.units))
    learned = _learned(sold, shop=0.5)
    np.testing.assert_allclose(learned.mean, learned.before, atol=1e-5)
    np.testing.assert_allclose(learned.sd, learned.before_sd, rtol=1e-5)


def test_a_product_teaches_its_group_less_and_other_groups_still_less() -> None:
    sold, _ = _shop(seed=5, groups=3, weeks=8)
    change = np.zeros_like(sold.change)
    change[:, 0] = -0.1
    units = np.tile(sold.base_units, (8, 1))
    units[:, 0] *= 1.6  # its price answers by about 4.7
    learned = _learned(replace(sold, change=change, units=units), shop=0.3)
    moved = learned.mean - learned.before
    assert moved[0] > moved[1] > moved[4] > 0, f"moved by {moved.round(3)}"
    assert moved[1:4] == pytest.approx(moved[1], abs=1e-6)
    assert np.ptp(moved[4:]) < 1e-2, "other groups move with the shop alone"


def test_a_group_that_the_training_knew_moves_less() -> None:
    sold, _ = _shop(seed=6, groups=2, weeks=10)
    sold = _twice(sold)
    rng = np.random.default_rng(0)
    apart = 1.5 + rng.standard_normal((400, 2)) * [0.05, 0.6]
    learned = learn(sold, apart, apart, Doubt(product=0.01, level=0.01))
    known, unknown = learned.mean[0] - learned.before[0], learned.mean[4] - learned.before[4]
    assert abs(known) < abs(unknown), f"moved by {known:.2f} and {unknown:.2f} by the same sales"


def test_a_shared_error_of_the_slopes_comes_to_light() -> None:
    errors, covered = [], []
    for seed in range(12):
        sold, truth = _shop(seed=seed, groups=16, weeks=13)
        learned = _learned(sold, shop=0.7)
        errors.append(abs(float((learned.mean - truth).mean())))
        covered.append(_covered(learned, truth))
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
        sold, truth = _shop(
            seed=seed, groups=16, weeks=13, units=units, lasting=lasting, dispersion=dispersion
        )
        covered.append(_covered(_learned(sold, shop=0.7, lasting=lasting), truth))
    assert 0.7 <= np.mean(covered) <= 0.95, f"80 % intervals cover {np.mean(covered):.0%}"


def test_a_forecast_that_stays_wrong_is_no_answer_to_price() -> None:
    sold, _ = _shop(seed=7, groups=16, weeks=13, dispersion=0.0)
    wrong = np.exp(0.3 * np.random.default_rng(1).standard_normal(64))
    held = np.zeros_like(sold.change)
    held[:, ::2] = 0.02  # a small step once, which stays
    units = sold.base_units * wrong * np.ones((13, 1))
    learned = _learned(replace(sold, change=held, units=units), shop=0.3, level=0.3**2)
    assert np.abs(learned.mean - learned.before).mean() < 0.3, (
        "the level error of the forecast was read as slope"
    )
    careless = _learned(replace(sold, change=held, units=units), shop=0.3, level=0.0)
    assert np.abs(careless.mean - careless.before).mean() > 0.5, "without the level error it is"


def test_a_false_row_does_not_decide_a_slope() -> None:
    sold, _ = _shop(seed=10, groups=16, weeks=13)
    false = sold.units.copy()
    row = np.unravel_index(np.argmax(np.abs(sold.change)), false.shape)
    false[row] *= 100
    before, after = _learned(sold, shop=0.5), _learned(replace(sold, units=false), shop=0.5)
    moved = np.abs(after.mean - before.mean) / before.sd
    assert moved[row[1]] < 1, f"its slope moved by {moved[row[1]]:.1f} standard deviations"
    assert np.delete(moved, np.flatnonzero(sold.group == sold.group[row[1]])).max() < 0.2, (
        "so did other groups"
    )


def test_a_forecast_that_is_far_off_does_not_run_away() -> None:
    sold, truth = _shop(seed=11, groups=16, weeks=13)
    wrong = np.exp(2 * np.random.default_rng(0).standard_normal(64))
    learned = _learned(replace(sold, base_units=sold.base_units * wrong), shop=0.7, level=4.0)
    assert 0.7 <= _covered(learned, truth) <= 0.95
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
        covered.append(_covered(learned, truth))
    assert 0.7 <= np.mean(covered) <= 0.95, f"80 % intervals cover {np.mean(covered):.0%}"


def test_both_hierarchies_stay_apart() -> None:
    sold, _ = _shop(seed=8, groups=4, weeks=6)
    alone = sold.take(np.arange(13))
    steady = replace(alone, present=alone.present & (alone.group < 3))
    within = BELIEVED + 0.4 * np.random.default_rng(0).standard_normal((99, 1)) * np.ones(4)
    learned = learn(steady, within, np.full((99, 4), 0.8), Doubt(product=0.05, level=0.02))
    assert learned.alone.tolist() == [False] * 12 + [True]
    assert learned.mean[12] == pytest.approx(0.8), "the slope of the group of one is not that of the others"
    assert learned.within is not None
    assert learned.within.groups.tolist() == [0, 1, 2]


def test_draws_move_to_what_was_learned() -> None:
    sold, _ = _shop(seed=9, groups=16, weeks=13)
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


def test_ten_thousand_products_take_seconds() -> None:
    sold, _ = _shop(seed=0, groups=2500, weeks=13)
    draws = BELIEVED + 0.5 * np.random.default_rng(0).standard_normal((200, 2500))
    begin = time.process_time()
    learn(sold, draws, draws, Doubt(product=0.05, level=0.02, lasting=0.5))
    spent = time.process_time() - begin
    assert spent < 10, f"{spent:.1f} s of processor time"


def test_wrong_arrays_are_refused_by_name() -> None:
    sold, _ = _shop(seed=0, groups=2, weeks=3)
    with pytest.raises(LearningError, match=r"`change` needs a value per week and product, \(3, 8\)"):
        replace(sold, change=sold.change[:2])
    with pytest.raises(LearningError, match=r"units -1\.0, change .* in week 0, row 0"):
        replace(sold, units=sold.units - sold.units[0, 0] - 1)


def _shop(
    *,
    seed: int,
    groups: int,
    weeks: int,
    units: float = 60.0,
    dispersion: float = 0.05,
    lasting: float = 0.0,
) -> tuple[SoldWeeks, np.ndarray]:
    """Return sales of nested logit demand and its slopes, all ``ERROR`` above the believed ones.

    A tenth of the list is varied by a tenth every week, beside three steps of 5 % up or down that stay.
    """
    rng = np.random.default_rng(seed)
    n, group = 4 * groups, np.repeat(np.arange(groups), 4)
    slope = BELIEVED + ERROR + (0.3 * rng.standard_normal(groups))[group] + 0.2 * rng.standard_normal(n)
    base = units * np.exp(0.6 * rng.standard_normal(n))
    planned = 0.05 * np.minimum(np.arange(1, weeks + 1), 3)[:, None] * rng.choice([-1, 1], n)
    varied = np.where(rng.random((weeks, n)) < 0.1, 0.1 * rng.choice([-1, 1], (weeks, n)), 0.0)
    change = planned + varied
    attraction = base * np.exp(0.15 * rng.standard_normal(n) - slope * change)
    first = np.arange(0, n, 4)
    total = np.add.reduceat(attraction, first, axis=1) / np.add.reduceat(base, first)
    season = np.exp(np.cumsum(0.1 * rng.standard_normal((weeks, groups)), axis=0))
    mean = attraction * (total**-0.7 * season)[:, group] * _shocks(rng, (weeks, n), dispersion, lasting)
    return (
        SoldWeeks(
            group=group,
            units=rng.poisson(mean).astype(float),
            change=change,
            present=np.ones((weeks, n), bool),
            base_units=base,
            dispersion=np.full(n, dispersion),
        ),
        slope,
    )


def _shocks(
    rng: np.random.Generator, shape: tuple[int, int], dispersion: float, lasting: float
) -> np.ndarray:
    """Return gamma shocks of mean 1, or log-normal ones that last."""
    if dispersion == 0:
        return np.ones(shape)
    if lasting == 0:
        return rng.gamma(1 / dispersion, dispersion, shape)
    variance = np.log1p(dispersion)
    shocks = np.sqrt(variance) * rng.standard_normal(shape)
    for week in range(1, shape[0]):
        shocks[week] = lasting * shocks[week - 1] + np.sqrt(1 - lasting**2) * shocks[week]
    return np.exp(shocks - variance / 2)


def _learned(
    sold: SoldWeeks, *, shop: float, lasting: float = 0.0, level: float = 0.15**2, product: float = 0.2**2
) -> Learned:
    """Return what is learned by draws around the believed slope with the sd ``shop`` in common."""
    rng, groups = np.random.default_rng(0), int(sold.group.max()) + 1
    draws = BELIEVED + shop * rng.standard_normal((400, 1)) + 0.3 * rng.standard_normal((400, groups))
    return learn(sold, draws, np.ones_like(draws), Doubt(product=product, level=level, lasting=lasting))


def _well_known(rng: np.random.Generator) -> tuple[SoldWeeks, np.ndarray, np.ndarray]:
    """Return three groups that show their slopes well, so that the shop's shift says little of them."""
    sold, _ = _shop(seed=12, groups=3, weeks=13, units=2000.0, dispersion=0.0)
    draws = BELIEVED + 0.5 * rng.standard_normal((4000, 1)) + 0.5 * rng.standard_normal((4000, 3))
    return sold, draws, draws


def _covered(learned: Learned, truth: np.ndarray) -> float:
    return float((np.abs(truth - learned.mean) < 1.2816 * learned.sd).mean())


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
