"""A currency that is named stands wherever money stands; without a name, everything is as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from conf import Settings, load
from conf.layers import SettingsError
from expectations.refusals import DataError
from tasks.pricing.ladder_figure import ladder
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.variation import Variation
from tasks.stages.market import plan_of
from tasks.stages.sales import accepted_sales
from tests.pricing.small_market import model_of, products
from tests.pricing.test_market_table import build


def test_a_price_list_names_the_currency_in_its_last_column() -> None:
    plain = model_of(products(3))
    named = replace(plain, market=plain.market.assign(currency="EUR"))
    lists = [price_list(model, in_force(model), Variation(0.5, 0.1), 1) for model in (plain, named)]
    assert lists[1].columns[-1] == "currency"
    assert set(lists[1]["currency"]) == {"EUR"}
    pd.testing.assert_frame_equal(lists[1].drop(columns="currency"), lists[0])


def test_the_market_names_the_currency_of_the_settings() -> None:
    dates = pd.date_range("2025-01-06", periods=4, freq="7D", unit="us")
    sales = pd.DataFrame({"date": dates, "product_id": "a", "store_id": "all", "category": "x"})
    sales = sales.assign(units=5.0, price=2.0)
    named, plain = (
        build(sales, plan_of(load("smoke", ["source.period=W", *more])))
        for more in (["source.currency=EUR"], [])
    )
    assert set(named["currency"]) == {"EUR"}
    pd.testing.assert_frame_equal(named.drop(columns="currency"), plain)


def test_figures_name_the_currency() -> None:
    model = model_of(products(1))
    explanation = model.explain("p0", "all")
    for money in ("EUR", "currency"):
        top, bottom = ladder(explanation, model.rules, "p0", money).axes
        assert top.get_ylabel() == f"revenue of the first week ({money})"
        assert money in bottom.get_ylabel()
        assert bottom.get_xlabel() == f"price ({money}/unit)"


def test_a_table_in_another_currency_than_the_settings_is_refused(tmp_path: Path) -> None:
    dates = pd.date_range("2025-01-01", periods=60).strftime("%Y-%m-%d")
    frame = pd.DataFrame({"date": dates, "product_id": "a", "units": 3.0, "price": 2.0, "currency": "USD"})
    path = tmp_path / "sales.csv"
    frame.to_csv(path, index=False)
    source = {"kind": "file", "path": str(path)}
    rule = r"row 1, column currency: 'USD'.*in EUR, as source\.currency says.*set source\.currency=CODE"
    with pytest.raises(DataError, match=rule):
        accepted_sales(Settings(source={**source, "currency": "EUR"}))
    for code in ("USD", None):
        assert len(accepted_sales(Settings(source={**source, "currency": code})).sales) == 60


@pytest.mark.parametrize("code", ["euro", "eur", "€"])
def test_a_currency_is_named_by_three_capitals(code: str) -> None:
    with pytest.raises(SettingsError, match=r"source\.currency"):
        load("smoke", [f"source.currency={code}"])
