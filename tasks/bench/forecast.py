"""Benchmark of the forecasters by a published protocol: every round is forecast from its own past alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import CATEGORY, DATE
from tasks.bench.protocols import PROTOCOLS, Protocol, ProtocolError
from tasks.demand import arima, baselines
from tasks.demand.blend import Blend, fit_blend, relative_cost
from tasks.demand.calibration import calibrate
from tasks.demand.distribution import Distribution, mixed
from tasks.demand.ensemble import averaged
from tasks.demand.features import build_features
from tasks.demand.metrics import scores
from tasks.demand.panel import Panel, panel_of
from tasks.demand.splits import Fold
from tasks.runtime.memory import PeakMemory, cpu_seconds, peak_memory
from tasks.runtime.workers import Workers, workers
from tasks.stages import fit_arima, fit_lstm
from tasks.stages.history import joined
from tasks.stages.sales import accepted_sales

log = logging.getLogger("repricer")

MEMBERS = ("arima", "lstm")
ORDER = ("naive", "seasonal_naive", "ets", "arima", "lstm", "blend")
PERCENT = ("mape", "wape", "bias", "coverage_80")

Row = dict[str, float | None]


class Round(TypedDict):
    """One round of the protocol; shares and relative errors in percent."""

    round: int
    points: int
    scores: dict[str, Row]
    weight: float
    weight_interval: tuple[float, float]
    blend_in_logs: bool
    seconds: float


@dataclass
class Forecasts:
    """Forecasts of every origin by model, as they were made, seconds of every origin, and ARIMA's processor time (ms/series and origin)."""

    raw: dict[str, list[Distribution]] = field(default_factory=dict)
    seconds: np.ndarray = field(default_factory=lambda: np.zeros(0))
    arima_cpu_ms: float = 0.0


def bench_forecast(
    settings: Settings, protocol: str, first: int, last: int, folder: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Forecast the rounds and score them.

    Args:
        settings: source, features and forecasters; the horizon and the gap are the protocol's.
        protocol: name in ``PROTOCOLS``.
        first, last: rounds, both included.
        folder: where a search keeps its trials.
        say: told about every round.

    Raises:
        ProtocolError: no such protocol or round.
    """
    rules = _rules(protocol, first, last)
    with peak_memory() as peak, workers() as pool:
        panel, folds = _laid_out(settings, rules, first, last)
        chosen = _chosen(settings, panel, folds, first, folder, pool)
        begin = time.monotonic()
        forecasts = _forecasts(settings, panel, folds, chosen, pool)
        rounds, judged = [], []
        for fold in folds:
            if fold.number >= first:
                told, calibrated = _round(settings, panel, folds, fold, forecasts)
                rounds.append(told)
                judged.append((fold, calibrated))
                say(_line(told))
        total = {
            **_total(settings, panel, judged, time.monotonic() - begin, peak),
            "arima_cpu_ms_per_series_round": forecasts.arima_cpu_ms,
        }
    return {"rounds": [_renamed(told) for told in rounds], "total": total, "chosen": chosen}


def _rules(name: str, first: int, last: int) -> Protocol:
    if name not in PROTOCOLS:
        raise ProtocolError(f"protocol: there is no {name!r}. Known: {', '.join(PROTOCOLS)}")
    if not 1 <= first <= last <= PROTOCOLS[name].rounds:
        raise ProtocolError(
            f"rounds: {name} has rounds 1 to {PROTOCOLS[name].rounds}. Received: {first}-{last}."
        )
    return PROTOCOLS[name]


def _laid_out(settings: Settings, rules: Protocol, first: int, last: int) -> tuple[Panel, tuple[Fold, ...]]:
    """Return the panel, cut after the last target of the last round, and the folds: those to fit on, then the rounds."""
    sales = accepted_sales(settings).sales
    dates = pd.DatetimeIndex(sorted(sales[DATE].unique()))
    dates = pd.date_range(dates[0], dates[-1], freq="7D", unit="us")
    earlier = settings.forecast.folds + rules.gap + rules.horizon - rules.step
    folds = rules.folds(dates, first - earlier, last)
    sales = sales[sales[DATE] <= dates[folds[-1].targets.stop - 1]]
    if CATEGORY not in sales:
        sales = sales.assign(**{CATEGORY: "all"})
    told = settings.prepare.features
    table = build_features(sales, told.lags, told.windows, settings.source.period, told.rivals)
    return panel_of(sales, table.frame, table.past, table.known, [CATEGORY]), folds


def _chosen(
    settings: Settings, panel: Panel, folds: Sequence[Fold], first: int, folder: Path, pool: Workers
) -> dict[str, dict[str, Any]]:
    """Return the parameters of both members: searched on the weeks known in the first round, or those of the settings."""
    origin = next(fold.origin for fold in folds if fold.number == first)
    known = [fold for fold in folds if fold.targets.stop - 1 <= origin]
    told = {
        "arima": fit_arima.search_order(folder / "arima.journal", settings, panel, known, pool),
        "lstm": fit_lstm.search_network(folder / "lstm.journal", settings, panel, known),
    }
    return {
        name: {
            "params": search.params,
            "validation_mape": None if np.isnan(search.score) else 100 * search.score,
            "trials": [
                {"number": t.number, "params": t.params, "mape": t.score and 100 * t.score, "state": t.state}
                for t in search.trials
            ],
        }
        for name, search in told.items()
    }


def _forecasts(
    settings: Settings, panel: Panel, folds: Sequence[Fold], chosen: dict[str, dict[str, Any]], pool: Workers
) -> Forecasts:
    """Return what every model says from every origin, each from its own past alone."""
    told, told_arima = Forecasts(seconds=np.zeros(len(folds))), []
    order, spent_before = arima.Order(**chosen["arima"]["params"]), cpu_seconds()
    for number, (step, spent) in enumerate(_timed(fit_arima.filter_through(panel, folds, order, pool))):
        told_arima.append(step.demand)
        told.seconds[number] = spent
    told.arima_cpu_ms = 1000 * (cpu_seconds() - spent_before) / (len(folds) * len(panel.series))
    members = fit_lstm.train_members(pool, settings, panel, folds, chosen["lstm"]["params"])
    told.seconds += np.array([member.seconds for member in members]).sum(axis=0) / pool.cores
    past = [panel.units[:, : fold.origin + 1] for fold in folds]
    gap, horizon = (
        folds[0].targets.start - folds[0].origin - 1,
        folds[0].targets.stop - folds[0].targets.start,
    )
    told.raw = {
        "naive": [baselines.seasonal_naive(units, 1, gap, horizon) for units in past],
        "seasonal_naive": [baselines.seasonal_naive(units, baselines.YEAR, gap, horizon) for units in past],
        "ets": [baselines.ets(units, 1, gap, horizon) for units in past],
        "arima": told_arima,
        "lstm": averaged(members),
    }
    return told


def _timed(steps: Iterator[fit_arima.Filtered]) -> Iterator[tuple[fit_arima.Filtered, float]]:
    begin = time.monotonic()
    for step in steps:
        yield step, time.monotonic() - begin
        begin = time.monotonic()


def _round(
    settings: Settings, panel: Panel, folds: Sequence[Fold], fold: Fold, forecasts: Forecasts
) -> tuple[Round, dict[str, Distribution]]:
    """Calibrate and blend on the origins whose targets the round knows, and score its own."""
    begin = time.monotonic()
    told, places = settings.forecast, {f.number: place for place, f in enumerate(folds)}
    fitted = [f for f in folds if f.targets.stop - 1 <= fold.origin][-told.folds :]
    units = np.concatenate([panel.units[:, f.targets] for f in fitted], axis=1)
    past = {name: joined([every[places[f.number]] for f in fitted]) for name, every in forecasts.raw.items()}
    calibrations = {name: calibrate(units, forecast) for name, forecast in past.items()}
    now = {name: calibrations[name](every[places[fold.number]]) for name, every in forecasts.raw.items()}
    past = {name: calibrations[name](forecast) for name, forecast in past.items()}
    blend = _blend(settings, panel, fitted, units, past)
    weights = blend.weights(panel.series[CATEGORY].to_numpy())
    mixed_past = mixed(weights, past["arima"], past["lstm"], blend.in_logs)
    now["blend"] = calibrate(units, mixed_past)(mixed(weights, now["arima"], now["lstm"], blend.in_logs))
    seconds = forecasts.seconds[places[fold.number]] + time.monotonic() - begin
    if not any(
        f.held_out and f.number < fold.number for f in folds
    ):  # the first round pays for the origins before it
        seconds += forecasts.seconds[: places[fold.number]].sum()
    return _scored(settings, panel, [fold], [now], blend, float(seconds)), now


def _blend(
    settings: Settings, panel: Panel, fitted: Sequence[Fold], units: np.ndarray, past: dict[str, Distribution]
) -> Blend:
    told = settings.forecast.blend
    origins = np.repeat([fold.number for fold in fitted], units.shape[1] // len(fitted))
    categories = panel.series[CATEGORY].to_numpy()
    cost = relative_cost(settings.forecast.mape_units)
    return fit_blend(
        units, (past["arima"], past["lstm"]), categories, origins, told.grid, told.shrinkage, cost
    )


def _scored(
    settings: Settings,
    panel: Panel,
    folds: Sequence[Fold],
    forecasts: Sequence[dict[str, Distribution]],
    blend: Blend,
    seconds: float,
) -> Round:
    return Round(
        round=folds[0].number,
        points=int(np.isfinite(panel.units[:, folds[0].targets]).sum()),
        scores=_scores(settings, panel, folds, forecasts),
        weight=blend.weight,
        weight_interval=(blend.low, blend.high),
        blend_in_logs=blend.in_logs,
        seconds=seconds,
    )


def _scores(
    settings: Settings, panel: Panel, folds: Sequence[Fold], forecasts: Sequence[dict[str, Distribution]]
) -> dict[str, Row]:
    """Return the scores of every model over all targets; shares in percent."""
    units = np.concatenate([panel.units[:, fold.targets] for fold in folds], axis=1)
    scale = baselines.naive_scale(panel.units[:, : folds[0].origin + 1], 1)
    told: dict[str, Row] = {}
    for name in ORDER:
        row = scores(units, joined([each[name] for each in forecasts]), scale, settings.forecast.mape_units)
        told[name] = {key: _percent(key, value) for key, value in row.items()}  # type: ignore[arg-type]
    return told


def _percent(name: str, value: float | None) -> float | None:
    return 100 * value if value is not None and name in PERCENT else value


def _total(
    settings: Settings,
    panel: Panel,
    judged: Sequence[tuple[Fold, dict[str, Distribution]]],
    seconds: float,
    peak: PeakMemory,
) -> dict[str, Any]:
    folds, forecasts = [fold for fold, _ in judged], [forecast for _, forecast in judged]
    units = np.concatenate([panel.units[:, fold.targets] for fold in folds], axis=1)
    told = {"points": int(np.isfinite(units).sum()), "scores": _scores(settings, panel, folds, forecasts)}
    return {**told, "seconds": seconds, "peak_memory_mb": peak.sample()}


def _renamed(told: Round) -> dict[str, Any]:
    """Return a round as it is written; ``lambda`` is no name of Python's."""
    row: dict[str, Any] = dict(told)
    return {
        "lambda" if name == "weight" else "lambda_interval" if name == "weight_interval" else name: row[name]
        for name in row
    }


def _line(told: Round) -> str:
    mapes = ", ".join(f"{name} {told['scores'][name]['mape']:.2f}" for name in ORDER)
    return f"round {told['round']}: MAPE % {mapes}; lambda {told['weight']:.2f}; {told['seconds']:.0f} s"
