"""Price response on a shop whose elasticities are known, and against a textbook's estimator."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.demand.elasticities import price_response
from tasks.demand.response import Rules, between_variance, poisson_slope, pool, shrunk, weekly

RULES = Rules(confidence=0.95, min_prices=4, min_price_variation=0.03, min_periods=26, max_width=4.0)
MEMORY = 0.7


def simulated(seed: int, products: int = 40, weeks: int = 104, moving: int = 34) -> tuple[pd.DataFrame, pd.Series]:
    """Return weekly sales and the true elasticities: promotions cut prices and sell by themselves; a season moves everything."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range("2023-01-02", periods=weeks, freq="7D", unit="us")
    season = 0.3 * np.sin(2 * np.pi * np.arange(weeks) / 52)
    parts, truth = [], {}
    for number in range(products):
        product = f"p{number:02d}"
        truth[product] = rng.normal(-2.0, 0.5)
        deal = (rng.random(weeks) < 0.25).astype(float)
        step = 0.1 * rng.integers(-2, 3, weeks // 8 + 1).repeat(8)[:weeks] if number < moving else 0.0
        log_price = np.log(3.0) + step - 0.15 * deal * (number < moving)
        mean = np.exp(3.0 + truth[product] * (log_price - np.log(3)) + 0.5 * deal + season)
        units = rng.poisson(mean * rng.gamma(10, 0.1, weeks)).astype(float)
        parts.append(
            pd.DataFrame(
                {
                    "date": dates,
                    "product_id": product,
                    "category": f"c{number % 4}",
                    "units": units,
                    "price": np.exp(log_price),
                    "promotion_deal": deal,
                }
            )
        )
    return pd.concat(parts, ignore_index=True).assign(store_id="all"), pd.Series(truth)


def test_known_elasticities_are_found_and_their_intervals_cover() -> None:
    errors, covered = [], []
    for seed in range(3):
        sales, truth = simulated(seed)
        table = price_response(sales, "W", RULES, MEMORY)[0].set_index("product_id")
        own = table[table["identified"]]
        errors.append((own["elasticity"] - truth[own.index]).mean())
        covered.append(((own["low"] <= truth[own.index]) & (truth[own.index] <= own["high"])).mean())
    assert abs(np.mean(errors)) < 0.15
    assert np.mean(covered) > 0.85


def test_without_its_promotion_a_product_looks_more_elastic() -> None:
    sales, _ = simulated(7)
    honest, blind = (price_response(frame, "W", RULES, MEMORY)[0] for frame in (sales, sales.drop(columns="promotion_deal")))
    assert blind["elasticity"].mean() < honest["elasticity"].mean() - 0.3


def test_a_price_that_never_moves_is_not_identified_and_says_why() -> None:
    table = price_response(simulated(1)[0], "W", RULES, MEMORY)[0].set_index("product_id")
    still = table.loc["p36":]  # type: ignore[misc]
    assert not still["identified"].any()
    assert set(still["reason"]) == {"1 different prices, 4 needed"}
    assert (table["reason"] == "").equals(table["identified"])


def test_sales_without_any_price_change_are_refused() -> None:
    sales, _ = simulated(1)
    with pytest.raises(ValueError, match="a product must sell at several prices"):
        price_response(sales[sales["product_id"] >= "p36"], "W", RULES, MEMORY)


def test_the_slope_is_that_of_a_poisson_regression_with_dummies() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    groups = np.arange(120) % 3
    x = rng.normal(size=(120, 2))
    units = rng.poisson(np.exp(1 + 0.5 * groups - 0.8 * x[:, 0] + 0.3 * x[:, 1])).astype(float)
    mine = poisson_slope(x, units, groups, np.arange(120))
    theirs = sm.GLM(units, np.column_stack([x, np.eye(3)[groups]]), family=sm.families.Poisson()).fit(cov_type="HC0")
    assert mine.estimate == pytest.approx(theirs.params[0], rel=1e-6)
    assert mine.error == pytest.approx(theirs.bse[0] * np.sqrt(120 / 115), rel=1e-6)


def test_dispersion_is_none_for_poisson_units_and_found_where_it_is() -> None:
    rng = np.random.default_rng(5)
    x, groups = rng.normal(size=(4000, 1)), np.zeros(4000, int)
    mean = np.exp(2 + 0.2 * x[:, 0])
    plain = poisson_slope(x, rng.poisson(mean).astype(float), groups, np.arange(4000))
    wild = poisson_slope(x, rng.poisson(mean * rng.gamma(4, 0.25, 4000)).astype(float), groups, np.arange(4000))
    assert plain.dispersion < 0.02
    assert wild.dispersion == pytest.approx(0.25, abs=0.05)


def test_weeks_are_summed_and_half_ones_left_out() -> None:
    days = pd.date_range("2025-01-01", "2025-01-19", unit="us")  # Wednesday to Sunday
    sales = pd.DataFrame(
        {"date": days, "product_id": "a", "store_id": "all", "category": "x", "units": 2.0, "price": np.where(days.dayofweek < 3, 1.0, 2.0)}
    )
    told = weekly(sales, "D")
    assert told["week"].dt.strftime("%Y-%m-%d").tolist() == ["2025-01-06", "2025-01-13"]
    assert told["units"].tolist() == [14.0, 14.0]
    np.testing.assert_allclose(told["price"], (3 * 1 + 4 * 2) / 7)


def test_shrinkage_pulls_the_uncertain_and_leaves_the_certain() -> None:
    raw = pd.DataFrame(
        {"category": ["x"] * 5, "raw_elasticity": [-1.0, -2.0, -3.0, -8.0, np.nan], "raw_error": [0.05, 0.05, 0.05, 4.0, np.inf]}
    )
    told = shrunk(raw)
    assert told["elasticity"][0] == pytest.approx(-1.0, abs=0.02)
    assert -3.2 < told["elasticity"][3] < -1.5
    assert told["elasticity"][4] == pytest.approx(-2.0, abs=0.3), "one without an estimate has its category's"
    assert told["standard_error"][4] > told["standard_error"][0]


def test_values_that_do_not_differ_truly_have_no_variance_between() -> None:
    rng = np.random.default_rng(0)
    errors = np.full(400, 0.5)
    assert between_variance(rng.normal(-2, 0.5, 400), errors, np.zeros(400, int)) < 0.05
    assert between_variance(rng.normal(-2, np.hypot(0.5, 0.8), 400), errors, np.zeros(400, int)) == pytest.approx(0.64, abs=0.12)
    assert pool(np.array([-1.0]), np.array([0.3])).mean == -1.0
