"""The registered policy: every price has its reason, and nothing unknown moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.pricing.price_list import in_force, price_list, unknown_products
from tasks.pricing.recommend import PolicyError, PolicyModel
from tasks.pricing.variation import Variation
from tests.pricing.small_market import model_of, products


@pytest.fixture
def model() -> PolicyModel:
    shop = products(6, error=0.05, elasticity=[-3.0, -2.5, -2.0, -0.5, -0.4, -0.3])
    return model_of(replace(shop, identified=np.arange(6) != 1))


def test_every_row_has_a_price_on_the_ladder_and_a_reason(model: PolicyModel) -> None:
    prices = pd.DataFrame(
        {"product_id": ["p3", "p1", "new"], "store_id": "all", "price": [3.0, 2.0, 5.0]}, index=[7, 8, 9]
    )
    recommended = model.recommend(prices)
    assert recommended.index.tolist() == [7, 8, 9]
    assert recommended["step"][7] in model.rules.ladder
    assert recommended["price"][7] == pytest.approx(3.0 * recommended["step"][7])
    assert recommended["price"].tolist()[1:] == [2.0, 5.0]
    assert recommended["reason"].tolist()[1:] == [
        "elasticity not identified",
        "the product was not in the training",
    ]


def test_the_order_of_rows_does_not_matter(model: PolicyModel) -> None:
    prices = pd.DataFrame({"product_id": [f"p{i}" for i in range(6)], "store_id": "all", "price": 2.0})
    shuffled = prices.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(model.recommend(prices).loc[shuffled.index], model.recommend(shuffled))


def test_rows_of_one_product_at_several_prices_are_answered_each_for_itself(model: PolicyModel) -> None:
    first = pd.DataFrame({"product_id": [f"p{i}" for i in range(6)], "store_id": "all", "price": 2.0})
    second = first.assign(price=[1.7, 2.0, 2.3, 1.8, 2.2, 2.1])
    log = pd.concat([first, second, first.head(2)], ignore_index=True).sample(frac=1, random_state=2)
    answer = model.recommend(log)
    pd.testing.assert_index_equal(answer.index, log.index)
    for row, (product, price) in log[["product_id", "price"]].iterrows():
        alone = model.recommend(pd.DataFrame({"product_id": [product], "store_id": "all", "price": [price]}))
        assert answer["price"][row] == pytest.approx(alone["price"].item()), f"{product} at {price}"


@pytest.mark.parametrize("price", [np.nan, 0.0, -1.0, np.inf])
def test_a_price_in_force_that_is_none_is_refused(model: PolicyModel, price: float) -> None:
    with pytest.raises(PolicyError, match="must be finite and above 0"):
        model.recommend(pd.DataFrame({"product_id": ["p0"], "store_id": "all", "price": [price]}))


@pytest.mark.parametrize("product", ["p0", "p1", "p3"])
def test_the_price_that_is_explained_is_the_one_that_is_recommended(model: PolicyModel, product: str) -> None:
    prices = pd.DataFrame({"product_id": [product], "store_id": "all", "price": [3.0]})
    explanation = model.explain(product, "all", prices)
    assert (
        explanation.ladder.loc[explanation.ladder["chosen"], "price"].item()
        == model.recommend(prices)["price"].item()
    )
    assert explanation.elasticity_low < explanation.elasticity < explanation.elasticity_high


def test_a_product_that_the_market_does_not_know_is_not_explained(model: PolicyModel) -> None:
    with pytest.raises(
        PolicyError, match=r"no product 'new' in store 'all'. Known: p0 in all, p1 in all, p2 in all, ..."
    ):
        model.explain("new", "all")
    with pytest.raises(PolicyError, match=r"must be finite and above 0. Received: -1.0"):
        model.explain("p0", "all", pd.DataFrame({"product_id": ["p0"], "store_id": "all", "price": [-1.0]}))


def test_a_list_that_is_not_varied_is_what_the_policy_recommends(model: PolicyModel) -> None:
    prices = in_force(model)
    table = price_list(model, prices, Variation(0.0, 0.05), seed=1)
    np.testing.assert_allclose(table["price"], model.recommend(prices)["price"].round(2))
    assert table["reference_price"].tolist() == prices["price"].tolist()
    assert set(table["propensity"]) == {1.0}
    assert set(table["randomised_price"]) == {0.0}
    assert table["reason"][1] == "elasticity not identified"


def test_a_varied_list_stays_on_the_ladder_and_above_cost_and_logs_its_chances(model: PolicyModel) -> None:
    prices = pd.DataFrame({"product_id": [f"p{i}" for i in range(6)], "store_id": "all", "price": 2.0})
    costly = replace(model, market=model.market.assign(unit_cost=[1.99, *[1.0] * 5]))
    drawn = pd.concat([price_list(costly, prices, Variation(0.5, 0.1), seed) for seed in range(400)])
    assert drawn["price"].between(1.6, 2.4).all()
    held = drawn[drawn["product_id"] == "p1"]
    for price, chance in ((1.8, 0.25), (2.0, 0.5), (2.2, 0.25)):
        there = held["price"] == price
        assert there.mean() == pytest.approx(chance, abs=0.07)
        assert set(held.loc[there, "propensity"]) == {chance}
    assert drawn.loc[drawn["product_id"] == "p0", "price"].min() >= 1.99
    np.testing.assert_allclose(drawn["randomised_price"], np.log(drawn["price"] / drawn["planned_price"]))


def test_prices_that_hold_are_not_rounded_whatever_their_cost(model: PolicyModel) -> None:
    market = model.market.assign(identified=False, unit_cost=[1.504, 0.5, *[np.nan] * 4])
    prices = pd.DataFrame(
        {
            "product_id": [f"p{i}" for i in range(4)],
            "store_id": "all",
            "price": [1.504, 1.504, 0.004, 1.59 + 3e-16],
        }
    )
    table = price_list(replace(model, market=market), prices, Variation(0.0, 0.05), seed=1)
    assert table["price"].tolist() == prices["price"].tolist()


def test_a_product_that_stands_twice_in_a_list_is_refused(model: PolicyModel) -> None:
    with pytest.raises(PolicyError, match=r"one row per product and store. Received: p0 in all twice"):
        price_list(model, pd.concat([in_force(model)] * 2), Variation(0.0, 0.05), seed=1)


def test_products_that_the_policy_does_not_know_are_named_beside_those_like_them(model: PolicyModel) -> None:
    prices = pd.DataFrame({"product_id": ["p0", "P1", "new"], "store_id": ["all", "all", "x"], "price": 2.0})
    assert unknown_products(model, prices) == ["'P1' in 'all' (known: 'p1')", "'new' in 'x'"]
    assert unknown_products(model, in_force(model)) == []


def test_a_product_that_stands_twice_in_the_prices_is_refused(model: PolicyModel) -> None:
    prices = pd.DataFrame({"product_id": ["p0", "p0"], "store_id": "all", "price": [2.0, 3.0]})
    with pytest.raises(PolicyError, match=r"one row per product and store. Received: p0 in all twice"):
        price_list(model, prices, Variation(0.0, 0.05), seed=1)
