"""The market does what its formulas say, and keeps what must be hidden hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tasks.pricing import policies
from tasks.pricing.belief import HIGHEST_ELASTICITY
from tasks.pricing.counts import expected_sales, poisson_quantile
from tasks.pricing.demand import demand_ratio, draw_demand, pull
from tasks.pricing.environment import MarketEnv
from tasks.pricing.market import step
from tasks.pricing.products import MarketError, Products
from tasks.pricing.rules import Rules
from tasks.pricing.seasons import play
from tasks.pricing.state import opening


def products(count: int = 4, error: float = 0.3, dispersion: float = 0.1) -> Products:
    ones = np.ones(count)
    return Products(
        price=2.0 * ones,
        list_price=2.5 * ones,
        unit_cost=1.0 * ones,
        units=20.0 * ones,
        dispersion=dispersion * ones,
        elasticity=np.linspace(-3.0, -1.0, count),
        standard_error=error * ones,
        identified=np.ones(count, bool),
    )


def market_rules(**changes: Any) -> Rules:
    """Return rules without effects of remembered prices and rivals, as changed."""
    plain = Rules(
        ladder=np.array([0.8, 0.9, 1.0, 1.1, 1.2]),
        decisions=8,
        discount=0.98,
        reference_memory=0.7,
        reference_effect=0.0,
        objective="revenue",
        markup=0.35,
        stated_margin=0.3,
    )
    return replace(plain, **changes)


@pytest.fixture
def rules() -> Rules:
    return market_rules(reference_effect=0.3)


def test_demand_is_its_formula(rules: Rules) -> None:
    answering = replace(rules, reference_effect=0.5, rival_cross=0.8, rival_reaction=0.6)
    pulled = pull(np.array([1.2]), np.array([0.9]), np.array([0.8]), answering)
    ratio = demand_ratio(np.array([1.2]), np.array([-2.0]), pulled)
    assert ratio[0] == pytest.approx(np.exp(-2 * 0.2 + 0.5 * np.log(0.9 / 1.2) + 0.8 * 0.6 * np.log(0.8)))


def test_the_poisson_quantile_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    u, mean = rng.random(5000), rng.exponential(8, 5000)
    np.testing.assert_array_equal(poisson_quantile(u, mean), stats.poisson.ppf(u, mean))


def test_hidden_elasticities_have_the_believed_moments_and_the_right_sign(rules: Rules) -> None:
    shop = replace(
        products(),
        elasticity=np.array([-3.0, -2.0, -0.5, -0.1]),
        standard_error=np.array([0.1, 0.5, 0.5, 0.5]),
    )
    many = shop.take(np.tile(np.arange(4), 20_000))
    drawn = draw_demand(many, 1, np.random.default_rng(1)).elasticity.reshape(-1, 4)
    mean, variance = shop.believed()
    assert drawn.max() <= HIGHEST_ELASTICITY
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.02)
    np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=0.05, atol=1e-3)


def test_units_are_negative_binomial(rules: Rules) -> None:
    shop = products(1, error=0.0, dispersion=0.25)
    units = play(shop, rules, policies.hold, 20_000, seed=3).units[:, 0, 0]
    assert units.mean() == pytest.approx(20, rel=0.02)
    assert units.var() == pytest.approx(20 + 0.25 * 400, rel=0.05)


def test_a_remembered_price_moves_only_when_something_sold(rules: Rules) -> None:
    shop = products(2)
    draws = draw_demand(shop, 1, np.random.default_rng(0))
    silent = replace(draws, frailty=np.array([[1e-12, 1.0]]))
    view, week = step(opening(shop), np.array([0, 0]), silent, rules)
    assert week.units[0] == 0 < week.units[1]
    assert view.remembered[0] == 1.0
    assert view.remembered[1] == pytest.approx(0.7 + 0.3 * 0.8)


def test_rivals_that_follow_a_cut_take_a_part_of_it_back_next_week(rules: Rules) -> None:
    shop = products(1, error=0.0, dispersion=0.0).take(np.zeros(4000, int))
    cut, alone = np.zeros(4000, int), replace(rules, reference_effect=0.0)
    answered = replace(alone, rival_cross=1.0, rival_reaction=0.5)
    units = []
    for reaction in (alone, answered):
        view, draws = opening(shop), draw_demand(shop, 2, np.random.default_rng(2))
        view, first = step(view, cut, draws, reaction)
        _, second = step(view, cut, draws, reaction)
        units.append((first.units.mean(), second.units.mean()))
    assert units[0][0] == units[1][0], "they have not seen it yet"
    assert units[1][1] / units[0][1] == pytest.approx(0.8**0.5, rel=0.02)


def test_holding_teaches_nothing_and_moving_narrows_the_belief(rules: Rules) -> None:
    shop = products(2)
    view, _ = step(opening(shop), np.array([2, 0]), draw_demand(shop, 1, np.random.default_rng(0)), rules)
    start = opening(shop)
    assert view.variance[0] == start.variance[0]
    assert view.mean[0] == start.mean[0]
    assert view.variance[1] < start.variance[1]


def test_the_belief_finds_the_hidden_elasticity(rules: Rules) -> None:
    shop = replace(products(1, error=0.6, dispersion=0.0), units=np.array([2000.0])).take(np.zeros(50, int))
    draws = draw_demand(shop, 8, np.random.default_rng(5))
    view = opening(shop)
    for _ in range(8):
        view, _ = step(view, np.zeros(50, int), draws, rules)
    before = np.abs(start_error(shop, draws.elasticity)).mean()
    assert np.abs(view.mean - draws.elasticity).mean() < 0.15 * before


def start_error(shop: Products, truth: np.ndarray) -> np.ndarray:
    return np.asarray(shop.believed()[0] - truth)


def test_policies_meet_the_same_demand_draws(rules: Rules) -> None:
    first, second = (play(products(), rules, policies.hold, 5, seed=9) for _ in range(2))
    np.testing.assert_array_equal(first.units, second.units)
    assert not np.array_equal(first.units, play(products(), rules, policies.hold, 5, seed=10).units)


def test_a_product_that_is_not_identified_must_hold(rules: Rules) -> None:
    shop = replace(products(), identified=np.array([True, False, True, True]))
    with pytest.raises(MarketError, match="a move of one that must hold"):
        step(opening(shop), np.zeros(4, int), draw_demand(shop, 1, np.random.default_rng(0)), rules)
    for policy in (policies.myopic, policies.cost_plus, policies.Random(np.random.default_rng(0))):
        assert (play(shop, rules, policy, 3, 1).prices[:, 1] == 2.0).all()


def test_no_price_below_a_known_cost_is_played(rules: Rules) -> None:
    shop = replace(products(), unit_cost=np.array([1.95, 1.0, np.nan, 1.0]))
    lowest = np.zeros(4, int)
    with pytest.raises(MarketError, match="a price below cost"):
        step(opening(shop), lowest, draw_demand(shop, 1, np.random.default_rng(0)), rules)
    _, week = step(
        opening(shop),
        np.where(shop.unit_cost > 1.5, rules.hold, lowest),
        draw_demand(shop, 1, np.random.default_rng(0)),
        rules,
    )
    assert week.price.tolist() == [2.0, *(shop.price[1:] * rules.ladder[0])]


def test_without_a_cost_there_is_no_profit_and_no_move(rules: Rules) -> None:
    profit = replace(rules, objective="profit")
    shop = replace(products(), unit_cost=np.array([1.0, np.nan, 1.0, 1.0]))
    played = play(shop, profit, policies.myopic, 3, 1)
    assert (played.prices[:, 1] == 2.0).all()
    assert (played.rewards[:, 1] == 0).all()
    assert (played.prices[:, 0] != 2.0).any()


def test_profit_is_price_less_cost_times_units(rules: Rules) -> None:
    played = play(products(), replace(rules, objective="profit"), policies.hold, 3, 1)
    np.testing.assert_allclose(played.rewards, (played.prices - 1.0) * played.units)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("price", np.nan, "`price` must be finite and above 0"),
        ("units", 0.0, "`units` must be finite and above 0"),
        ("elasticity", np.inf, "`elasticity` must be finite and a number"),
    ],
)
def test_numbers_that_make_no_market_are_refused(field: str, value: float, message: str) -> None:
    wrong = getattr(products(), field).copy()
    wrong[2] = value
    with pytest.raises(MarketError, match=message):
        replace(products(), **{field: wrong})


def test_a_ladder_without_the_price_in_force_is_refused(rules: Rules) -> None:
    with pytest.raises(MarketError, match="contain 1, the price in force"):
        replace(rules, ladder=np.array([0.8, 0.9]))


def test_the_environment_is_gymnasium_s_and_ends_seasons_by_truncation(rules: Rules) -> None:
    env = MarketEnv(products(), rules, 16)
    state, info = env.reset(seed=4)
    assert env.observation_space.contains(state)
    assert info["allowed"].shape == (16, 5)
    for week in range(rules.decisions):
        state, _, ended, cut, info = env.step(env.action_space.sample())
        assert env.observation_space.contains(state)
        assert not ended.any()
        assert cut.all() == (week == rules.decisions - 1)
    np.testing.assert_allclose(info["reward"], info["price"] * info["units"])
    again = MarketEnv(products(), rules, 16)
    np.testing.assert_array_equal(again.reset(seed=4)[0], env.reset(seed=4)[0])


def test_the_learning_signal_is_the_expected_reward_over_holding(rules: Rules) -> None:
    shop = products(1, error=0.0, dispersion=0.0).take(np.zeros(20_000, int))
    draws = draw_demand(shop, 1, np.random.default_rng(0))
    _, cut = step(opening(shop), np.zeros(20_000, int), draws, rules)
    assert cut.advantage[0] == pytest.approx((cut.reward.mean() - 40.0) / 40.0, abs=0.01)


def test_expected_sales_are_those_of_the_distribution() -> None:
    rng = np.random.default_rng(3)
    mean, stock = rng.gamma(0.5, 20, 400), np.floor(rng.gamma(0.5, 60, 400))
    stock[:20], mean[20:30] = np.inf, 0.0
    counts = np.arange(2000)
    chance = stats.poisson.pmf(counts, mean[:, None])
    expected = (np.minimum(counts, stock[:, None]) * chance).sum(axis=1)
    np.testing.assert_allclose(expected_sales(mean, stock), expected, rtol=1e-9, atol=1e-12)
