"""Causal price response: what is seen is held, what is not seen needs an instrument, and without one no price moves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.demand.elasticities import ResponseError
from tasks.demand.panel_response import panel_response
from tasks.demand.panel_slopes import Panel, bends_up, double_ml, fixed_effects, two_stage
from tasks.demand.response import Rules
from tasks.demand.simulated_shop import Shop, simulated_shop

RULES = Rules(confidence=0.95, min_prices=4, min_price_variation=0.03, min_periods=26, max_width=4.0)


def shop(**what: bool) -> Shop:
    return simulated_shop(np.random.default_rng(4), products=25, weeks=156, **what)


def bias(sales: pd.DataFrame, truth: pd.Series) -> float:
    table = panel_response(sales, "W", RULES).table.set_index("product_id")
    return float((table["elasticity"] - truth).mean())


def test_an_observed_season_leaves_no_bias_and_the_intervals_cover() -> None:
    sales, truth = shop()
    table = panel_response(sales, "W", RULES).table.set_index("product_id")
    assert abs((table["elasticity"] - truth).mean()) < 0.08
    assert ((table["low"] <= truth) & (truth <= table["high"])).mean() > 0.8


def test_unseen_shocks_bias_and_a_cost_removes_them() -> None:
    sales, truth = shop(shocks=True, costs=True)
    response = panel_response(sales, "W", RULES)
    assert response.promotable
    assert set(response.table["method"]) <= {"two_stage_least_squares", "pooled"}
    assert response.table["first_stage_f"].median() > 10
    assert abs(bias(sales, truth)) < 0.2
    assert bias(sales.drop(columns="unit_cost"), truth) > 0.7


def test_without_an_instrument_and_a_reason_for_the_price_nothing_is_promotable() -> None:
    sales, _ = shop(shocks=True)
    response = panel_response(sales, "W", RULES)
    assert not response.promotable
    assert not response.table["identified"].any()
    assert "nothing in the table tells why the price moved" in response.flags[0]


def test_a_randomised_price_is_an_instrument() -> None:
    sales, truth = shop(shocks=True)
    rng = np.random.default_rng(0)
    drawn = rng.choice([-0.1, 0.0, 0.1], len(sales))
    elasticity = truth[sales["product_id"]].to_numpy()
    moved = sales.assign(
        price=sales["price"] * np.exp(drawn), units=np.round(sales["units"] * np.exp(elasticity * drawn)), randomised_price=drawn
    )
    response = panel_response(moved, "W", RULES)
    assert response.table["method"].eq("two_stage_least_squares").mean() > 0.9
    assert abs(bias(moved, truth)) < 0.2


def panel(rows: int = 600, groups: int = 4) -> tuple[Panel, np.ndarray]:
    rng = np.random.default_rng(2)
    series, week = np.arange(rows) % groups, np.arange(rows) // groups
    controls = rng.normal(size=(rows, 2))
    unseen, cost = rng.normal(size=rows), rng.normal(size=rows)
    price = 0.1 * controls[:, 0] + 0.1 * unseen + 0.2 * cost + 0.1 * rng.normal(size=rows)
    units = series - 2 * price + controls @ [0.5, -0.3] + 0.5 * unseen + 0.1 * rng.normal(size=rows)
    return Panel(units, price, controls, series, week, cost), unseen


def test_fixed_effects_are_those_of_a_regression_with_dummies() -> None:
    import statsmodels.api as sm

    told, _ = panel()
    x = np.column_stack([told.price, told.controls, np.eye(4)[told.series]])
    theirs = sm.OLS(told.units, x).fit(cov_type="cluster", cov_kwds={"groups": told.week})
    mine = fixed_effects(told)
    assert mine.slope == pytest.approx(theirs.params[0])
    assert 0.95 * theirs.bse[0] < mine.error < 1.5 * theirs.bse[0]


def test_two_stages_by_hand_and_their_error() -> None:
    told, _ = panel()
    dummies = np.column_stack([told.controls, np.eye(4)[told.series]])
    x, z = np.column_stack([told.price, dummies]), np.column_stack([told.instrument, dummies])
    beta = np.linalg.solve(z.T @ x, z.T @ told.units)
    mine = two_stage(told)
    assert mine.slope == pytest.approx(beta[0])
    assert mine.first_stage_f > 100
    assert abs(mine.slope + 2) < 3 * mine.error
    assert fixed_effects(told).slope > -1.6, "the unseen reason of the price hides half of the answer"
    noise = told._replace(instrument=np.random.default_rng(0).normal(size=600))
    assert two_stage(noise).first_stage_f < 10


def test_double_machine_learning_agrees_where_everything_is_seen() -> None:
    told, unseen = panel()
    seen = told._replace(controls=np.column_stack([told.controls, unseen]))
    assert double_ml(seen).slope == pytest.approx(-2, abs=0.1)
    assert double_ml(seen).slope == pytest.approx(fixed_effects(seen).slope, abs=0.05)


def test_units_that_rise_with_the_price_bend_the_ladder() -> None:
    told, _ = panel()
    rising = told._replace(units=told.units + 8 * np.maximum(told.price, 0))
    assert bends_up(rising, 0.95)
    straight = told._replace(units=-2 * told.price + 0.1 * np.random.default_rng(1).normal(size=600))
    assert not bends_up(straight, 0.95)


def test_a_chain_level_table_of_daily_sales_without_stores_or_costs_is_enough() -> None:
    rng = np.random.default_rng(1)
    days = pd.date_range("2024-01-01", periods=400, unit="us")
    parts = []
    for product, elasticity in (("a", -3.0), ("b", -1.0)):
        price = 2 * np.exp(0.1 * rng.integers(-2, 3, 58).repeat(7)[:400])
        deal = (rng.random(58) < 0.3).repeat(7)[:400].astype(float)
        units = rng.poisson(50 * (price / 2) ** elasticity * np.exp(0.3 * deal)).astype(float)
        parts.append(pd.DataFrame({"date": days, "product_id": product, "units": units, "price": price, "promotion_deal": deal}))
    response = panel_response(pd.concat(parts, ignore_index=True).assign(store_id="all"), "D", RULES)
    table = response.table.set_index("product_id")
    assert table["elasticity"].tolist() == pytest.approx([-3.0, -1.0], abs=0.15)
    assert table["identified"].all()
    assert set(table["rivals"]["a"]) == {"b"}


def test_a_price_that_never_moves_says_nothing() -> None:
    sales, _ = shop()
    with pytest.raises(ResponseError, match="a product must sell at several prices"):
        panel_response(sales.assign(price=2.0), "W", RULES)
