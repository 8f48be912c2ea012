"""Prices with tax: buyers answer shelf prices, and profit is what is left of them without the tax."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import Settings, load
from conf.layers import SettingsError
from expectations.columns import TAX_RATE
from expectations.refusals import DataError
from tasks.operations.experiment_analyze import sales_at
from tasks.pricing import policies
from tasks.pricing.greedy import Greedy
from tasks.pricing.known_cost import NOT_BELOW, cost_notes, earnings_note
from tasks.pricing.market_table import market_of
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.products import Products, products_of
from tasks.pricing.state import opening
from tasks.pricing.variation import Variation
from tasks.sources.acceptance import table_hash
from tasks.stages.market import plan_of
from tasks.stages.sales import accepted_sales
from tasks.trial.assignment import measured
from tasks.trial.sales_log import decisions_of
from tests.pricing.small_market import market_frame, market_rules, model_of, products, random_weights
from tests.pricing.test_market_table import response

RATE = 0.19
PROFIT = market_rules(objective="profit")


def taxed(price: float, cost: float, rate: float = RATE, count: int = 1) -> Products:
    ones = np.ones(count)
    return replace(products(count), price=price * ones, unit_cost=cost * ones, tax_rate=rate * ones)


def test_the_margin_is_the_price_without_tax_less_the_cost() -> None:
    # 11.90 on the shelf is 10.00 without 19 % tax; of them 6.00 are cost, 4.00 remain
    assert PROFIT.margin(taxed(11.90, 6.0), np.ones(1)) == pytest.approx([4.0])
    assert PROFIT.margin(taxed(11.90, 6.0, rate=0.0), np.ones(1)) == pytest.approx([5.9])
    assert market_rules().margin(taxed(11.90, 6.0), np.ones(1)) == pytest.approx([11.90]), "revenue is paid"


def test_a_cost_between_the_prices_with_and_without_tax_holds_the_price() -> None:
    shop = taxed(11.90, 11.0)  # below the price on the shelf, above the 10.00 that are left of it
    assert PROFIT.allowed(shop, np.ones(1))[0].tolist() == [False, False, True, False, False]
    market = market_frame(shop)
    assert cost_notes(market, "profit") == [
        f"note: 1 product holds, {NOT_BELOW}: p0 in all (cost 11, price 11.9, 10 without tax)"
    ]
    explanation = model_of(shop, PROFIT).explain("p0", "all")
    assert explanation.binding == f"{NOT_BELOW}: the price holds"
    step = explanation.ladder.set_index("step").loc[1.0]
    assert step["profit"] == pytest.approx((10.0 - 11.0) * step["units"])
    assert step["revenue"] == pytest.approx(11.90 * step["units"])


def test_no_step_is_below_the_cost_with_its_tax() -> None:
    # the cost of 9.00 is covered from 10.71 on: 0.9 x 11.90 = 10.71 is the lowest step, 0.8 x 11.90 too low
    assert PROFIT.allowed(taxed(11.90, 8.99), np.ones(1))[0].tolist() == [False, True, True, True, True]
    assert PROFIT.allowed(taxed(11.90, 9.01), np.ones(1))[0].tolist() == [False, False, True, True, True]


def test_cost_plus_marks_up_the_cost_and_adds_the_tax() -> None:
    # 1.35 x 8.00 = 10.80 without tax, 12.852 with it: 1.08 of the price in force, so the step 1.1
    shop = taxed(11.90, 8.0)
    untaxed = replace(shop, tax_rate=np.zeros(1))
    assert PROFIT.ladder[policies.cost_plus(opening(shop), PROFIT).actions] == [1.1]
    assert PROFIT.ladder[policies.cost_plus(opening(untaxed), PROFIT).actions] == [0.9]


def test_no_price_of_a_list_is_below_the_cost_with_its_tax() -> None:
    for seed in range(20):
        model = model_of(taxed(11.90, 9.5, count=40), PROFIT, Greedy(random_weights(seed)))
        listed = price_list(model, in_force(model), Variation(0.5, 0.1), seed)
        assert (listed["price"] / (1 + RATE) >= 9.5).all()
    new = pd.DataFrame({"product_id": [f"new{i}" for i in range(50)], "store_id": "all", "price": 11.90})
    varied = price_list(model, new.assign(unit_cost=9.5), Variation(0.5, 0.1), 1)
    assert (varied["price"] / (1 + RATE) >= 9.5).all(), "a new product is taxed as the others at most"
    assert (varied["price"] != 11.90).any()


def test_the_market_has_the_last_rate_of_a_product() -> None:
    dates = pd.date_range("2025-01-06", periods=4, freq="7D", unit="us")
    sales = pd.DataFrame({"date": dates, "product_id": "a", "store_id": "all", "category": "x"})
    sales = sales.assign(units=5.0, price=2.0, unit_cost=1.0)
    outlook = pd.DataFrame({"product_id": ["a"], "store_id": "all", "mean": 7.0})
    answer = response(["a"])
    plan = plan_of(load("smoke", ["source.period=W"]))
    market = market_of(sales.assign(**{TAX_RATE: [0.07, 0.07, 0.07, 0.19]}), outlook, answer, plan)
    assert products_of(market, answer.slopes).tax_rate.tolist() == [0.19]
    untaxed = market_of(sales, outlook, answer, plan)
    assert TAX_RATE not in untaxed, "a market without tax is as it was"
    assert products_of(untaxed, answer.slopes).tax_rate.tolist() == [0.0]


def test_profit_of_trials_and_of_logged_decisions_is_net() -> None:
    dates = pd.date_range("2025-01-06", periods=3, freq="7D", unit="us")
    sales = pd.DataFrame({"date": dates, "product_id": "a", "store_id": "all", "units": 2.0, "price": 11.90})
    sales = sales.assign(unit_cost=6.0, propensity=0.5, reference_price=11.90, **{TAX_RATE: RATE})
    table = measured(sales)
    assert table["profit"].tolist() == pytest.approx([8.0] * 3)
    assert table["revenue"].tolist() == pytest.approx([23.8] * 3)
    for objective, reward in (("profit", 8.0), ("revenue", 23.8)):
        decisions = decisions_of(sales, objective)
        assert decisions is not None
        assert decisions["reward"].tolist() == pytest.approx([reward] * 2), objective


def test_the_note_on_earnings_says_which_price_they_are_of() -> None:
    cost = np.ones(1)
    taxed_note = "profit: price without tax and fees less unit cost"
    assert earnings_note(cost, "profit", 0.3, taxed=True) == taxed_note
    assert earnings_note(cost, "profit", 0.3) == "profit: price less unit cost"
    assert earnings_note(cost, "revenue", 0.3, taxed=True).startswith("revenue with tax: a cost is known")


@pytest.fixture
def source(tmp_path: Path) -> dict[str, Any]:
    dates = pd.date_range("2025-01-01", periods=60).strftime("%Y-%m-%d")
    frame = pd.DataFrame({"date": dates, "product_id": "a", "units": 3.0, "price": 11.90, "unit_cost": 6.0})
    path = str(tmp_path / "sales.csv")
    frame.assign(tax_rate=0.5, vat=RATE, percent=19, late=[""] + ["0.19"] * 59).to_csv(path, index=False)
    return {"kind": "file", "path": path}


@pytest.mark.parametrize("stated", [0.19, "0.19", "vat"])
def test_a_rate_is_that_of_all_rows_or_stands_in_a_column(
    source: dict[str, Any], stated: float | str
) -> None:
    settings = Settings(source={**source, "price_includes_tax": stated})
    assert set(accepted_sales(settings).sales[TAX_RATE]) == {RATE}
    assert set(sales_at(Path(source["path"]), settings)[TAX_RATE]) == {RATE}, "in experiments, too"


def test_a_column_of_rates_says_nothing_until_it_is_stated(source: dict[str, Any]) -> None:
    plain = accepted_sales(Settings(source=source)).sales
    assert TAX_RATE not in plain
    taxed_sales = accepted_sales(Settings(source={**source, "price_includes_tax": "vat"})).sales
    assert table_hash(taxed_sales.drop(columns=TAX_RATE)) == table_hash(plain)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("percent", r"row 1, column tax_rate: 19.*Rule: a rate of tax is a share.*write 0\.19 for 19 %"),
        ("late", r"row 1, column tax_rate: .*in every row"),
        ("nowhere", r"there is no 'nowhere'; found: .*--set source\.price_includes_tax="),
    ],
)
def test_a_column_that_holds_no_rates_is_refused(source: dict[str, Any], column: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        accepted_sales(Settings(source={**source, "price_includes_tax": column}))


def test_mapped_rates_and_rates_that_are_none_are_refused(source: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"set source\.price_includes_tax=vat instead"):
        accepted_sales(Settings(source={**source, "columns": {"tax_rate": "vat"}}))
    for rate in ("19", "-0.1", "true"):
        with pytest.raises(SettingsError, match=r"source\.price_includes_tax"):
            load("smoke", [f"source.price_includes_tax={rate}"])
