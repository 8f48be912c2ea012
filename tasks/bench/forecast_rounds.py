"""Rounds of a forecasting benchmark: forecasts from all origins; calibration, blend and scores of a round."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import TypedDict

from expectations.columns import CATEGORY
from tasks.demand import baselines, ensemble
from tasks.demand.arima_fit import Filtered, filter_through
from tasks.demand.blend import Blend, Weighting, fit_blend
from tasks.demand.calibration import calibrate
from tasks.demand.distribution import Distribution, joined, mixed
from tasks.demand.ensemble import Recipe
from tasks.demand.metrics import scores
from tasks.demand.panel import Panel
from tasks.demand.regression import Order
from tasks.demand.splits import Fold
from tasks.runtime.memory import cpu_seconds
from tasks.runtime.workers import Workers

log = logging.getLogger("repricer")

MODELS = ("naive", "seasonal_naive", "ets", "arima", "lstm", "blend")
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


@dataclass(frozen=True)
class Forecasts:
    """Forecasts of every origin, not yet calibrated.

    Attributes:
        raw: by model, from every origin.
        seconds: that the origins took (origins,).
        arima_cpu_ms: processor time of ARIMA (ms/series and origin).
    """

    raw: dict[str, list[Distribution]]
    seconds: np.ndarray
    arima_cpu_ms: float


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What rounds are scored on.

    Attributes:
        panel: sales and features.
        folds: origins to fit on, then the rounds.
        forecasts: from all of them.
        weighting: of the blend.
        fitted: origins before a round on which it is calibrated and blended.
        mape_units: least units that enter the MAPE (units/period).
    """

    panel: Panel
    folds: Sequence[Fold]
    forecasts: Forecasts
    weighting: Weighting
    fitted: int
    mape_units: float

    @property
    def places(self) -> dict[int, int]:
        """Return the place of every fold by its number."""
        return {fold.number: place for place, fold in enumerate(self.folds)}

    def units(self, folds: Sequence[Fold]) -> np.ndarray:
        """Return what sold at the targets of some folds (series, folds * horizon)."""
        return np.concatenate([self.panel.units[:, fold.targets] for fold in folds], axis=1)


def forecasts_of(
    panel: Panel, folds: Sequence[Fold], order: Order, recipe: Recipe, *, seed: int, pool: Workers
) -> Forecasts:
    """Return the forecasts of all models from every origin, each made of its past alone.

    Args:
        panel: sales and features.
        folds: origins in the order of time.
        order: of the ARIMA.
        recipe: of the networks.
        seed: root of the networks.
        pool: processes that fit.
    """
    seconds, of_arima = np.zeros(len(folds)), []
    spent_before = cpu_seconds()
    for number, (step, spent) in enumerate(_timed(filter_through(panel, folds, order, pool))):
        log.info("arima: origin %d of %d", number + 1, len(folds))
        of_arima.append(step.demand)
        seconds[number] = spent
    arima_cpu_ms = 1000 * (cpu_seconds() - spent_before) / (len(folds) * len(panel.series))
    members = ensemble.train_members(panel, folds, recipe, seed, pool)
    seconds += np.array([member.seconds for member in members]).sum(axis=0) / pool.cores
    past = [panel.units[:, : fold.origin + 1] for fold in folds]
    first = folds[0]
    ahead = (first.targets.start - first.origin - 1, first.targets.stop - first.targets.start)
    raw = {
        "naive": [baselines.seasonal_naive(units, 1, *ahead) for units in past],
        "seasonal_naive": [baselines.seasonal_naive(units, baselines.YEAR, *ahead) for units in past],
        "ets": [baselines.ets(units, 1, *ahead) for units in past],
        "arima": of_arima,
        "lstm": ensemble.averaged(members),
    }
    return Forecasts(raw, seconds, arima_cpu_ms)


def _timed(steps: Iterator[Filtered]) -> Iterator[tuple[Filtered, float]]:
    begin = time.monotonic()
    for step in steps:
        yield step, time.monotonic() - begin
        begin = time.monotonic()


def scored_round(evaluation: Evaluation, fold: Fold) -> tuple[Round, dict[str, Distribution]]:
    """Calibrate and blend on the origins whose targets the round knows; return its scores and forecasts."""
    begin, place = time.monotonic(), evaluation.places[fold.number]
    now, blend = _calibrated(evaluation, fold)
    seconds = evaluation.forecasts.seconds[place] + time.monotonic() - begin
    earlier = [f for f in evaluation.folds if f.held_out and f.number < fold.number]
    if not earlier:  # the first round pays for the origins before it
        seconds += evaluation.forecasts.seconds[:place].sum()
    result = Round(
        round=fold.number,
        points=int(np.isfinite(evaluation.units([fold])).sum()),
        scores=scores_of(evaluation, [fold], [now]),
        weight=blend.weight,
        weight_interval=(blend.low, blend.high),
        blend_in_logs=blend.in_logs,
        seconds=float(seconds),
    )
    return result, now


def _calibrated(evaluation: Evaluation, fold: Fold) -> tuple[dict[str, Distribution], Blend]:
    """Return the round's calibrated forecasts by model, and the blend among them."""
    places, raw = evaluation.places, evaluation.forecasts.raw
    fitted = [f for f in evaluation.folds if f.targets.stop - 1 <= fold.origin][-evaluation.fitted :]
    units = evaluation.units(fitted)
    past = {name: joined([forecasts[places[f.number]] for f in fitted]) for name, forecasts in raw.items()}
    calibrations = {name: calibrate(units, forecast) for name, forecast in past.items()}
    now = {name: calibrations[name](forecasts[places[fold.number]]) for name, forecasts in raw.items()}
    past = {name: calibrations[name](forecast) for name, forecast in past.items()}
    categories = evaluation.panel.series[CATEGORY].to_numpy()
    blend = fit_blend(
        units,
        (past["arima"], past["lstm"]),
        evaluation.weighting,
        categories=categories,
        origins=np.repeat([f.number for f in fitted], units.shape[1] // len(fitted)),
    )
    weights = blend.weights(categories)
    mixed_past = mixed(weights, past["arima"], past["lstm"], blend.in_logs)
    now["blend"] = calibrate(units, mixed_past)(mixed(weights, now["arima"], now["lstm"], blend.in_logs))
    return now, blend


def scores_of(
    evaluation: Evaluation, folds: Sequence[Fold], forecasts: Sequence[dict[str, Distribution]]
) -> dict[str, Row]:
    """Return the scores of every model over all targets of some folds; shares in percent."""
    units = evaluation.units(folds)
    scale = baselines.naive_scale(evaluation.panel.units[:, : folds[0].origin + 1], 1)
    rows: dict[str, Row] = {}
    for name in MODELS:
        forecast = joined([by_model[name] for by_model in forecasts])
        row = scores(units, forecast, scale, evaluation.mape_units)
        rows[name] = {key: _percent(key, value) for key, value in row.items()}  # type: ignore[arg-type]
    return rows


def _percent(name: str, value: float | None) -> float | None:
    return 100 * value if value is not None and name in PERCENT else value
