"""A price can be explained, varied at random on record, and a silly policy does not pass for a good one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.pricing import policies
from tasks.pricing.demand import answer_of
from tasks.pricing.explain import (
    AT_BAND,
    AT_COST,
    AT_HIGH,
    AT_INDEX,
    AT_LOW,
    FREE,
    UNIDENTIFIED,
    Explanation,
    explain,
)
from tasks.pricing.greedy import Greedy
from tasks.pricing.listing import listed
from tasks.pricing.mimic import mimic
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.state import features_of, opening
from tasks.pricing.variation import Variation, VariationError, vary
from tests.pricing.small_market import (
    gainful_weights,
    group_of,
    market_rules,
    model_of,
    products,
    random_groups,
    random_weights,
    shop_rules,
)


@pytest.fixture
def rules() -> Rules:
    return market_rules()


def explained(shop: Products, rules: Rules, row: int = 0, seed: int = 0) -> Explanation:
    """Return why a random policy prices a product as it does."""
    return explain(Greedy(random_weights(seed))(opening(shop), rules), rules, row)


def wished(shop: Products, rules: Rules, slope: float, row: int = 0) -> Explanation:
    """Return why a product is priced as it is where a log price is worth a slope, in weekly revenue."""
    worth = np.tile(slope * np.log(rules.ladder), (len(shop), 1))
    return explain(listed(opening(shop), rules, lambda view, rules: worth), rules, row)  # noqa: ARG005


def test_an_explanation_worked_by_hand(rules: Rules) -> None:
    explanation = explained(products(1, error=0.0, elasticity=[-2.0]), rules)
    row = explanation.ladder.set_index("step").loc[0.8]
    assert row["units"] == pytest.approx(20 * np.exp(-2 * -0.2))
    assert row["revenue"] == pytest.approx(1.6 * row["units"])
    assert row["profit"] == pytest.approx(0.6 * row["units"])
    assert explanation.ladder["chosen"].sum() == 1
    chosen = explanation.ladder.loc[explanation.ladder["chosen"], "q_value"].item()
    assert chosen == explanation.ladder["q_value"].max()
    assert explanation.elasticity == pytest.approx(-2.0, abs=1e-4)
    assert explanation.binding in (FREE, AT_LOW, AT_HIGH)


def test_the_units_of_a_step_know_the_prices_of_the_siblings_in_the_list(rules: Rules) -> None:
    shop = random_groups([3], seed=2, draws=20)
    plan = policies.myopic(opening(shop), rules)
    explanation = explain(plan, rules, 1)
    ratio = rules.ladder[plan.actions]
    for place, step in enumerate(rules.ladder):
        prices = ratio.copy()
        prices[1] = step
        units = [answer_of(shop, np.full(3, draw)).units(shop, prices)[1] for draw in range(20)]
        assert explanation.ladder["units"][place] == pytest.approx(np.mean(units)), f"step {step}"


def test_the_elasticity_that_is_shown_is_the_own_one_beside_the_siblings(rules: Rules) -> None:
    # -(3 x 1/4 + 1 x 3/4) of the first, -(3 x 3/4 + 1 x 1/4) of the second
    pair = group_of([30.0, 10.0], within=3.0, whole=1.0)
    assert [explained(pair, rules, row).elasticity for row in (0, 1)] == pytest.approx([-1.5, -2.5])


def test_an_uncertain_elasticity_gives_wider_intervals_and_an_unidentified_one_holds(rules: Rules) -> None:
    sure, unsure = (explained(products(1, error=error), rules).ladder for error in (0.05, 0.5))
    assert (unsure["units_high"] - unsure["units_low"])[0] > 5 * (sure["units_high"] - sure["units_low"])[0]
    held = explained(replace(products(1), identified=np.array([False])), rules)
    assert held.binding == UNIDENTIFIED
    assert held.ladder.loc[held.ladder["chosen"], "step"].tolist() == [1.0]


def test_a_known_cost_bounds_the_price_whatever_the_policy_thinks(rules: Rules) -> None:
    dear = replace(products(1, error=0.1), unit_cost=products(1).price * 0.95)
    for seed in range(20):
        explanation = explained(dear, rules, seed=seed)
        assert explanation.ladder.loc[explanation.ladder["chosen"], "step"].item() >= 1.0
        assert explanation.ladder["allowed"].tolist() == [False, False, True, True, True]
        if explanation.ladder["chosen"][2]:
            assert explanation.binding == AT_COST


def test_the_rule_that_bound_a_price_is_named() -> None:
    shop, rules = products(3), shop_rules(index_week=0.5, index_season=0.5)
    assert wished(shop, rules, 1.0).binding == AT_HIGH
    assert wished(shop, rules, -1.0).binding == AT_LOW
    banded = replace(shop, lowest=np.full(3, 1.94), highest=np.full(3, 2.06))
    assert wished(banded, rules, 1.0).binding == AT_BAND
    assert wished(banded, rules, -1.0).binding == AT_BAND
    dear = replace(banded, unit_cost=np.full(3, 1.945))
    assert wished(dear, rules, -1.0).binding == AT_COST
    bound = [wished(products(40), shop_rules(), 1.0, row).binding for row in range(40)]
    assert set(bound) <= {AT_INDEX, AT_HIGH}
    assert bound.count(AT_INDEX) > 25


def test_an_assumed_cost_holds_nothing_and_is_no_bound() -> None:
    shop = replace(products(2), unit_cost=np.full(2, 1.97), cost_assumed=np.ones(2, bool))
    rules = shop_rules(index_week=0.5, index_season=0.5)
    assert wished(shop, rules, -1.0).binding == AT_LOW


def test_a_tree_mimics_the_policy_and_reports_its_fidelity(rules: Rules) -> None:
    tree = mimic(products(6).repeat(20), rules, Greedy(random_weights()), seed=0)
    assert 0.5 < tree.fidelity <= 1
    assert "class:" in tree.rules
    assert any(name in tree.rules for name in features_of(rules))


def test_the_reason_of_a_price_says_what_it_is_worth_less_the_index() -> None:
    shop = products(20, elasticity=[-1.2] * 20)
    rules = shop_rules()
    plan = Greedy(gainful_weights())(opening(shop), rules)
    assert plan.side[0] != 0
    ladder = explain(plan, rules, int(plan.actions.argmax())).ladder
    assert ladder["q_value"][ladder["chosen"]].item() == pytest.approx(ladder["q_value"].max(), abs=1e-6)


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


def test_the_gain_over_holding_of_holding_is_exactly_0_and_that_of_a_forbidden_step_is_none(
    rules: Rules,
) -> None:
    for seed in range(4):
        ladder = explained(products(3), rules, row=1, seed=seed).ladder.set_index("step")
        assert ladder.loc[1.0, "gain"] == 0.0
        worth, hold = ladder["q_value"], ladder.loc[1.0, "q_value"]
        revenue = 2.0 * 20.0  # of a week, at the price in force
        np.testing.assert_allclose(ladder["gain"], revenue * (worth - hold), atol=1e-12)
    held = explained(replace(products(1), identified=np.array([False])), rules).ladder.set_index("step")
    assert held.loc[1.0, "gain"] == 0.0
    assert held.drop(index=1.0)["gain"].isna().all(), "a step that is not allowed gains nothing"


def test_a_held_price_names_the_test_of_identification_that_failed() -> None:
    because = "it had 3 different prices, 8 needed"
    model = model_of(products(2))
    held = replace(model, market=model.market.assign(identified=[True, False], refusal=["", because]))
    assert held.explain("p1", "all").binding == f"{UNIDENTIFIED}, because {because}"
    assert "because" not in held.explain("p0", "all").binding
    before = replace(held, market=held.market.drop(columns="refusal"))
    assert before.explain("p1", "all").binding == UNIDENTIFIED, "a version registered before has no reasons"
