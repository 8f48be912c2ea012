"""A served price is the one that a list of this product alone would publish, and stays inside its bounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.governance.guard import Guard
from tasks.operations.price_rules import with_bounds
from tasks.pricing.greedy import Greedy
from tasks.pricing.price_list import price_list
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.variation import Variation
from tasks.served.policy import PricingPolicy
from tests.pricing.small_market import gainful_weights, model_of, random_groups, random_weights, shop_rules

GUARD = Guard(step=0.05, band=0.2, reference_weeks=52, reference_year=0.1, index_week=0.01, index_season=0.03)
SIZES = (1, 4, 2, 9)


def shop(weights: dict[str, np.ndarray]) -> PolicyModel:
    """Return a policy whose market has the bands of the guard around slow reference prices."""
    reference = random_groups(SIZES, seed=6).price * np.random.default_rng(1).uniform(0.85, 1.2, sum(SIZES))
    bands = {"lowest": (1 - GUARD.band) * reference, "highest": (1 + GUARD.band) * reference}
    model = model_of(random_groups(SIZES, seed=6, **bands), shop_rules(), Greedy(weights))
    dated = {"slow_reference": reference, "date": pd.Timestamp("2026-01-04")}
    return replace(model, market=model.market.assign(**dated))


@pytest.mark.parametrize("weights", [gainful_weights(), random_weights(8)], ids=["gainful", "random"])
@pytest.mark.parametrize("factor", [1.0, 0.93, 1.08])
def test_one_product_at_a_time_gets_the_price_of_its_list(
    weights: dict[str, np.ndarray], factor: float
) -> None:
    model, served = shop(weights), PricingPolicy()
    served.use(model, decimals=2)
    rows = model.market[["product_id", "store_id", "price"]].assign(price=lambda t: t["price"] * factor)
    moved = 0
    for number in range(len(rows)):
        row = rows.iloc[[number]]
        bounded = with_bounds(row, model, GUARD, None, as_of=model.trained + pd.Timedelta(days=1))
        expected = price_list(model, bounded, Variation(0.0, 0.05, 2), seed=1).iloc[0]
        answer: Any = served.predict(None, row).iloc[0]
        assert answer["price"] == expected["price"], row
        assert (answer["step"], answer["reason"]) == (expected["step"], expected["reason"])
        low, high = bounded["lowest"].iloc[0], bounded["highest"].iloc[0]
        assert low * (1 - 1e-9) <= answer["price"] <= high * (1 + 1e-9)
        assert answer["step"] == 1.0 or answer["price"] >= model.products.covering_price[number]
        moved += answer["step"] != 1.0
    assert moved > len(rows) / 3, "most prices may move"
