"""A price can be explained, varied at random on record, and a silly policy does not pass for a good one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.pricing import policies
from tasks.pricing.demand import draw_demand
from tasks.pricing.environment import ProductEnv
from tasks.pricing.explain import AT_COST, AT_HIGH, AT_LOW, FREE, UNIDENTIFIED, explain
from tasks.pricing.greedy import Greedy
from tasks.pricing.market import step
from tasks.pricing.mimic import mimic
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.state import opening
from tasks.pricing.variation import Variation, VariationError, vary
from tests.pricing.test_dqn import random_weights, shop
from tests.pricing.test_market import market_rules, products


@pytest.fixture
def rules() -> Rules:
    return market_rules()


def test_an_explanation_worked_by_hand(rules: Rules) -> None:
    product = replace(products(1, error=0.0), elasticity=np.array([-2.0]))
    explanation = explain(product, rules, Greedy(random_weights()), seed=1)
    row = explanation.ladder.set_index("step").loc[0.8]
    assert row["units"] == pytest.approx(20 * np.exp(-2 * -0.2))
    assert row["revenue"] == pytest.approx(1.6 * row["units"])
    assert row["profit"] == pytest.approx(0.6 * row["units"])
    assert explanation.ladder["chosen"].sum() == 1
    assert (
        explanation.ladder.loc[explanation.ladder["chosen"], "q_value"].iloc[0]
        == explanation.ladder["q_value"].max()
    )
    assert explanation.elasticity == pytest.approx(-2.0, abs=1e-4)
    assert explanation.binding in (FREE, AT_LOW, AT_HIGH)


def test_an_uncertain_elasticity_gives_wider_intervals_and_an_unidentified_one_holds(rules: Rules) -> None:
    policy = Greedy(random_weights())
    sure, unsure = (explain(products(1, error=e), rules, policy, seed=1).ladder for e in (0.05, 0.5))
    assert (unsure["units_high"] - unsure["units_low"])[0] > 5 * (sure["units_high"] - sure["units_low"])[0]
    held = explain(replace(products(1), identified=np.array([False])), rules, policy, seed=1)
    assert held.binding == UNIDENTIFIED
    assert held.ladder.loc[held.ladder["chosen"], "step"].tolist() == [1.0]


def test_a_known_cost_bounds_the_price_whatever_the_policy_thinks(rules: Rules) -> None:
    dear = replace(products(1, error=0.1), unit_cost=products(1).price * 0.95)
    for seed in range(20):
        explanation = explain(dear, rules, Greedy(random_weights(seed)), seed=1)
        assert explanation.ladder.loc[explanation.ladder["chosen"], "step"].item() >= 1.0
        assert explanation.ladder["allowed"].tolist() == [False, False, True, True, True]
        if explanation.ladder["chosen"][2]:
            assert explanation.binding == AT_COST


def test_a_tree_mimics_the_policy_and_reports_its_fidelity(rules: Rules) -> None:
    tree = mimic(shop().take(np.tile(np.arange(6), 20)), rules, Greedy(random_weights()), seed=0)
    assert 0.5 < tree.fidelity <= 1
    assert "class:" in tree.rules


def test_the_best_fixed_steps_are_the_plain_ones(rules: Rules) -> None:
    assert policies.best_fixed(shop(), rules, 50, seed=1).actions.tolist() == [0, 0, 0, 4, 4, 4]


def stocked() -> Products:
    return replace(products(2, dispersion=0.0), stock=np.array([5.0, np.inf]), arrivals=np.array([3.0, 0.0]))


def test_a_market_week_conserves_stock_and_loses_the_sales_beyond_it(rules: Rules) -> None:
    shop_ = stocked()
    draws = draw_demand(shop_, 8, np.random.default_rng(0))
    view, week = step(opening(shop_), np.array([2, 2]), draws, rules)
    assert week.units[0] == 5 < week.units[1]
    assert view.stock.tolist() == [3.0, np.inf]
    assert view.variance[0] == opening(shop_).variance[0], "a week that sold out teaches nothing about demand"
    held = (5 - 20) * 2.0 / 40.0
    assert week.advantage[0] == pytest.approx(held, abs=0.01)


def test_the_environment_passes_gymnasium_s_checker(rules: Rules) -> None:
    from gymnasium.utils.env_checker import check_env

    for reaction in (rules, replace(rules, rival_cross=0.8, rival_reaction=0.5)):
        with pytest.warns(UserWarning, match="Box observation space"):  # bounds without end
            check_env(ProductEnv(stocked(), reaction), skip_render_check=True)


def test_variation_is_drawn_with_the_probability_it_logs() -> None:
    prices = pd.DataFrame({"price": np.full(40_000, 10.0)})
    varied = vary(
        prices,
        Variation(0.2, 0.05),
        np.full(40_000, 9.0),
        np.where(np.arange(40_000) % 2, 11.0, 10.2),
        np.random.default_rng(3),
    )
    free, bound = varied[1::2], varied[::2]
    assert (free["price"] == 10.5).mean() == pytest.approx(0.1, abs=0.01)
    assert (free["price"] == 9.5).mean() == pytest.approx(0.1, abs=0.01)
    assert bound["price"].max() == 10.0
    assert set(free["propensity"].round(6)) == {0.1, 0.8}
    assert set(bound["propensity"].round(6)) == {0.1, 0.9}
    np.testing.assert_allclose(varied["randomised_price"], np.log(varied["price"] / varied["planned_price"]))


def test_no_variation_publishes_the_plan_and_a_large_one_is_refused() -> None:
    varied = vary(
        pd.DataFrame({"price": [1.0, 2.0]}),
        Variation(0.0, 0.05),
        np.zeros(2),
        np.full(2, 9.0),
        np.random.default_rng(0),
    )
    assert varied["price"].tolist() == [1.0, 2.0]
    assert varied["propensity"].tolist() == [1.0, 1.0]
    cheap = vary(
        pd.DataFrame({"price": [0.04]}),
        Variation(0.5, 0.1),
        np.zeros(1),
        np.ones(1),
        np.random.default_rng(0),
    )
    assert cheap["propensity"].tolist() == [1.0], "what rounds to the planned price is no move"
    with pytest.raises(VariationError, match=r"`size` must lie above 0 and at or below 0.1. Received: 0.3"):
        Variation(0.1, 0.3)
