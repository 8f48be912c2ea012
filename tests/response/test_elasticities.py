"""Causal price response: what is seen is held, what is not seen needs an instrument, and without one no price moves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.bench.cases.simulated_shop import Shop, simulated_shop
from tasks.response.elasticities import panel_response
from tasks.response.slopes import Panel, bends_up, double_ml, fixed_effects, overdispersion, two_stage
from tasks.response.weeks import ResponseError, Rules

RULES = Rules(confidence=0.95, min_prices=4, min_price_variation=0.03, min_periods=26, max_width=4.0)


def shop(**what: bool) -> Shop:
    return simulated_shop(np.random.default_rng(4), products=25, weeks=156, **what)


def bias(sales: pd.DataFrame, truth: pd.Series) -> float:
    table = panel_response(sales, "W", RULES).table.set_index("product_id")
    return float((table["elasticity"] - truth).mean())


def test_an_observed_season_leaves_no_bias_and_the_intervals_cover() -> None:
    sales, truth, _ = shop()
    table = panel_response(sales, "W", RULES).table.set_index("product_id")
    assert abs((table["elasticity"] - truth).mean()) < 0.08
    assert ((table["low"] <= truth) & (truth <= table["high"])).mean() > 0.8


def test_unseen_shocks_bias_and_a_cost_removes_them() -> None:
    sales, truth, _ = shop(shocks=True, costs=True)
    response = panel_response(sales, "W", RULES)
    assert response.promotable
    assert set(response.table["method"]) <= {"two_stage_least_squares", "pooled"}
    assert response.table["first_stage_f"].median() > 10
    assert abs(bias(sales, truth)) < 0.2
    assert bias(sales.drop(columns="unit_cost"), truth) > 0.7


def test_without_an_instrument_and_a_reason_for_the_price_nothing_is_promotable() -> None:
    sales = shop(shocks=True).sales
    response = panel_response(sales, "W", RULES)
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
    assert 0.8 * theirs.bse[0] < mine.error < 1.3 * theirs.bse[0]


def test_errors_know_that_surprises_and_prices_last() -> None:
    rng, slopes, errors = np.random.default_rng(6), [], []
    for _ in range(200):
        lasting = rng.normal(size=(2, 156))
        for t in range(1, 156):
            lasting[:, t] = 0.7 * lasting[:, t - 1] + np.sqrt(1 - 0.7**2) * lasting[:, t]
        week, nothing = np.arange(156), np.full(156, np.nan)
        waves = np.column_stack([week / 156, np.sin(week / 8), np.cos(week / 8)])
        one = fixed_effects(
            Panel(lasting[1] - 2 * lasting[0], lasting[0], waves, np.zeros(156, int), week, nothing)
        )
        slopes.append(one.slope)
        errors.append(one.error)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(slopes), rel=0.15), (
        "independent weeks would say 0.6 of it"
    )


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


def test_dispersion_is_none_for_poisson_units_and_found_where_it_is() -> None:
    rng = np.random.default_rng(5)
    price, nothing = 0.2 * rng.normal(size=4000), np.full(4000, np.nan)
    mean = np.exp(3.5 - 2 * price)

    def told(units: np.ndarray) -> float:
        panel = Panel(
            np.log(units), price, np.empty((4000, 0)), np.zeros(4000, int), np.arange(4000), nothing
        )
        return overdispersion(panel, fixed_effects(panel).slope)

    assert told(rng.poisson(mean)) < 0.02
    assert told(rng.poisson(mean * rng.gamma(4, 0.25, 4000)) + 1e-3) == pytest.approx(0.25, abs=0.06)


def promoted(
    products: int = 16, weeks: int = 104, moving: int = 12, remembers: float = 0.0
) -> tuple[pd.DataFrame, pd.Series]:
    """Return weekly sales and the true elasticities: promotions cut prices and sell by themselves; a season moves everything."""
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
        told = {
            "date": dates,
            "product_id": product,
            "category": f"c{number % 4}",
            "units": units,
            "price": 3 * np.exp(log_price),
        }
        parts.append(pd.DataFrame(told | {"promotion_deal": deal}))
    return pd.concat(parts, ignore_index=True).assign(store_id="all"), pd.Series(truth)


def test_without_its_promotion_a_product_looks_more_elastic_and_a_price_that_stands_still_holds() -> None:
    sales, truth = promoted()
    table = panel_response(sales, "W", RULES).table.set_index("product_id")
    own = table[table["identified"]]
    assert abs((own["elasticity"] - truth[own.index]).mean()) < 0.15
    assert set(table.loc["p12":, "reason"]) == {"1 different prices, 4 needed"}  # type: ignore[misc]
    assert (table["reason"] == "").equals(table["identified"])
    blind = panel_response(sales.drop(columns="promotion_deal"), "W", RULES).table
    assert blind["elasticity"].mean() < table["elasticity"].mean() - 0.3


def test_what_buyers_remember_is_told_apart_from_what_stays() -> None:
    sales, truth = promoted(remembers=0.8)
    response, blind = panel_response(sales, "W", RULES, memory=0.7), panel_response(sales, "W", RULES)
    assert response.remembered["low"] < 0.8 < response.remembered["high"]
    assert response.remembered["low"] > 0.2
    moving = response.table["identified"]
    gap = response.table.set_index("product_id").loc[truth.index, "elasticity"] - truth
    assert abs(gap[moving.to_numpy()].mean()) < 0.2
    assert blind.table["elasticity"].mean() < response.table["elasticity"].mean() - 0.2
    assert blind.remembered["estimate"] == 0


def test_a_competitor_that_answers_is_found_and_none_where_there_is_none() -> None:
    sales, _ = promoted()
    rng = np.random.default_rng(3)
    relative = np.log(sales["price"] / 3)
    rival = 0.5 * relative.groupby(sales["product_id"]).shift(1, fill_value=0.0) + 0.1 * rng.normal(
        size=len(sales)
    )
    moved = sales.assign(
        competitor_price=2.5 * np.exp(rival), units=np.round(sales["units"] * np.exp(0.9 * rival))
    )
    response = panel_response(moved, "W", RULES)
    assert response.reaction["estimate"] == pytest.approx(0.5, abs=0.1)
    assert response.cross["estimate"] == pytest.approx(0.9, abs=0.2)
    alone = panel_response(sales, "W", RULES)
    assert alone.reaction["estimate"] == alone.cross["estimate"] == 0


def test_a_product_that_often_sells_nothing_is_not_identified() -> None:
    sales, _ = promoted()
    rare = sales["product_id"] == "p00"
    sales["units"] = sales["units"].mask(rare & (np.arange(len(sales)) % 3 == 0), 0.0)
    table = panel_response(sales, "W", RULES).table.set_index("product_id")
    assert table["reason"]["p00"].startswith("nothing sold in 3")


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
    response = panel_response(pd.concat(parts, ignore_index=True).assign(store_id="all"), "D", RULES)
    table = response.table.set_index("product_id")
    assert table["elasticity"].tolist() == pytest.approx([-3.0, -1.0], abs=0.15)
    assert table["identified"].all()
    assert set(table["rivals"]["a"]) == {"b"}


def test_a_price_that_never_moves_says_nothing() -> None:
    sales = shop().sales
    with pytest.raises(ResponseError, match="a product must sell at several prices"):
        panel_response(sales.assign(price=2.0), "W", RULES)
