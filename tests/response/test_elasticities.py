"""Elasticities: what the table shows is controlled for, the rest needs an instrument, else no price moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.bench.cases.simulated_shop import Shop, simulated_shop
from tasks.response.elasticities import ASSUMED_ELASTICITY, PanelResponse, panel_response
from tasks.response.identification import Identification

IDENTIFICATION = Identification(
    confidence=0.95,
    min_prices=4,
    min_price_variation=0.03,
    min_periods=26,
    max_width=4.0,
    reference_memory=None,
)


def shop(*, shocks: bool = False, costs: bool = False) -> Shop:
    return simulated_shop(np.random.default_rng(4), products=25, weeks=156, shocks=shocks, costs=costs)


def weekly_response(sales: pd.DataFrame, memory: float | None = None) -> PanelResponse:
    return panel_response(sales, "W", replace(IDENTIFICATION, reference_memory=memory))


def bias(sales: pd.DataFrame, truth: pd.Series) -> float:
    table = weekly_response(sales).table.set_index("product_id")
    return float((table["elasticity"] - truth).mean())


def test_an_observed_season_leaves_no_bias_and_the_intervals_cover() -> None:
    sales, truth, _ = shop()
    table = weekly_response(sales).table.set_index("product_id")
    assert abs((table["elasticity"] - truth).mean()) < 0.08
    assert ((table["low"] <= truth) & (truth <= table["high"])).mean() > 0.8


def test_unseen_shocks_bias_and_a_cost_removes_them() -> None:
    sales, truth, _ = shop(shocks=True, costs=True)
    response = weekly_response(sales)
    assert response.promotable
    assert set(response.table["method"]) <= {"two_stage_least_squares", "pooled"}
    assert response.table["first_stage_f"].median() > 10
    assert abs(bias(sales, truth)) < 0.2
    assert bias(sales.drop(columns="unit_cost"), truth) > 0.7


def test_without_an_instrument_and_a_reason_for_the_price_nothing_is_promotable() -> None:
    sales = shop(shocks=True).sales
    response = weekly_response(sales)
    assert not response.promotable
    assert not response.table["identified"].any()
    assert "nothing in the table tells why the price moved" in response.flags[0]


def test_a_randomised_price_is_an_instrument() -> None:
    sales, truth, _ = shop(shocks=True)
    rng = np.random.default_rng(0)
    drawn = rng.choice([-0.1, 0.0, 0.1], len(sales))
    elasticity = truth[sales["product_id"]].to_numpy()
    moved = sales.assign(
        price=sales["price"] * np.exp(drawn),
        units=np.round(sales["units"] * np.exp(elasticity * drawn)),
        randomised_price=drawn,
    )
    response = weekly_response(moved)
    assert response.table["method"].eq("two_stage_least_squares").mean() > 0.9
    assert abs(bias(moved, truth)) < 0.2


def promoted(
    products: int = 16, weeks: int = 104, moving: int = 12, remembers: float = 0.0
) -> tuple[pd.DataFrame, pd.Series]:
    """Return weekly sales and the true elasticities.

    Promotions cut prices and sell by themselves; a season moves every product.
    """
    rng = np.random.default_rng(7)
    dates, season = (
        pd.date_range("2023-01-02", periods=weeks, freq="7D", unit="us"),
        0.3 * np.sin(2 * np.pi * np.arange(weeks) / 52),
    )
    parts, truth = [], {}
    for number in range(products):
        product = f"p{number:02d}"
        truth[product] = rng.normal(-2.0, 0.5)
        deal = (rng.random(weeks) < 0.25).astype(float)
        step = (
            0.1 * rng.integers(-2, 3, weeks // 4 + 1).repeat(4)[:weeks]
            if number < moving
            else np.zeros(weeks)
        )
        log_price = step - 0.15 * deal * (number < moving)
        habit = (
            pd.Series(np.exp(log_price))
            .shift(1, fill_value=np.exp(log_price[0]))
            .ewm(alpha=0.3, adjust=False)
            .mean()
        )
        mean = np.exp(
            4.0 + truth[product] * log_price + remembers * (np.log(habit) - log_price) + 0.5 * deal + season
        )
        units = rng.poisson(mean * rng.gamma(10, 0.1, weeks)).astype(float)
        weeks_sold = {
            "date": dates,
            "product_id": product,
            "category": f"c{number % 4}",
            "units": units,
            "price": 3 * np.exp(log_price),
        }
        parts.append(pd.DataFrame(weeks_sold | {"promotion_deal": deal}))
    return pd.concat(parts, ignore_index=True).assign(store_id="all"), pd.Series(truth)


def test_without_its_promotion_a_product_looks_more_elastic_and_a_price_that_stands_still_holds() -> None:
    sales, truth = promoted()
    table = weekly_response(sales).table.set_index("product_id")
    identified = table[table["identified"]]
    assert abs((identified["elasticity"] - truth[identified.index]).mean()) < 0.15
    assert set(table.loc["p12":, "reason"]) == {"it had 1 different prices, 4 needed"}  # type: ignore[misc]
    assert (table["reason"] == "").equals(table["identified"])
    blind = weekly_response(sales.drop(columns="promotion_deal")).table
    assert blind["elasticity"].mean() < table["elasticity"].mean() - 0.3


def test_the_effect_of_the_remembered_price_is_separated_from_the_lasting_one() -> None:
    sales, truth = promoted(remembers=0.8)
    response, blind = weekly_response(sales, memory=0.7), weekly_response(sales)
    assert response.remembered["low"] < 0.8 < response.remembered["high"]
    assert response.remembered["low"] > 0.2
    moving = response.table["identified"]
    gap = response.table.set_index("product_id").loc[truth.index, "elasticity"] - truth
    assert abs(gap[moving.to_numpy()].mean()) < 0.2
    assert blind.table["elasticity"].mean() < response.table["elasticity"].mean() - 0.2
    assert blind.remembered["estimate"] == 0


def test_a_competitor_that_answers_is_measured_and_none_where_there_is_none() -> None:
    sales, _ = promoted()
    rng = np.random.default_rng(3)
    relative = np.log(sales["price"] / 3)
    rival = 0.5 * relative.groupby(sales["product_id"]).shift(1, fill_value=0.0) + 0.1 * rng.normal(
        size=len(sales)
    )
    moved = sales.assign(
        competitor_price=2.5 * np.exp(rival), units=np.round(sales["units"] * np.exp(0.9 * rival))
    )
    response = weekly_response(moved)
    assert response.reaction["estimate"] == pytest.approx(0.5, abs=0.1)
    assert response.cross["estimate"] == pytest.approx(0.9, abs=0.2)
    alone = weekly_response(sales)
    assert alone.reaction["estimate"] == alone.cross["estimate"] == 0


def test_a_product_that_often_sells_nothing_is_not_identified() -> None:
    sales, _ = promoted()
    rare = sales["product_id"] == "p00"
    sales["units"] = sales["units"].mask(rare & (np.arange(len(sales)) % 3 == 0), 0.0)
    table = weekly_response(sales).table.set_index("product_id")
    assert table["reason"]["p00"].startswith("it sold nothing in 3")


def test_a_chain_level_table_of_daily_sales_without_stores_or_costs_is_enough() -> None:
    rng = np.random.default_rng(1)
    days = pd.date_range("2024-01-01", periods=400, unit="us")
    parts = []
    for product, elasticity in (("a", -3.0), ("b", -1.0)):
        price = 2 * np.exp(0.1 * rng.integers(-2, 3, 58).repeat(7)[:400])
        deal = (rng.random(58) < 0.3).repeat(7)[:400].astype(float)
        units = rng.poisson(50 * (price / 2) ** elasticity * np.exp(0.3 * deal)).astype(float)
        parts.append(
            pd.DataFrame(
                {"date": days, "product_id": product, "units": units, "price": price, "promotion_deal": deal}
            )
        )
    response = panel_response(pd.concat(parts, ignore_index=True).assign(store_id="all"), "D", IDENTIFICATION)
    table = response.table.set_index("product_id")
    assert table["elasticity"].tolist() == pytest.approx([-3.0, -1.0], abs=0.15)
    assert table["identified"].all()
    assert set(table["rivals"]["a"]) == {"b"}


def test_prices_that_never_move_identify_no_product_and_the_elasticity_is_assumed() -> None:
    response = weekly_response(shop().sales.assign(price=2.0))
    assert not response.promotable
    assert set(response.table["reason"]) == {"its price never moved"}
    assert set(response.table["elasticity"]) == {ASSUMED_ELASTICITY}
    assert np.isfinite(response.table[["low", "high", "standard_error", "dispersion"]]).all(axis=None)
    assert "no price moves by itself" in response.flags[0]
