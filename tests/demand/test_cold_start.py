"""A product without a past is forecast from category, store, price and plan, not from what it sold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from expectations.columns import LEVELS
from tasks.bench.cold_start import launched
from tasks.demand import cold_start
from tasks.demand.distribution import Distribution
from tasks.demand.recurrent import scaling_of
from tasks.demand.splits import Fold
from tests.demand.test_explanation import network

MIDDLE = LEVELS.index(0.5)


@pytest.fixture
def settings() -> Settings:
    return Settings(profile="smoke", prepare={"features": {"lags": [1, 7], "windows": [7]}})


def chain(
    rng: np.random.Generator, products: int, stores: int
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return series, levels and log prices: three categories far apart, dear products sell less."""
    series = pd.DataFrame(
        {
            "product_id": np.repeat([f"p{i}" for i in range(products)], stores),
            "store_id": np.tile([f"s{i}" for i in range(stores)], products),
            "category": np.repeat([f"c{i % 3}" for i in range(products)], stores),
        }
    )
    price = np.repeat(rng.normal(0, 0.5, products), stores)
    category, store = (
        np.repeat(np.arange(products) % 3, stores),
        np.tile(np.linspace(-0.5, 0.5, stores), products),
    )
    return (
        series,
        2.0 + category + store - 0.8 * price + np.repeat(rng.normal(0, 0.1, products), stores),
        price,
    )


def test_the_level_of_a_new_product_is_that_of_its_category_store_and_price() -> None:
    series, level, price = chain(np.random.default_rng(0), products=40, stores=4)
    new = series["product_id"].isin(["p3", "p7", "p11", "p38"]).to_numpy()
    estimate = cold_start.levels(series[~new], level[~new], price[~new], series[new], price[new])
    np.testing.assert_allclose(estimate.level, level[new], atol=0.4)
    assert 0.05 < estimate.deviation < 0.25, "the products differ by 0.1 from what can be known"


def test_nothing_that_a_held_out_product_sold_before_moves_its_forecast(
    shop: pd.DataFrame, settings: Settings
) -> None:
    launch, held_out = shop["date"].max() - pd.Timedelta(days=6), np.array(["p1", "p4"])
    before = shop["product_id"].isin(held_out) & (shop["date"] < launch)
    changed = shop.assign(units=shop["units"].where(~before, 1e6), price=shop["price"].where(~before, 99.0))
    forecasts = []
    for sales in (shop, changed, shop[~before]):
        known, new = launched(settings, sales, held_out, launch)
        fold = Fold(0, known.shape[1] - 9, slice(known.shape[1] - 7, known.shape[1]), held_out=True)
        trained = scaling_of(known, fold.origin)
        column = known.known_names.index("log_price")
        prices = trained.known_mean[:, column], new.known[:, fold.targets, column].mean(axis=1)
        estimate = cold_start.levels(known.series, trained.level, prices[0], new.series, prices[1])
        scaling = cold_start.scaling_of_new(new, fold.targets, trained, estimate)
        rng, inputs = np.random.default_rng(5), known.past.shape[-1] + 1 + known.known.shape[-1]
        weights = network(rng) | {"decoder.kernel": rng.normal(0, 0.3, (known.known.shape[-1] + 4, 32))}
        weights |= {
            "encoder.kernel": rng.normal(0, 0.3, (inputs, 32)),
            "encoder.recurrent": rng.normal(0, 0.3, (8, 32)),
        }
        weights |= {"encoder.bias": np.zeros(32)}
        forecasts.append(cold_start.forecast_new(weights, new, fold, 14, scaling))
        assert np.isfinite(forecasts[-1].quantiles).all()
    for other in forecasts[1:]:
        np.testing.assert_array_equal(forecasts[0].mean, other.mean)
        np.testing.assert_array_equal(forecasts[0].quantiles, other.quantiles)


def test_an_uncertain_level_widens_the_quantiles_and_leaves_the_median() -> None:
    logs = 3 + 0.3 * np.array([-1.6449, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.6449])
    wide = cold_start.widened(Distribution(np.full((1, 1), 20.0), np.expm1(logs)[None, None]), 0.4)
    np.testing.assert_allclose(np.log1p(wide.quantiles[0, 0]), 3 + (logs - 3) * 0.5 / 0.3, rtol=1e-3)
    assert wide.quantiles[0, 0, MIDDLE] == pytest.approx(np.expm1(3))
    assert wide.mean[0, 0] == pytest.approx(20 * np.exp(0.08))


def test_the_category_mean_is_that_of_the_store_else_of_all_stores_else_all_of_the_store() -> None:
    known = pd.DataFrame(
        {"product_id": list("abc"), "store_id": ["x", "x", "y"], "category": ["k", "l", "l"]}
    )
    new = pd.DataFrame(
        {"product_id": list("ddd"), "store_id": ["x", "y", "x"], "category": ["k", "k", "none"]}
    )
    units = np.array([[2.0, 4.0], [10.0, np.nan], [7.0, 7.0]])
    forecast = cold_start.category_mean(units, known, new, 2)
    np.testing.assert_allclose(forecast.mean, [[3, 3], [3, 3], [16 / 3, 16 / 3]])
