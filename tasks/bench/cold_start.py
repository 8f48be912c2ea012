"""Benchmark: whole products are held out, and forecast from category, store, price and promotions alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import CATEGORY, DATE, PERIOD_FREQUENCY, PRODUCT
from tasks.demand import cold_start, recurrent
from tasks.demand.distribution import Distribution, stacked
from tasks.demand.ensemble import SEEDS_APART
from tasks.demand.features import LOG_PRICE, build_features
from tasks.demand.metrics import scores
from tasks.demand.panel import Panel, panel_of
from tasks.demand.splits import Fold, rolling_origins
from tasks.runtime.seeds import seed_of
from tasks.sources.acceptance import most_sold
from tasks.stages.fit_lstm import recipe_of
from tasks.stages.sales import accepted_sales

log = logging.getLogger("repricer")

SCORES = ("wape", "mape", "bias", "pinball", "coverage_80")


class ColdStartError(ValueError):
    """More products than can be held out."""


def bench_cold_start(
    settings: Settings, products: int, draws: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Hold out products, train without them, and forecast the last horizon of the data.

    Args:
        settings: source, features and network; one origin, the last, is forecast.
        products: held out in a draw.
        draws: times that other products are drawn; a draw trains anew.
        say: shows a line about every draw.

    Raises:
        ColdStartError: fewer than half of the products would be left.
    """
    sales = most_sold(accepted_sales(settings).sales, settings.source.products)
    names = sales[PRODUCT].unique()
    if products > len(names) / 2 or products * draws > len(names):
        raise ColdStartError(
            f"products: at most half of {len(names)} can be held out, a product once. "
            f"Received: {draws} draws of {products}. Lower `--products` or `--draws`."
        )
    mixed = np.random.default_rng(seed_of(settings.seed, "bench.cold_start")).permutation(names)
    units, by_draw = [], []
    for draw in range(draws):
        held_out = mixed[draw * products : (draw + 1) * products]
        sold, forecasts = _draw(settings, sales, held_out)
        units.append(sold)
        by_draw.append(forecasts)
        wapes = {name: _scores(settings, sold, forecast)["wape"] for name, forecast in forecasts.items()}
        say(f"draw {draw + 1}: WAPE " + ", ".join(f"{name} {wape:.3f}" for name, wape in wapes.items()))
    everything = np.concatenate(units)
    return {
        "products": len(names),
        "held_out": products * draws,
        "points": int(np.isfinite(everything).sum()),
        "scores": {
            name: _scores(settings, everything, stacked([forecasts[name] for forecasts in by_draw]))
            for name in by_draw[0]
        },
    }


def _draw(
    settings: Settings, sales: pd.DataFrame, held_out: np.ndarray
) -> tuple[np.ndarray, dict[str, Distribution]]:
    """Return what held-out products sold (series, horizon), and their forecasts without a past, by name."""
    forecast, dates = settings.forecast, np.sort(sales[DATE].unique())
    days = pd.date_range(dates[0], dates[-1], freq=PERIOD_FREQUENCY[settings.source.period], unit="us")
    fold = rolling_origins(
        len(days), forecast.horizon, forecast.gap, forecast.folds, forecast.holdout_origins
    )[-1]
    known, new = launched(settings, sales, held_out, days[fold.targets.start])
    estimate = _levels(known, new, fold)
    network = [_network(settings, known, fold, member) for member in range(forecast.lstm.members)]
    trained = recurrent.scaling_of(known, fold.origin)
    scaling = cold_start.scaling_of_new(new, fold.targets, trained, estimate)
    of_networks = [
        cold_start.forecast_new(weights, new, fold, forecast.lstm.window, scaling) for weights in network
    ]
    recent = known.units[:, max(0, fold.origin + 1 - forecast.lstm.window) : fold.origin + 1]
    return new.units[:, fold.targets], {
        "category_mean": cold_start.category_mean(recent, known.series, new.series, forecast.horizon),
        "network": cold_start.widened(recurrent.averaged(of_networks), estimate.deviation),
    }


def launched(
    settings: Settings, sales: pd.DataFrame, held_out: np.ndarray, launch: pd.Timestamp
) -> tuple[Panel, Panel]:
    """Return the panels of the products with a past and of those that are sold from the launch on.

    No row of a held-out product before the launch is left, so that no feature and no level can depend on it.
    """
    table = sales[~sales[PRODUCT].isin(held_out) | (sales[DATE] >= launch)]
    features = settings.prepare.features
    built = build_features(table, features.lags, features.windows, settings.source.period, features.rivals)
    panel = panel_of(table, built.frame, built.past, built.known, [CATEGORY])
    rows = panel.series[PRODUCT].isin(held_out).to_numpy()
    return _part(panel, ~rows), _part(panel, rows)


def _part(panel: Panel, rows: np.ndarray) -> Panel:
    return replace(
        panel,
        series=panel.series[rows].reset_index(drop=True),
        units=panel.units[rows],
        price=panel.price[rows],
        past=panel.past[rows],
        known=panel.known[rows],
    )


def _levels(known: Panel, new: Panel, fold: Fold) -> cold_start.Levels:
    column = known.known_names.index(LOG_PRICE)
    trained = recurrent.scaling_of(known, fold.origin)
    price = np.nanmean(new.known[:, fold.targets, column], axis=1)
    return cold_start.levels(known.series, trained.level, trained.known_mean[:, column], new.series, price)


def _network(settings: Settings, known: Panel, fold: Fold, member: int) -> dict[str, np.ndarray]:
    """Train one member on the products with a past and return its weights."""
    from tasks.demand.lstm import Network

    forecast, recipe = settings.forecast, recipe_of(settings.forecast)
    seed = seed_of(settings.seed, "bench.cold_start") + SEEDS_APART * member
    scaling = recurrent.scaling_of(known, fold.origin)
    network = Network(known, scaling, recipe.shape, gap=forecast.gap, horizon=forecast.horizon, seed=seed)
    for epoch in network.train(fold.origin, recipe.plan, seed):
        log.debug("network %d, epoch %d: loss %.4f", member, epoch.number, epoch.loss)
    return network.weights()


def _scores(settings: Settings, units: np.ndarray, forecast: Distribution) -> dict[str, Any]:
    row = scores(units, forecast, np.ones(len(units)), settings.forecast.mape_units)
    return {name: row[name] for name in SCORES}  # type: ignore[literal-required]
