"""Fees of channels: the market, the claim and the list earn what tax and fee leave of a price."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conf import Settings, load
from expectations.tax import charge_rate
from tasks.governance.channels import checked_channels
from tasks.operations.channel_charges import with_todays_charges
from tasks.operations.experiment_analyze import sales_at
from tasks.pricing.assumed_cost import with_assumed_costs
from tasks.pricing.list_claim import earned
from tasks.pricing.market_table import market_of
from tasks.pricing.price_list import in_force
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.shelf import with_shelf
from tasks.stages.market import market_table, plan_of
from tasks.stages.sales import accepted_sales
from tests.pricing.small_market import group_of, market_rules, model_of
from tests.pricing.test_market_table import response

PROFIT = market_rules(objective="profit")
TAX, FEE = 0.19, 0.15


def two_channels(fee: float = FEE) -> PolicyModel:
    """Return a policy of two products at 2.00 that cost 1.00, the second in the store of the web."""
    model = model_of(group_of([20.0, 30.0]), PROFIT)
    table = pd.DataFrame({"store_id": ["all", "w"], "channel": ["shop", "web"], "fee": [0, fee], "tax": TAX})
    market = checked_channels(table).charged(model.market.assign(store_id=["all", "w"]))
    return replace(model, market=market)


def test_the_reward_of_the_market_is_profit_after_tax_and_fee() -> None:
    # 2.00 with 19 % tax is 1.6807 net; the web takes 15 % of 2.00, 0.30; of a cost of 1.00 remain
    assert PROFIT.margin(two_channels().products, np.ones(2)) == pytest.approx([0.680672, 0.380672], abs=1e-6)


def test_the_claim_of_a_list_is_profit_after_tax_and_fee() -> None:
    shop = two_channels().products
    ratio = np.array([1.1, 1.1])  # all dearer by as much: each product sells by the slope of the group
    units = shop.units * np.exp(-1.0 * np.log(1.1))
    profit = 2.2 * units / (1 + TAX) - np.array([0.0, FEE]) * 2.2 * units - 1.0 * units
    assert earned(shop, PROFIT, ratio) == pytest.approx([profit.sum()] * 2)


def test_a_price_that_tax_and_fee_eat_holds() -> None:
    model = two_channels(fee=0.35)  # of 2.00, 0.98 are kept
    costs = model.costs(in_force(model))
    assert costs["covering_price"].tolist() == pytest.approx([1.19, 1 + charge_rate(TAX, 0.35)])
    assert costs["cost_holds"].tolist() == ["", "the cost is not below the price in force"]


def test_the_guard_gets_the_cost_the_tax_and_the_fee() -> None:
    shelf = with_shelf(model := two_channels(), in_force(model), None)
    assert shelf[["net_cost", "sales_tax", "channel_fee"]].to_numpy().tolist() == [
        [1.0, TAX, 0.0],
        [1.0, TAX, FEE],
    ]
    new = with_shelf(model, in_force(model).assign(product_id="new", unit_cost=1.0), None)
    assert new["channel_fee"].tolist() == [FEE, FEE], "a product that is not known is charged most"


def test_a_list_rests_on_the_fees_of_today(tmp_path: Path) -> None:
    path = tmp_path / "channels.csv"
    path.write_text("store_id,channel,fee\nall,shop,\nw,web,0.25\n")
    model = with_todays_charges(two_channels(), load("smoke", [f"price.channels={path}"]))
    assert model.products.tax_rate.tolist() == pytest.approx([TAX, charge_rate(TAX, 0.25)])
    assert with_todays_charges(model, load("smoke")) is model


@pytest.fixture
def shop(tmp_path: Path) -> Settings:
    dates = pd.date_range("2025-01-01", periods=60).strftime("%Y-%m-%d")
    frame = pd.DataFrame({"date": dates, "product_id": "a", "units": 3.0, "price": 11.90})
    stores = pd.concat([frame.assign(store_id=store) for store in ("1", "2")])
    stores.to_csv(tmp_path / "sales.csv", index=False)
    (tmp_path / "channels.csv").write_text("store_id,channel,fee\n1,shop,0\n2,web,0.15\n")
    source = {"kind": "file", "path": str(tmp_path / "sales.csv"), "price_includes_tax": TAX}
    return Settings(source=source, price={"channels": str(tmp_path / "channels.csv")})


def test_sales_and_market_have_the_charges_of_their_channel(shop: Settings) -> None:
    rates = [TAX, charge_rate(TAX, FEE)]
    sales = accepted_sales(shop).sales
    assert sales.groupby("store_id")["tax_rate"].first().tolist() == pytest.approx(rates)
    outlook = pd.DataFrame({"product_id": "a", "store_id": ["1", "2"], "mean": 7.0})
    answer = response(["a"])
    market = market_of(sales.assign(category="x"), outlook, answer, plan_of(shop))
    assert market["tax_rate"].tolist() == pytest.approx(rates)
    assert market["channel_fee"].tolist() == [0.0, FEE]
    trial = sales_at(Path(str(shop.source.path)), shop)
    assert sorted(trial["tax_rate"].unique()) == pytest.approx(rates), "a trial earns the same"


def test_a_stated_margin_is_before_the_fee(shop: Settings) -> None:
    sales = accepted_sales(shop).sales.assign(category="x")
    outlook = pd.DataFrame({"product_id": "a", "store_id": ["1", "2"], "mean": 7.0})
    market = market_table(shop, sales, outlook, response(["a"]))
    assert market["unit_cost"].tolist() == pytest.approx([7.0, 7.0]), "of 10.00 net, a margin of 30 %"


@pytest.mark.parametrize(("table", "floor"), [("", 1.92), ("all,web,0,0", 1.92), ("all,web,0.15,0", 2.26)])
def test_the_market_of_a_retraining_has_the_margin_floor_after_fees(
    table: str, floor: float, tmp_path: Path
) -> None:
    # 1.20 and 60 % of it are 1.92; where 15 % of the price are a fee, 1.92 / 0.85 = 2.2588 leaves them
    assignments = ["source.period=W", "guard.margin_floor=0.6"]
    dates = pd.date_range("2025-01-06", periods=26, freq="7D")
    sold = [
        pd.DataFrame({"date": dates, "product_id": name, "unit_cost": 1.2, "units": 5.0, "price": 2.5})
        for name in "ab"
    ]
    sales = pd.concat(sold, ignore_index=True).assign(store_id="all", category="tea")
    if table:
        path = tmp_path / "channels.csv"
        path.write_text(f"store_id,channel,fee,tax\n{table}\n")
        assignments.append(f"price.channels={path}")
        sales = checked_channels(pd.read_csv(path)).charged(sales)
    outlook = pd.DataFrame({"product_id": ["a", "b"], "store_id": "all", "mean": 7.0})
    market = market_table(load("smoke", assignments), sales, outlook, response(["a", "b"]))
    assert market["hard_low"].tolist() == [floor] * 2


@pytest.mark.parametrize("objective", ["profit", "revenue"])
def test_a_stated_margin_leaves_the_same_after_a_fee_whatever_the_objective(objective: str) -> None:
    # 30 % of 10.00 with 19 % tax: a cost of 5.8824, which 7.00 covers, and 7.00 / (1 - 0.3 x 1.19) with a fee
    model = model_of(group_of([20.0, 30.0]), market_rules(objective=objective, stated_margin=0.3))
    table = pd.DataFrame({"store_id": ["all", "w"], "channel": ["shop", "web"], "fee": [0, 0.3], "tax": TAX})
    named = model.market.assign(store_id=["all", "w"], unit_cost=np.nan, price=10.0)
    market = checked_channels(table).charged(named)
    if objective == "profit":
        market = with_assumed_costs(market, {}, 0.3)
    policy = replace(model, market=market)
    covering = with_shelf(policy, in_force(policy), None)["covering_price"]
    assert covering.tolist() == pytest.approx([7.0, 10.886470])
