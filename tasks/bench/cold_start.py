"""Benchmark: whole products are held out, and forecast from their category, store, price and promotions alone."""

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
from tasks.demand.distribution import Distribution
from tasks.demand.features import LOG_PRICE, build_features
from tasks.demand.metrics import scores
from tasks.demand.panel import Panel, panel_of
from tasks.demand.splits import Fold, rolling_origins
from tasks.runtime.seeds import seed_of
from tasks.sources.acceptance import most_sold
from tasks.stages import fit_lstm
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
        draws: times that other products are drawn; each one trains anew.
        say: told about every draw.

    Raises:
        ColdStartError: fewer than half of the products would be left.
    """
    sales = most_sold(accepted_sales(settings).sales, settings.source.products)
    names = sales[PRODUCT].unique()
    if products > len(names) / 2 or products * draws > len(names):
        raise ColdStartError(
            f"products: at most half of {len(names)} can be held out, each once. Received: {draws} draws of {products}."
        )
    mixed = np.random.default_rng(seed_of(settings.seed, "bench.cold_start")).permutation(names)
    units, told = [], []
    for draw in range(draws):
        held_out = mixed[draw * products : (draw + 1) * products]
        sold, forecasts = _draw(settings, sales, held_out)
        units.append(sold)
        told.append(forecasts)
        say(
            f"draw {draw + 1}: WAPE "
            + ", ".join(
                f"{name} {_scores(settings, sold, each)['wape']:.3f}" for name, each in forecasts.items()
            )
        )
    everything = np.concatenate(units)
    return {
        "products": len(names),
        "held_out": products * draws,
        "points": int(np.isfinite(everything).sum()),
        "scores": {
            name: _scores(settings, everything, _below([each[name] for each in told])) for name in told[0]
        },
    }


def _draw(
    settings: Settings, sales: pd.DataFrame, held_out: np.ndarray
) -> tuple[np.ndarray, dict[str, Distribution]]:
    """Return what the products sold that were held out (series, horizon), and what is said of them without their past."""
    told, dates = settings.forecast, np.sort(sales[DATE].unique())
    days = pd.date_range(dates[0], dates[-1], freq=PERIOD_FREQUENCY[settings.source.period], unit="us")
    fold = rolling_origins(len(days), told.horizon, told.gap, told.folds, told.holdout_origins)[-1]
    known, new = launched(settings, sales, held_out, days[fold.targets.start])
    found = _levels(known, new, fold)
    network = [_network(settings, known, fold, member) for member in range(told.lstm.members)]
    trained = recurrent.scaling_of(known, fold.origin)
    scaling = cold_start.scaling_of_new(new, fold.targets, trained, found)
    said = [
        cold_start.forecast_new(weights, new, fold.origin, fold.targets, told.lstm.window, scaling)
        for weights in network
    ]
    recent = known.units[:, max(0, fold.origin + 1 - told.lstm.window) : fold.origin + 1]
    return new.units[:, fold.targets], {
        "category_mean": cold_start.category_mean(recent, known.series, new.series, told.horizon),
        "network": cold_start.widened(recurrent.averaged(said), found.deviation),
    }


def launched(
    settings: Settings, sales: pd.DataFrame, held_out: np.ndarray, launch: pd.Timestamp
) -> tuple[Panel, Panel]:
    """Return the panels of the products with a past and of those that are sold from the launch on.

    No row of a held-out product before the launch is left, so that neither a feature nor a level can tell of it.
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

    told, seed = settings.forecast, seed_of(settings.seed, "bench.cold_start") + 1000 * member
    params = {name: getattr(told.lstm, name) for name in ("units", "embedding", "dropout", "learning_rate")}
    scaling, shape = recurrent.scaling_of(known, fold.origin), fit_lstm.shape_of(settings, params)
    network = Network(known, scaling, shape, told.gap, told.horizon, seed)
    for epoch in network.train(fold.origin, fit_lstm.plan_of(settings, params), seed):
        log.debug("network %d, epoch %d: loss %.4f", member, epoch.number, epoch.loss)
    return network.weights()


def _scores(settings: Settings, units: np.ndarray, forecast: Distribution) -> dict[str, Any]:
    told = scores(units, forecast, np.ones(len(units)), settings.forecast.mape_units)
    return {name: told[name] for name in SCORES}  # type: ignore[literal-required]


def _below(forecasts: list[Distribution]) -> Distribution:
    return Distribution(
        np.concatenate([f.mean for f in forecasts]), np.concatenate([f.quantiles for f in forecasts])
    )
