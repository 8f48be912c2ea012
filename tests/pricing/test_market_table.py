"""The market is built from what is known, and from nothing stale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from conf import load
from tasks.pricing.market_table import NO_GROUP, Effects, Response, market_of, rules_of
from tasks.pricing.plan import PricingPlan
from tasks.pricing.slopes import SlopeDraws
from tasks.stages.market import plan_of

WEEKS = 20


@pytest.fixture
def plan() -> PricingPlan:
    return plan_of(load("smoke", ["source.period=W"]))


@pytest.fixture
def sales() -> pd.DataFrame:
    dates = pd.date_range("2025-01-06", periods=WEEKS, freq="7D", unit="us")
    frame = pd.concat(
        [pd.DataFrame({"date": dates, "product_id": p}) for p in ("a", "b", "c", "d")], ignore_index=True
    )
    return frame.assign(store_id="all", category="x", units=5.0, price=2.0, unit_cost=1.0)


def response(products: Sequence[str], grouped: Sequence[str] | None = None) -> Response:
    """Return a response in which products are groups of their own, at a reference price of 1.60."""
    grouped = products if grouped is None else grouped
    count = len(grouped)
    rows = {"elasticity": -2.0, "standard_error": 0.3, "identified": True, "dispersion": 0.1}
    groups = pd.DataFrame({"product_id": grouped, "store_id": "all", "group": range(count), "reference": 1.6})
    return Response(
        elasticities=pd.DataFrame({"product_id": products, **rows}),
        groups=groups,
        slopes=SlopeDraws(within=np.full((2, count), 2.0), whole=np.full((2, count), 2.0), curve=np.zeros(2)),
        effects=Effects(reference_memory=0.6, reference_effect=0.1, rival_cross=0.5, rival_reaction=0.2),
    )


def build(sales: pd.DataFrame, plan: PricingPlan, grouped: Sequence[str] | None = None) -> pd.DataFrame:
    products = sorted(sales["product_id"].unique())
    outlook = pd.DataFrame({"product_id": products, "store_id": "all", "mean": 7.0})
    return market_of(sales, outlook, response(products, grouped), plan).set_index("product_id")


def test_a_known_cost_is_kept_as_it_is_and_a_stale_one_is_marked(
    sales: pd.DataFrame, plan: PricingPlan
) -> None:
    row = sales.groupby("product_id").cumcount()
    cost = sales["unit_cost"].mask(sales["product_id"] == "b")
    cost = cost.mask((sales["product_id"] == "c") & (row >= WEEKS - plan.active_weeks))
    cost = cost.mask(sales["product_id"] == "d", 2.5)
    market = build(sales.assign(unit_cost=cost), plan)
    np.testing.assert_array_equal(market["unit_cost"], [1.0, np.nan, 1.0, 2.5])
    assert market["cost_stale"].tolist() == [False, False, True, False]


def test_a_market_without_costs_says_nothing_of_them(sales: pd.DataFrame, plan: PricingPlan) -> None:
    markets = (
        build(sales.drop(columns="unit_cost"), plan),
        build(sales.assign(unit_cost=np.nan), plan),
    )
    for market in markets:
        assert market["unit_cost"].isna().all()
        assert "cost_stale" not in market


def test_a_market_knows_the_departments_of_the_sales(sales: pd.DataFrame, plan: PricingPlan) -> None:
    departments = sales["product_id"].map({"a": "dairy", "b": "dairy", "c": "care", "d": None})
    market = build(sales.assign(department=departments), plan)
    assert market["department"].dropna().to_dict() == {"a": "dairy", "b": "dairy", "c": "care"}
    assert "department" not in build(sales, plan)


def test_a_product_without_a_group_sells_for_itself_and_holds(sales: pd.DataFrame, plan: PricingPlan) -> None:
    market = build(sales, plan, grouped=["a", "c"])
    assert market["group"].tolist() == [0, 2, 1, 2], "a column beyond those of the groups"
    assert market["identified"].tolist() == [True, False, True, False]
    assert market["anchor"].tolist() == pytest.approx([2.0 / 1.6, 1.0, 2.0 / 1.6, 1.0])


def test_a_product_that_is_no_longer_sold_is_in_no_market(sales: pd.DataFrame, plan: PricingPlan) -> None:
    row = sales.groupby("product_id").cumcount()
    quiet = sales.assign(units=sales["units"].mask((sales["product_id"] == "b") & (row >= 10), 0.0))
    ended = quiet[~((quiet["product_id"] == "c") & (row >= 10))]
    assert build(ended, plan).index.tolist() == ["a", "d"]


def test_the_price_in_force_is_the_last_one_and_units_are_those_of_a_week(sales: pd.DataFrame) -> None:
    daily = plan_of(load("smoke", ["source.period=D"]))
    market = build(sales.assign(price=np.tile(np.linspace(1, 2, WEEKS), 4)), daily)
    assert market["price"].tolist() == [2.0] * 4
    assert market["units"].tolist() == [49.0] * 4
    assert market["list_price"].tolist() == [2.0] * 4


def test_the_ladder_always_holds_the_price_in_force() -> None:
    rules = rules_of(plan_of(load("smoke", ["price.ladder_steps=4"])), response(["a"]).effects)
    ladder = rules.ladder
    assert (rules.reference_memory, rules.reference_effect) == (0.6, 0.1)
    assert (rules.rival_cross, rules.rival_reaction) == (0.5, 0.2)
    assert 1.0 in ladder
    assert (np.diff(ladder) > 0).all()


def test_the_stock_of_the_market_is_what_is_left_and_what_comes_in(
    sales: pd.DataFrame, plan: PricingPlan
) -> None:
    week = sales.groupby("product_id").cumcount()
    stock = np.where(sales["product_id"] == "a", 12.0 - 5.0 * (week % 2), np.nan)
    market = build(sales.assign(stock=stock), plan)
    assert market["stock"]["a"] == 2.0
    assert market["arrivals"]["a"] == pytest.approx(4 * 10 / 7, rel=0.35), "ten units arrive every other week"
    assert market["filled_to"]["a"] == 0.0, "it sells seven units a period and is never full"
    assert market["stock"]["b"] == np.inf
    assert market["arrivals"]["b"] == 0.0


def test_a_stock_that_every_week_fills_up_is_known_as_such(sales: pd.DataFrame, plan: PricingPlan) -> None:
    market = build(sales.assign(stock=60.0), plan)
    assert market["filled_to"].tolist()[:2] == [60.0, 60.0]
    assert market["arrivals"].tolist()[:2] == [0.0, 0.0]


def test_the_market_carries_names_and_why_a_product_holds(sales: pd.DataFrame, plan: PricingPlan) -> None:
    products = sorted(sales["product_id"].unique())
    outlook = pd.DataFrame({"product_id": products, "store_id": "all", "mean": 7.0})
    answers = response(products, products[:3])
    reasons = ["", "it sold in 3 weeks, 26 needed", "", ""]
    elasticities = answers.elasticities.assign(reason=reasons, identified=[not why for why in reasons])
    named = sales.assign(name=sales["product_id"].str.upper())
    market = market_of(named, outlook, replace(answers, elasticities=elasticities), plan)
    assert market["name"].tolist() == ["A", "B", "C", "D"]
    assert market["refusal"].tolist() == ["", reasons[1], "", NO_GROUP]
    assert market["identified"].tolist() == [True, False, True, False]
    assert set(build(sales, plan)["refusal"]) == {""}
