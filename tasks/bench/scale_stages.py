"""The stages that the scale benchmark measures: ARIMA, networks and blend on a chain, chunk by chunk."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import CATEGORY, PRODUCT
from tasks.bench.chain_chunks import Chunks
from tasks.demand import arima, recurrent
from tasks.demand.blend import Weighting, fit_blend
from tasks.demand.calibration import calibrate
from tasks.demand.distribution import Distribution, joined, mixed, stacked
from tasks.demand.ensemble import Recipe, warm
from tasks.demand.metrics import mape
from tasks.demand.panel import Panel
from tasks.demand.regression import Order, explained, largest_units, regress, residuals
from tasks.demand.splits import Fold
from tasks.runtime.memory import cpu_seconds
from tasks.runtime.workers import Workers

log = logging.getLogger("repricer")

TRAINED = 2000  # series whose windows the network is trained on; the number of its gradient steps is fixed

Facts = dict[str, Any]
"""What a stage reports beside its seconds and its memory."""


def forecast_arima(
    chunks: Chunks, folds: Sequence[Fold], order: Order, fitted: int, pool: Workers
) -> tuple[list[Distribution], Facts]:
    """Return forecasts of the regressions from every origin; the ARIMA of a sample of series is fitted.

    Args:
        chunks: the chain.
        folds: origins in the order of time.
        order: of the ARIMA.
        fitted: series of the sample.
        pool: processes that fit.
    """
    facts: Facts = {"fitted_series": fitted, "fit_cpu_seconds": 0.0, "filter_cpu_seconds": 0.0}
    parts = []
    for panel, sample in zip(chunks, chunks.spread(fitted), strict=True):
        parts.append(_arima_of_chunk(panel, sample, folds, order, pool=pool, clock=facts))
        log.info("arima: a chunk of %d series", len(panel.series))
    facts["fit_cpu_ms_per_fitted_series"] = 1000 * facts["fit_cpu_seconds"] / fitted
    return _by_fold(parts), facts


def _arima_of_chunk(
    panel: Panel, sample: np.ndarray, folds: Sequence[Fold], order: Order, *, pool: Workers, clock: Facts
) -> list[Distribution]:
    """Return the forecasts of a chunk from every origin; only the series in the sample have an ARIMA."""
    parameters, forecasts = None, []
    for fold in folds:
        slopes = regress(panel, fold.origin, order)
        errors = residuals(panel, slopes, fold.origin)
        begin = cpu_seconds()
        if parameters is None:
            fits = pool.over_rows("arima fits", arima.fit_errors, (errors[sample],), order)
            parameters = np.full((len(errors), fits[0].parameters.shape[1]), np.nan)
            parameters[sample] = np.concatenate([part.parameters for part in fits])
            clock["fit_cpu_seconds"] += cpu_seconds() - begin
            begin = cpu_seconds()
        steps, gap = fold.targets.stop - 1 - fold.origin, fold.targets.start - 1 - fold.origin
        ahead = pool.over_rows("arima forecasts", arima.forecast_errors, (errors, parameters), order, steps)
        clock["filter_cpu_seconds"] += cpu_seconds() - begin
        mean, deviation = (
            np.concatenate([getattr(part, name) for part in ahead])[:, gap:] for name in ("mean", "deviation")
        )
        level = explained(slopes, panel.known[:, fold.targets]) + mean
        forecasts.append(arima.distribution(level, deviation, largest_units(panel, fold.origin)))
    return forecasts


def forecast_network(
    chunks: Chunks, folds: Sequence[Fold], recipe: Recipe, horizon: int, seed: int
) -> tuple[list[Distribution], Facts]:
    """Return one network's forecasts from every origin; it is trained on a sample of the series.

    Args:
        chunks: the chain.
        folds: origins in the order of time.
        recipe: of the network.
        horizon: targets of a fold (weeks).
        seed: root of the network.
    """
    begin = cpu_seconds()
    sample = chunks.sample(min(TRAINED, len(chunks.units)))
    scaling = recurrent.scaling_of(sample, folds[0].origin)
    weights = _trained(sample, scaling, folds, recipe, horizon=horizon, seed=seed)
    facts: Facts = {
        "trained_series": len(sample.series),
        "train_cpu_seconds": cpu_seconds() - begin,
        "networks": 1,
    }
    products, begin = pd.Index(sample.series[PRODUCT].unique()), cpu_seconds()
    parts = [
        _network_of_chunk(
            panel,
            products.get_indexer(panel.series[PRODUCT]),
            folds,
            weights,
            window=recipe.shape.window,
            trained=scaling,
        )
        for panel in chunks
    ]
    facts["forecast_cpu_ms_per_series"] = 1000 * (cpu_seconds() - begin) / len(chunks.units)
    return _by_fold(parts), facts


def _trained(
    sample: Panel,
    scaling: recurrent.Scaling,
    folds: Sequence[Fold],
    recipe: Recipe,
    *,
    horizon: int,
    seed: int,
) -> list[recurrent.Weights]:
    """Train a network from origin to origin and return its weights at all of them."""
    from tasks.demand.lstm import Network

    network = Network(sample, scaling, recipe.shape, gap=recipe.gap, horizon=horizon, seed=seed)
    weights: list[recurrent.Weights] = []
    for number, fold in enumerate(folds):
        for _ in network.train(fold.origin, warm(recipe.plan) if number else recipe.plan, seed + number):
            pass
        weights.append(network.weights())
    return weights


def _network_of_chunk(
    panel: Panel,
    products: np.ndarray,
    folds: Sequence[Fold],
    weights: Sequence[recurrent.Weights],
    *,
    window: int,
    trained: recurrent.Scaling,
) -> list[Distribution]:
    """Return a network's forecasts of a chunk from every origin; spreads are those of the training.

    Args:
        panel: of the chunk.
        products: rows of the embedding (series,).
        folds: origins.
        weights: at the origins.
        window: weeks that the encoder reads.
        trained: scaling of the training.
    """
    spreads = {"past_spread": trained.past_spread, "known_spread": trained.known_spread}
    scaling = replace(recurrent.scaling_of(panel, folds[0].origin), **spreads)
    history, known = scaling.history(panel), scaling.known(panel.known)
    forecasts = []
    for fold, at_origin in zip(folds, weights, strict=True):
        state = recurrent.encode(at_origin, history[:, fold.origin + 1 - window : fold.origin + 1])
        forecasts.append(recurrent.decode(at_origin, state, known[:, fold.targets], scaling.level, products))
    return forecasts


def score_blend(
    chunks: Chunks,
    folds: Sequence[Fold],
    members: tuple[list[Distribution], list[Distribution]],
    weighting: Weighting,
    mape_units: float,
) -> Facts:
    """Calibrate both members, fit the blend on all folds but the last, and score that fold.

    Args:
        chunks: the chain.
        folds: origins in the order of time.
        members: forecasts of ARIMA and of the network from every origin.
        weighting: of the blend.
        mape_units: least units that enter the MAPE (units/week).
    """
    fitted = [fold for fold in folds if not fold.held_out]
    units = np.concatenate([chunks.units[:, fold.targets] for fold in fitted], axis=1)
    past = [joined(forecasts[:-1]) for forecasts in members]
    corrections = [calibrate(units, forecast) for forecast in past]
    first, second = (correct(forecast) for correct, forecast in zip(corrections, past, strict=True))
    now = [correct(forecasts[-1]) for correct, forecasts in zip(corrections, members, strict=True)]
    categories = chunks.series[CATEGORY].to_numpy()
    origins = np.repeat([fold.number for fold in fitted], units.shape[1] // len(fitted))
    blend = fit_blend(units, (first, second), weighting, categories=categories, origins=origins)
    weights = blend.weights(categories)
    correct = calibrate(units, mixed(weights, first, second, blend.in_logs))
    final = correct(mixed(weights, now[0], now[1], blend.in_logs))
    sold = chunks.units[:, folds[-1].targets]
    errors = [mape(sold, forecast.relative_median, mape_units) for forecast in (*now, final)]
    return {
        "lambda": blend.weight,
        "held_out_mape": dict(zip(("arima", "lstm", "blend"), errors, strict=True)),
    }


def _by_fold(parts: list[list[Distribution]]) -> list[Distribution]:
    """Put the series of all chunks below each other, for every fold."""
    return [stacked(fold) for fold in zip(*parts, strict=True)]
