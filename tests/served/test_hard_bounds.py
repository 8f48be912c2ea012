"""A served price is inside the hard bounds of its registration and its step, or says that it cannot be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.pricing.greedy import Greedy
from tasks.pricing.hard_bounds import INSIDE, OUTSIDE
from tasks.pricing.recommend import PolicyModel
from tasks.served.policy import PricingPolicy
from tests.pricing.small_market import model_of, random_groups, random_weights, shop_rules

SIZES = (1, 4, 2, 30)
COUNT = sum(SIZES)


def shop(seed: int) -> PolicyModel:
    """Return a random policy whose products have margin floors of 5 %, upper bounds and own steps."""
    rng = np.random.default_rng(seed)
    products = random_groups(SIZES, seed=6)
    low = np.ceil(105 * products.unit_cost) / 100
    high = np.floor(100 * products.price * rng.uniform(0.9, 1.3, COUNT)) / 100
    step = np.where(rng.random(COUNT) < 0.5, np.nan, 0.02)
    bounded = replace(products, lowest=low, highest=high, step=step)
    model = model_of(bounded, shop_rules(), Greedy(random_weights(seed, 5)))
    return replace(model, market=model.market.assign(hard_low=low, hard_high=high))


@pytest.mark.parametrize("seed", range(3))
def test_no_answer_leaves_the_hard_bounds_and_the_step(seed: int) -> None:
    model, served = shop(seed), PricingPolicy()
    served.use(model, decimals=2)
    market, reasons = model.market, set()
    low, high = market["hard_low"].to_numpy(), market["hard_high"].to_numpy()
    steps = model.rules.steps(model.products)
    for factor in np.random.default_rng(seed).uniform(0.4, 1.5, 20):
        rows = market[["product_id", "store_id"]].assign(price=market["price"] * factor)
        before = rows["price"].to_numpy()
        listed: Any = served.predict(None, rows)
        single = pd.DataFrame([served.price(*row) for row in rows.itertuples(index=False)])
        for answer in (listed, single):
            price, outside = answer["price"].to_numpy(), (answer["reason"] == OUTSIDE).to_numpy()
            reasons |= set(answer["reason"])
            assert ((price >= low) & (price <= high) | outside).all()
            assert (np.abs(price / before - 1) <= steps + 1e-9).all()
            assert (price == before)[outside].all()
            assert (np.abs(np.clip(before, low, high) / before - 1) > steps)[outside].all(), "no step inside"
    assert {INSIDE, OUTSIDE} <= reasons


def test_a_version_without_hard_bounds_answers_as_before() -> None:
    model, served = shop(1), PricingPolicy()
    served.use(replace(model, market=model.market.drop(columns=["hard_low", "hard_high"])), decimals=2)
    assert served.price("p0", "all", 0.01).reason not in {INSIDE, OUTSIDE}
    rows = pd.DataFrame({"product_id": ["p0", "p1"], "store_id": "all", "price": [0.01, 2.0]})
    assert not set(served.predict(None, rows)["reason"]) & {INSIDE, OUTSIDE}
