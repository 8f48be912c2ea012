"""A known cost that cannot be trusted is no missing cost: the price holds, and the list says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.pricing import policies
from tasks.pricing.greedy import Greedy
from tasks.pricing.known_cost import NO_AMOUNT, NO_COST, NOT_BELOW, STALE, cost_notes, latest_costs
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.products import Products
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.rules import Rules
from tasks.pricing.seasons import play
from tasks.pricing.variation import Variation
from tests.pricing.small_market import market_frame, market_rules, products, random_weights

COSTS = {
    "above": 9.0,
    "equal": 2.97,
    "below": 1.0,
    "missing": np.nan,
    "stale": 1.0,
    "zero": 0.0,
    "endless": np.inf,
}
HELD = {"above": NOT_BELOW, "equal": NOT_BELOW, "stale": STALE, "zero": NO_AMOUNT, "endless": NO_AMOUNT}


@pytest.fixture(params=["revenue", "profit"])
def rules(request: pytest.FixtureRequest) -> Rules:
    return market_rules(objective=request.param)


@pytest.fixture
def shop() -> Products:
    names = list(COSTS)
    stale = np.array([name == "stale" for name in names])
    return replace(
        products(len(names)),
        price=np.full(len(names), 2.97),
        unit_cost=np.array(list(COSTS.values())),
        cost_stale=stale,
    )


def model_of(shop: Products, rules: Rules, seed: int = 0) -> PolicyModel:
    return PolicyModel(
        market=market_frame(shop).assign(product_id=list(COSTS)),
        slopes=shop.slopes,
        rules=rules,
        policy=Greedy(random_weights(seed)),
    )


def test_a_product_whose_cost_cannot_be_trusted_holds_and_is_named_in_the_list(
    shop: Products, rules: Rules
) -> None:
    for seed in range(30):
        model = model_of(shop, rules, seed)
        table = price_list(model, in_force(model), Variation(0.5, 0.1), seed).set_index("product_id")
        for name, reason in HELD.items():
            assert table.loc[name, ["price", "propensity", "reason"]].tolist() == [2.97, 1.0, reason]


def test_the_explanation_names_what_is_wrong_with_the_cost(shop: Products, rules: Rules) -> None:
    for name, reason in HELD.items():
        explanation = model_of(shop, rules).explain(name, "all")
        assert explanation.binding == f"{reason}: the price holds"
        assert explanation.ladder.loc[explanation.ladder["allowed"], "step"].tolist() == [1.0]
    loss = model_of(shop, rules).explain("above", "all").ladder.set_index("step").loc[1.0]
    assert loss["profit"] == pytest.approx((2.97 - 9.0) * loss["units"]), (
        "the loss is computed with the known cost"
    )


def test_a_product_without_a_cost_holds_under_profit_alone(shop: Products, rules: Rules) -> None:
    lists = [
        price_list(model, in_force(model), Variation(0.5, 0.1), seed)
        for seed in range(30)
        for model in [model_of(shop, rules, seed)]
    ]
    rows = pd.concat(lists).query("product_id == 'missing'")
    if rules.objective == "profit":
        assert set(rows["reason"]) == {NO_COST}
        assert set(rows["price"]) == {2.97}
    else:
        assert len(set(rows["price"])) > 1


def test_a_price_in_force_that_fell_below_its_cost_since_the_training_holds(
    shop: Products, rules: Rules
) -> None:
    for seed in range(30):
        model = model_of(shop, rules, seed)
        row = (
            price_list(model, in_force(model).assign(price=0.97), Variation(0.5, 0.1), seed)
            .set_index("product_id")
            .loc["below"]
        )
        assert row[["price", "reason"]].tolist() == [0.97, NOT_BELOW]


def test_a_product_that_the_training_did_not_know_is_not_varied_where_costs_are_known(
    shop: Products, rules: Rules
) -> None:
    prices = pd.DataFrame({"product_id": [f"new{i}" for i in range(50)], "store_id": "all", "price": 2.0})
    varied = price_list(model_of(shop, rules), prices, Variation(0.5, 0.1), 1)
    assert (varied["price"] == 2.0).all()
    costless = model_of(replace(shop, unit_cost=np.full(len(shop), np.nan)), rules)
    varied = price_list(costless, prices, Variation(0.5, 0.1), 1)
    assert (varied["price"] != 2.0).any() == (rules.objective == "revenue"), (
        "revenue without any cost is as it was"
    )


def test_a_cost_given_with_the_prices_replaces_the_one_of_the_training(shop: Products, rules: Rules) -> None:
    given = {"above": 1.0, "below": 9.0, "missing": 2.9, "stale": 1.0, "equal": np.nan}
    for seed in range(30):
        model = model_of(shop, rules, seed)
        prices = in_force(model).assign(unit_cost=lambda frame: frame["product_id"].map(given))
        table = price_list(model, prices, Variation(0.5, 0.1), seed).set_index("product_id")
        assert (
            table.loc[["below", "equal"], ["price", "reason"]].to_numpy().tolist() == [[2.97, NOT_BELOW]] * 2
        )
        assert table["price"]["missing"] >= 2.9
        assert not set(table.loc[["above", "missing", "stale"], "reason"]) & {NOT_BELOW, STALE, NO_COST}
        assert "unit_cost" not in table


def test_a_price_that_holds_for_its_cost_is_not_rounded(shop: Products, rules: Rules) -> None:
    model = model_of(shop, rules)
    for price in (2.974, 2.97 + 5e-16):
        table = price_list(model, in_force(model).assign(price=price), Variation(0.0, 0.1), 1)
        assert table.set_index("product_id")["price"]["above"] == price


def test_every_policy_holds_what_a_cost_holds_and_earns_nothing_by_it(shop: Products, rules: Rules) -> None:
    held = [list(COSTS).index(name) for name in HELD]
    for policy in (policies.myopic, policies.cost_plus, policies.Random(np.random.default_rng(0))):
        played = play(shop, rules, policy, 3, 1)
        assert (played.prices[:, held] == 2.97).all()
        if rules.objective == "profit":
            assert (played.rewards[:, held] == 0).all(), (
                "what a cost that is not trusted would earn is not counted"
            )


def test_the_latest_cost_of_a_product_is_kept_with_its_day() -> None:
    dates = pd.to_datetime(["2025-01-06", "2025-03-03", "2025-03-10"])
    sales = pd.concat(
        pd.DataFrame({"date": dates, "product_id": name, "store_id": "all", "unit_cost": cost})
        for name, cost in {"a": [1.0, 2.0, np.nan], "b": [3.0, np.nan, np.nan], "c": [np.nan] * 3}.items()
    )
    assert latest_costs(sales).to_dict("list") == {
        "product_id": ["a", "b"],
        "store_id": ["all"] * 2,
        "unit_cost": [2.0, 3.0],
        "cost_date": [dates[1], dates[0]],
    }


def test_notes_say_which_products_hold_for_their_cost_and_which_have_none(
    shop: Products, rules: Rules
) -> None:
    notes = cost_notes(model_of(shop, rules).market, rules.objective)
    dear = "above in all (cost 9, price 2.97), equal in all (cost 2.97, price 2.97)"
    assert f"note: 2 products hold, {NOT_BELOW}: {dear}" in notes
    assert f"note: 1 product holds, {STALE}: stale in all (cost 1, price 2.97)" in notes
    assert (f"note: 1 product holds, {NO_COST}: missing in all (price 2.97)" in notes) == (
        rules.objective == "profit"
    )
    assert (
        cost_notes(model_of(shop, rules).market.assign(unit_cost=np.nan, cost_stale=False), "revenue") == []
    )
