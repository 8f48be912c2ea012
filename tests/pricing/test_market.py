"""The market does what its formulas say, and keeps what must be hidden hidden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from tasks.pricing import policies
from tasks.pricing.counts import expected_sales, poisson_quantile
from tasks.pricing.demand import draw_demand
from tasks.pricing.errors import MarketError
from tasks.pricing.market import step
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.seasons import play
from tasks.pricing.slopes import SlopeDraws
from tasks.pricing.state import opening
from tests.pricing.small_market import group_of, known_slopes, market_rules, products, random_groups


@pytest.fixture
def rules() -> Rules:
    return market_rules(reference_effect=0.3)


def test_the_poisson_quantile_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    u, mean = rng.random(5000), rng.exponential(8, 5000)
    np.testing.assert_array_equal(poisson_quantile(u, mean), stats.poisson.ppf(u, mean))


def test_hidden_slopes_are_draws_of_the_response_the_same_one_for_all_products_of_a_season() -> None:
    shop = random_groups([2, 3], seed=1, draws=30).repeat(60)
    answer = draw_demand(shop, 1, np.random.default_rng(1)).answer
    within = answer.within.reshape(60, 5)
    rows = [int(np.flatnonzero(shop.slopes.within[:, 0] == first)[0]) for first in within[:, 0]]
    assert sorted(rows) == sorted([*range(30), *range(30)]), "every draw is met as often as the others"
    for season, draw in enumerate(rows):
        np.testing.assert_array_equal(within[season], shop.slopes.within[draw, [0, 0, 1, 1, 1]])
        np.testing.assert_array_equal(answer.whole[5 * season], shop.slopes.whole[draw, 0])


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
    shop = products(1, error=0.0, dispersion=0.0).repeat(4000)
    cut, hold = np.zeros(4000, int), np.full(4000, rules.hold)
    alone = replace(rules, reference_effect=0.0)
    answered = replace(alone, rival_cross=1.0, rival_reaction=0.5)
    units = []
    for reaction in (alone, answered):
        view, draws = opening(shop), draw_demand(shop, 2, np.random.default_rng(2))
        view, first = step(view, cut, draws, reaction)
        _, second = step(view, hold, draws, reaction)
        units.append((first.units.mean(), second.units.mean()))
    assert units[0][0] == units[1][0], "they have not seen it yet"
    assert units[1][1] / units[0][1] == pytest.approx(0.8**0.5, rel=0.02)


def test_a_season_goes_on_from_the_price_of_the_week_before(rules: Rules) -> None:
    shop = replace(products(1), dispersion=np.zeros(1))
    view, draws = opening(shop), draw_demand(shop, 3, np.random.default_rng(0))
    prices = []
    for action in (0, rules.hold, 4):
        view, week = step(view, np.array([action]), draws, rules)
        prices.append(week.price[0])
    assert prices == pytest.approx([1.6, 1.6, 1.6 * 1.2])


def test_policies_meet_the_same_demand_draws(rules: Rules) -> None:
    first, second = (play(products(), rules, policies.hold, 5, seed=9) for _ in range(2))
    np.testing.assert_array_equal(first.units, second.units)


def test_products_that_are_not_identified_never_move(rules: Rules) -> None:
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
        ("group", 4, "`group` must be finite and one of 4 groups"),
        ("stock", -1.0, "`stock` must be 0 or above"),
    ],
)
def test_numbers_that_make_no_market_are_refused(field: str, value: float, message: str) -> None:
    wrong = getattr(products(), field).copy()
    wrong[2] = value
    with pytest.raises(MarketError, match=message):
        replace(products(), **{field: wrong})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"within": np.full((2, 1), 0.0)}, "`within` at least 0.05. Received: 0.0"),
        ({"whole": np.full((2, 1), np.nan)}, "slopes must be finite"),
        ({"curve": np.array([0.0, 0.3])}, r"`curve` must hold \(0.0, 0.5, 1.0, 2.0, 4.0\)"),
        ({"whole": np.ones((2, 3))}, "a row per draw and a column per group"),
        ({"by_revenue": np.zeros(3)}, "`by_revenue` a number per draw"),
    ],
)
def test_slopes_that_make_no_demand_are_refused(changes: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(MarketError, match=message):
        replace(known_slopes([2.0], [1.0]), **changes)


def test_products_without_a_group_sell_for_themselves_by_the_mean_of_all_slopes() -> None:
    slopes = SlopeDraws(
        within=np.array([[2.0, 4.0], [3.0, 3.0]]), whole=np.array([[1.0, 0.0], [0.5, 0.5]]), curve=np.zeros(2)
    )
    assert slopes.with_lone_products.within[:, 2].tolist() == [3.0, 3.0]
    assert slopes.with_lone_products.whole[:, 2].tolist() == [0.5, 0.5]


def test_a_ladder_without_the_price_in_force_is_refused(rules: Rules) -> None:
    with pytest.raises(MarketError, match="contain 1, the price in force"):
        replace(rules, ladder=np.array([0.8, 0.9]))


def test_the_learning_signal_of_a_single_product_is_the_expected_reward_over_holding() -> None:
    shop = products(1, error=0.0, dispersion=0.0).repeat(20_000)
    draws = draw_demand(shop, 1, np.random.default_rng(0))
    _, cut = step(opening(shop), np.zeros(20_000, int), draws, market_rules())
    assert cut.advantage[0] == pytest.approx((cut.reward.mean() - 40.0) / 40.0, abs=0.01)


def test_the_learning_signal_counts_what_is_taken_from_siblings() -> None:
    # of two alike at b = 3 and eta = 1, one at 0.9: w = 0.9^-3, S = (1 + w) / 2, all units S^(1/3 - 1) each
    group, rules = group_of([20.0, 20.0]).repeat(20_000), market_rules()
    actions = np.tile([1, rules.hold], 20_000)
    _, week = step(opening(group), actions, draw_demand(group, 1, np.random.default_rng(0)), rules)
    w = 0.9**-3
    sold = 20 * np.array([w, 1.0]) * ((1 + w) / 2) ** (1 / 3 - 1)
    gain = (1.8 * sold[0] + 2.0 * sold[1] - 80) / 40
    assert week.advantage[:2] == pytest.approx([gain, 0.0], abs=1e-12)
    assert week.reward.reshape(-1, 2).sum(axis=1).mean() == pytest.approx(80 + 40 * gain, rel=2e-3)
    own = (1.8 * sold[0] - 40) / 40
    assert own > gain + 0.1, "what the product itself earns more is mostly stolen"


def stocked() -> Products:
    return replace(products(2, dispersion=0.0), stock=np.array([5.0, np.inf]), arrivals=np.array([3.0, 0.0]))


def test_a_market_week_conserves_stock_and_loses_the_sales_beyond_it() -> None:
    shop = stocked()
    draws = draw_demand(shop, 8, np.random.default_rng(0))
    view, week = step(opening(shop), np.array([2, 2]), draws, market_rules())
    assert week.units[0] == 5 + 3 < week.units[1]
    assert view.stock.tolist() == [3.0, np.inf]
    assert week.advantage[0] == pytest.approx((8 - 20) * 2.0 / 40.0, abs=0.01)
    assert week.advantage[1] == 0.0


def test_a_stock_that_is_filled_up_is_full_in_every_week() -> None:
    shop = replace(stocked(), arrivals=np.zeros(2), filled_to=np.array([7.0, 0.0]))
    draws = draw_demand(shop, 8, np.random.default_rng(0))
    view, week = step(opening(shop), np.array([2, 2]), draws, market_rules())
    assert week.units[0] == 7
    assert view.stock.tolist() == [7.0, np.inf]


def test_expected_sales_are_those_of_the_distribution() -> None:
    rng = np.random.default_rng(3)
    mean, stock = rng.gamma(0.5, 20, 400), np.floor(rng.gamma(0.5, 60, 400))
    stock[:20], mean[20:30] = np.inf, 0.0
    counts = np.arange(2000)
    chance = stats.poisson.pmf(counts, mean[:, None])
    expected = (np.minimum(counts, stock[:, None]) * chance).sum(axis=1)
    np.testing.assert_allclose(expected_sales(mean, stock), expected, rtol=1e-9, atol=1e-12)
    noise = np.repeat([0.1, 1.0], 200)
    chance = stats.nbinom.pmf(counts, 1 / noise[:, None], 1 / (1 + noise * mean)[:, None])
    expected = (np.minimum(counts, stock[:, None]) * chance).sum(axis=1)
    np.testing.assert_allclose(expected_sales(mean, stock, noise), expected, rtol=1e-5, atol=1e-9)
