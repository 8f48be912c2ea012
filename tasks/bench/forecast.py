"""Benchmark of the forecasters by a published protocol: every round is forecast from its past alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import CATEGORY, DATE
from tasks.bench.forecast_rounds import MODELS, Evaluation, Round, forecasts_of, scored_round, scores_of
from tasks.bench.protocols import PROTOCOLS, Protocol, ProtocolError
from tasks.demand.blend import Weighting, relative_cost
from tasks.demand.features import build_features
from tasks.demand.panel import Panel, panel_of
from tasks.demand.regression import Order
from tasks.demand.splits import Fold
from tasks.runtime.memory import peak_memory
from tasks.runtime.seeds import seed_of
from tasks.runtime.tune import Journal, Search
from tasks.runtime.workers import Workers, workers
from tasks.stages.fit_arima import search_order
from tasks.stages.fit_lstm import recipe_of, search_network
from tasks.stages.sales import accepted_sales


def bench_forecast(
    settings: Settings,
    protocol: str,
    first: int,
    last: int,
    *,
    folder: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Forecast the rounds and score them.

    Args:
        settings: source, features and forecasters; the horizon and the gap are the protocol's.
        protocol: name in ``PROTOCOLS``.
        first, last: rounds, both included.
        folder: where a search keeps its trials.
        say: shows a line about every round.

    Raises:
        ProtocolError: no such protocol or round.
    """
    rules = _rules(protocol, first, last)
    with peak_memory() as peak, workers() as pool:
        panel, folds = _laid_out(settings, rules, first, last)
        searches = _searches(settings, panel, _known(folds, first), folder, pool)
        begin = time.monotonic()
        evaluation = _evaluation(settings, panel, folds, searches, pool)
        rounds, total = _scored(evaluation, [fold for fold in folds if fold.number >= first], say)
        total |= {
            "seconds": time.monotonic() - begin,
            "peak_memory_mb": peak.sample(),
            "arima_cpu_ms_per_series_round": evaluation.forecasts.arima_cpu_ms,
        }
    chosen = {name: _chosen(search) for name, search in searches.items()}
    return {"rounds": rounds, "total": total, "chosen": chosen}


def _rules(name: str, first: int, last: int) -> Protocol:
    if name not in PROTOCOLS:
        raise ProtocolError(f"protocol: there is no {name!r}. Known: {', '.join(PROTOCOLS)}")
    if not 1 <= first <= last <= PROTOCOLS[name].rounds:
        raise ProtocolError(
            f"rounds: {name} has rounds 1 to {PROTOCOLS[name].rounds}. Received: {first}-{last}."
        )
    return PROTOCOLS[name]


def _laid_out(settings: Settings, rules: Protocol, first: int, last: int) -> tuple[Panel, tuple[Fold, ...]]:
    """Return the panel, cut after the last target, and the folds: those to fit on, then the rounds."""
    sales = accepted_sales(settings).sales
    dates = pd.DatetimeIndex(sorted(sales[DATE].unique()))
    dates = pd.date_range(dates[0], dates[-1], freq="7D", unit="us")
    earlier = settings.forecast.folds + rules.gap + rules.horizon - rules.step
    folds = rules.folds(dates, first - earlier, last)
    sales = sales[sales[DATE] <= dates[folds[-1].targets.stop - 1]]
    if CATEGORY not in sales:
        sales = sales.assign(**{CATEGORY: "all"})
    features = settings.prepare.features
    table = build_features(sales, features.lags, features.windows, settings.source.period, features.rivals)
    return panel_of(sales, table.frame, table.past, table.known, [CATEGORY]), folds


def _known(folds: Sequence[Fold], first: int) -> list[Fold]:
    """Return the folds whose targets are known in the first round."""
    origin = next(fold.origin for fold in folds if fold.number == first)
    return [fold for fold in folds if fold.targets.stop - 1 <= origin]


def _searches(
    settings: Settings, panel: Panel, known: Sequence[Fold], folder: Path, pool: Workers
) -> dict[str, Search]:
    """Return the parameters of both members: searched on the known folds, or those of the settings."""
    return {
        "arima": search_order(
            settings.forecast,
            panel,
            known,
            journal=Journal(folder / "arima.journal"),
            seed=seed_of(settings.seed, "forecast.arima"),
            pool=pool,
        ),
        "lstm": search_network(
            settings.forecast,
            panel,
            known,
            journal=Journal(folder / "lstm.journal"),
            seed=seed_of(settings.seed, "forecast.lstm.search"),
        ),
    }


def _evaluation(
    settings: Settings, panel: Panel, folds: Sequence[Fold], searches: dict[str, Search], pool: Workers
) -> Evaluation:
    """Forecast from every origin and return what the rounds are scored on."""
    forecast = settings.forecast
    order = Order(**searches["arima"].params)
    recipe = recipe_of(forecast).tuned(searches["lstm"].params)
    seed = seed_of(settings.seed, "forecast.lstm")
    return Evaluation(
        panel=panel,
        folds=folds,
        forecasts=forecasts_of(panel, folds, order, recipe, seed=seed, pool=pool),
        weighting=Weighting(
            forecast.blend.grid, forecast.blend.shrinkage, relative_cost(forecast.mape_units)
        ),
        fitted=forecast.folds,
        mape_units=forecast.mape_units,
    )


def _scored(
    evaluation: Evaluation, folds: Sequence[Fold], say: Callable[[str], None]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the scores of every round, as they are written, and those of all rounds together."""
    rounds, forecasts = [], []
    for fold in folds:
        scored, calibrated = scored_round(evaluation, fold)
        rounds.append(_renamed(scored))
        forecasts.append(calibrated)
        say(_line(scored))
    points = int(np.isfinite(evaluation.units(folds)).sum())
    return rounds, {"points": points, "scores": scores_of(evaluation, folds, forecasts)}


def _chosen(search: Search) -> dict[str, Any]:
    """Return a search as it is written, errors in percent."""
    return {
        "params": search.params,
        "validation_mape": None if np.isnan(search.score) else 100 * search.score,
        "trials": [
            {"number": t.number, "params": t.params, "mape": t.score and 100 * t.score, "state": t.state}
            for t in search.trials
        ],
    }


def _renamed(scored: Round) -> dict[str, Any]:
    """Return a round as it is written; ``lambda`` cannot be a name in Python."""
    written = {"weight": "lambda", "weight_interval": "lambda_interval"}
    return {written.get(name, name): value for name, value in scored.items()}


def _line(scored: Round) -> str:
    mapes = ", ".join(f"{name} {scored['scores'][name]['mape']:.2f}" for name in MODELS)
    weight, seconds = scored["weight"], scored["seconds"]
    return f"round {scored['round']}: MAPE % {mapes}; lambda {weight:.2f}; {seconds:.0f} s"
