"""No price is drawn at random that holds because something about it is at fault."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.governance.price_guard import PriceGuard
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.variation import Variation
from tests.governance.shelves import HOUSE
from tests.pricing.small_market import model_of, products, shop_rules

MUCH = Variation(0.5, 0.03, 2)
GUARD = PriceGuard(
    house=replace(HOUSE, competitor_low=0.9, competitor_high=1.1), table=None, decimals=2, agreed=False
)


class OfBefore(PolicyModel):
    """A policy whose own code does not know that a cost can be too old."""

    def costs(self, prices: pd.DataFrame) -> pd.DataFrame:
        """Return the costs as that code did."""
        return PolicyModel.costs(self, prices.drop(columns="cost_stale", errors="ignore"))


@pytest.fixture
def model() -> PolicyModel:
    """Return a policy that moves no price."""
    shop = model_of(products(8), shop_rules())
    return replace(shop, market=shop.market.assign(identified=False))


def moved(model: PolicyModel, prices: pd.DataFrame) -> int:
    table = price_list(model, prices, MUCH, 3, guard=GUARD)
    return int((table["price"] != table["reference_price"]).sum())


def test_half_of_the_prices_that_hold_for_nothing_are_drawn(model: PolicyModel) -> None:
    assert moved(model, in_force(model)) > 0


@pytest.mark.parametrize("competitor", [-1.0, np.inf])
def test_a_competitor_price_that_is_no_amount_holds(competitor: float, model: PolicyModel) -> None:
    assert moved(model, in_force(model).assign(competitor_price=competitor)) == 0


def test_a_stale_cost_holds_also_by_the_code_of_an_older_version(model: PolicyModel) -> None:
    older = OfBefore(market=model.market, slopes=model.slopes, rules=model.rules, policy=model.policy)
    assert moved(older, in_force(model).assign(cost_stale=True)) == 0
