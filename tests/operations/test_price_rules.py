"""The rules of the shop reach a price list by the sales of the last seven days and the announcements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conf import load
from tasks.operations.price_history import PriceHistory
from tasks.operations.price_rules import guard_of, with_announced, with_bounds
from tasks.pricing.greedy import Greedy
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.recommend import ANNOUNCED, PolicyModel
from tasks.pricing.variation import Variation
from tests.pricing.small_market import gainful_weights, group_of, model_of, shop_rules

AS_OF = pd.Timestamp("2025-01-20")
GUARD = guard_of(load("smoke", []))


@pytest.fixture
def policy() -> PolicyModel:
    """Return a policy of three products at 2.00, whose slow reference prices are 2.00, 1.70 and 2.60."""
    free = shop_rules(index_week=np.inf, index_season=np.inf)
    model = model_of(group_of([20.0] * 3, whole=0.5), free, Greedy(gainful_weights()))
    market = model.market.assign(slow_reference=[2.0, 1.7, 2.6], date=AS_OF - pd.Timedelta(days=15))
    return replace(model, market=market)


def sales(before: float) -> pd.DataFrame:
    """Return two weeks at 2.00, in which p0 had another price four days before the list."""
    days = pd.date_range(AS_OF - pd.Timedelta(days=14), periods=14)
    frames = [
        pd.DataFrame({"date": days, "product_id": f"p{i}", "store_id": "all", "units": 3.0, "price": 2.0})
        for i in range(3)
    ]
    frames[0].loc[frames[0]["date"] == AS_OF - pd.Timedelta(days=4), "price"] = before
    return pd.concat(frames, ignore_index=True)


def test_without_sales_the_bounds_are_step_and_band_around_the_price_in_force(policy: PolicyModel) -> None:
    table = with_bounds(in_force(policy), policy, GUARD, None, as_of=AS_OF)
    assert table["lowest"].tolist() == pytest.approx([1.9, 1.9, 2.0]), "1.90 < 2.08: below its band, up alone"
    assert table["highest"].tolist() == pytest.approx([2.1, 2.04, 2.1])


def test_a_price_of_the_last_seven_days_bounds_the_next_one(policy: PolicyModel) -> None:
    table = with_bounds(in_force(policy), policy, GUARD, sales(before=1.95), as_of=AS_OF)
    assert table["highest"].tolist() == pytest.approx([1.95 * 1.05, 2.04, 2.1])
    assert table["lowest"][0] == pytest.approx(1.9)
    old = sales(before=1.95)
    old.loc[old["price"] != 2.0, "date"] = AS_OF - pd.Timedelta(days=8)
    assert with_bounds(in_force(policy), policy, GUARD, old, as_of=AS_OF)["highest"][0] == pytest.approx(2.1)


def test_no_price_of_the_list_breaks_a_rule_of_the_last_seven_days(policy: PolicyModel) -> None:
    for before in (1.9, 1.95, 2.0, 2.08):
        bounded = with_bounds(in_force(policy), policy, GUARD, sales(before), as_of=AS_OF)
        table = price_list(policy, bounded, Variation(0.5, 0.05), seed=1)
        assert (table["price"] >= bounded["lowest"] - 1e-9).all()
        assert (table["price"] <= bounded["highest"] + 1e-9).all()
        assert table["price"][0] <= max(1.05 * min(before, 2.0), 2.0) + 1e-9


def test_a_product_whose_price_moved_by_a_step_this_week_holds(policy: PolicyModel) -> None:
    bounded = with_bounds(in_force(policy), policy, GUARD, sales(before=1.7), as_of=AS_OF)
    assert (bounded["lowest"][0], bounded["highest"][0]) == (2.0, 2.0)
    assert price_list(policy, bounded, Variation(0.5, 0.05), seed=1)["price"][0] == 2.0


def test_an_announcement_reaches_the_list_on_its_days(policy: PolicyModel, tmp_path: Path) -> None:
    path = tmp_path / "promotions.csv"
    rows = {"product_id": ["p1"], "start": ["2025-01-18"], "end": ["2025-01-21"], "price": [1.49]}
    pd.DataFrame(rows).to_csv(path, index=False)
    bounded = with_bounds(in_force(policy), policy, GUARD, None, as_of=AS_OF)
    days = pd.date_range(end=AS_OF, periods=40, freq="D")
    sold = pd.DataFrame({"date": days, "product_id": "p1", "store_id": "all", "price": 2.0})
    history = PriceHistory("D", market=policy.market, sales=sold)
    announced = with_announced(bounded, str(path), AS_OF, history)
    running = price_list(policy, announced, Variation(0.0, 0.05), seed=1)
    assert running["price"][1] == 1.49
    assert running["reason"].eq(ANNOUNCED).tolist() == [False, True, False]
    over = with_announced(bounded, str(path), AS_OF + pd.Timedelta(days=2), history)
    assert price_list(policy, over, Variation(0.0, 0.05), seed=1)["price"][1] != 1.49


def test_a_product_that_the_policy_does_not_know_is_bounded_by_its_own_price(policy: PolicyModel) -> None:
    prices = pd.DataFrame({"product_id": ["new"], "store_id": "all", "price": [4.0]})
    table = with_bounds(prices, policy, GUARD, None, as_of=AS_OF)
    assert (table["lowest"][0], table["highest"][0]) == pytest.approx((3.8, 4.2))
