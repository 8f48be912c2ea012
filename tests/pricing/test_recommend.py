"""The registered policy: every price has its reason, and nothing unknown moves."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from tasks.pricing.greedy import Greedy
from tasks.pricing.market import Products, Rules
from tasks.pricing.recommend import PolicyError, PolicyModel
from tests.pricing.test_dqn import random_weights, shop


@pytest.fixture
def model() -> PolicyModel:
    frame = pd.DataFrame({field.name: getattr(shop(), field.name) for field in fields(Products)})
    frame.loc[1, "identified"] = False
    frame = frame.assign(product_id=[f"p{i}" for i in range(6)], store_id="all")
    rules = Rules(np.array([0.8, 0.9, 1.0, 1.1, 1.2]), 8, 0.98, 0.7, 0.0, "revenue", 0.35, 0.3)
    return PolicyModel(frame, rules, Greedy(random_weights()))


def test_every_row_has_a_price_on_the_ladder_and_a_reason(model: PolicyModel) -> None:
    asked = pd.DataFrame({"product_id": ["p3", "p1", "new"], "store_id": "all", "price": [3.0, 2.0, 5.0]}, index=[7, 8, 9])
    told = model.recommend(asked)
    assert told.index.tolist() == [7, 8, 9]
    assert told["step"][7] in model.rules.ladder
    assert told["price"][7] == pytest.approx(3.0 * told["step"][7])
    assert told["price"].tolist()[1:] == [2.0, 5.0]
    assert told["reason"].tolist()[1:] == ["elasticity not identified", "the product was not in the training"]


def test_the_order_of_rows_does_not_matter(model: PolicyModel) -> None:
    asked = pd.DataFrame({"product_id": [f"p{i}" for i in range(6)], "store_id": "all", "price": 2.0})
    shuffled = asked.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(model.recommend(asked).loc[shuffled.index], model.recommend(shuffled))


@pytest.mark.parametrize("price", [np.nan, 0.0, -1.0, np.inf])
def test_a_price_in_force_that_is_none_is_refused(model: PolicyModel, price: float) -> None:
    with pytest.raises(PolicyError, match="must be finite and above 0"):
        model.recommend(pd.DataFrame({"product_id": ["p0"], "store_id": "all", "price": [price]}))


@pytest.mark.parametrize("product", ["p0", "p1", "p3"])
def test_the_price_that_is_explained_is_the_one_that_is_recommended(model: PolicyModel, product: str) -> None:
    told = model.explain(product, "all", 3.0)
    asked = pd.DataFrame({"product_id": [product], "store_id": "all", "price": [3.0]})
    assert told.ladder.loc[told.ladder["chosen"], "price"].item() == model.recommend(asked)["price"].item()
    assert told.elasticity_low < told.elasticity < told.elasticity_high


def test_a_product_that_the_market_does_not_know_is_not_explained(model: PolicyModel) -> None:
    with pytest.raises(PolicyError, match=r"no product 'new' in store 'all'. Known: p0 in all, p1 in all, p2 in all, ..."):
        model.explain("new", "all")
    with pytest.raises(PolicyError, match=r"must be finite and above 0. Received: -1.0"):
        model.explain("p0", "all", -1.0)
