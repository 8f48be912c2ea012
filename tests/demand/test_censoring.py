"""Where stock is known, a sold-out period is a lower bound of demand, and forecasts take it for that."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tasks.bench.cases.simulated_shop import Shop, simulated_shop
from tasks.demand import arima, regression
from tasks.demand.censoring import above, expected_demand, sold_out
from tasks.demand.features import build_features
from tasks.demand.panel import panel_of

WEEKS, TARGETS = 120, 12


@pytest.fixture(scope="module")
def shop() -> Shop:
    return simulated_shop(np.random.default_rng(2), products=30, weeks=WEEKS, cover=1.2)


def until(shop: Shop) -> pd.Timestamp:
    return pd.Timestamp(np.sort(shop.sales["date"].unique())[WEEKS - TARGETS - 1])


def mean_forecast(sales: pd.DataFrame) -> np.ndarray:
    """Return mean forecasts of the last weeks by regressions without ARIMA (series, weeks)."""
    table = build_features(sales, (1,), (4,), "W")
    panel = panel_of(sales, table.frame, table.past, table.known, [])
    origin, order = WEEKS - TARGETS - 1, regression.Order(1, 0, 0, 50.0)
    slopes = regression.regress(panel, origin, order)
    errors = regression.residuals(panel, slopes, origin)
    ahead = arima.forecast_errors(errors, np.full((len(errors), 1), np.nan), order, TARGETS)
    level = regression.explained(slopes, panel.known[:, -TARGETS:]) + ahead.mean
    return arima.distribution(level, ahead.deviation, np.full(len(level), np.inf)).mean


def bias(sales: pd.DataFrame, shop: Shop) -> float:
    """Return mean forecast less true demand, over true demand."""
    truth = shop.demand.reshape(-1, WEEKS)[:, -TARGETS:]
    return float((mean_forecast(sales) - truth).sum() / truth.sum())


def test_forecasts_of_true_demand_are_far_less_biased_than_those_of_sales(shop: Shop) -> None:
    assert 0.25 < sold_out(shop.sales).mean() < 0.5
    as_it_sold = bias(shop.sales, shop)
    handled = bias(expected_demand(shop.sales, "W", until(shop)), shop)
    left_out = bias(shop.sales.assign(units=shop.sales["units"].where(~sold_out(shop.sales))), shop)
    assert as_it_sold < -0.1
    assert abs(handled) < 0.4 * abs(as_it_sold)
    assert abs(handled) < 0.7 * abs(left_out)


def test_only_sold_out_periods_change_and_none_falls(shop: Shop) -> None:
    expected, full = expected_demand(shop.sales, "W", until(shop)), sold_out(shop.sales)
    pd.testing.assert_frame_equal(expected[~full], shop.sales[~full])
    assert (expected.loc[full, "units"] >= shop.sales.loc[full, "units"]).all()
    hidden = shop.demand[full]
    assert abs(expected.loc[full, "units"].sum() / hidden.sum() - 1) < 0.5 * abs(
        shop.sales.loc[full, "units"].sum() / hidden.sum() - 1
    )


def test_what_comes_later_moves_no_earlier_period(shop: Shop) -> None:
    cut = until(shop)
    later = shop.sales["date"] > cut
    changed = shop.sales.assign(
        units=shop.sales["units"].where(~later, 1e5), stock=shop.sales["stock"].where(~later, 1e5)
    )
    before, after = (expected_demand(sales, "W", cut)[~later] for sales in (shop.sales, changed))
    pd.testing.assert_frame_equal(before.drop(columns="stock"), after.drop(columns="stock"), check_exact=True)


def test_a_product_that_begins_after_the_origin_has_its_sold_out_weeks_too(shop: Shop) -> None:
    begun = (shop.sales["product_id"] != "p003") | (shop.sales["date"] > until(shop))
    sales = shop.sales[begun].reset_index(drop=True)
    expected = expected_demand(sales, "W", until(shop))
    assert expected["units"].notna().all()
    assert (expected["units"] >= sales["units"]).all()


def test_a_table_without_stock_is_left_as_it_is(shop: Shop) -> None:
    plain = shop.sales.drop(columns="stock")
    assert expected_demand(plain, "W", until(shop)) is plain


def test_the_mean_above_a_bound_is_that_of_the_truncated_normal() -> None:
    bounds = np.array([-40.0, -1.0, 0.0, 2.0, 30.0])
    np.testing.assert_allclose(
        above(bounds)[1:4], [stats.truncnorm(a, np.inf).mean() for a in bounds[1:4]], rtol=1e-9
    )
    assert above(bounds)[0] == pytest.approx(0.0, abs=1e-12)
    assert above(bounds)[4] == pytest.approx(30.0, rel=2e-3)
