"""The blend of both members: calibrated, weighed, scored beside the baselines, and served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import CATEGORY, DATE, HORIZON, MEAN, MODEL, ORIGIN, SERIES, UNITS
from tasks.demand import baselines
from tasks.demand.blend import Blend, Weighting, cost_of, fit_blend
from tasks.demand.calibration import Calibration, calibrate
from tasks.demand.counts import Counts
from tasks.demand.counts_fit import SLOW, counts_on_folds, zeros_before
from tasks.demand.coverage import Transforms, transforms_of
from tasks.demand.distribution import Distribution, joined, mixed
from tasks.demand.history import History
from tasks.demand.metrics import Criterion, Scores, scores
from tasks.demand.model import DemandModel, long
from tasks.demand.splits import Fold

MEMBERS = ("arima", "lstm")
EXPLAINED = 6  # series whose outlook is explained, those that sell most


@dataclass(frozen=True)
class Rules:
    """How the members are blended.

    Attributes:
        criterion: error that counts.
        grid: number of weights between 0 and 1 that are compared.
        shrinkage: pull of a category towards the global weight (forecasts).
    """

    criterion: Criterion
    grid: int
    shrinkage: float


@dataclass(frozen=True)
class Fit:
    """What a member brings.

    Attributes:
        forecasts: from every origin of the history.
        served: what forecasts from the last origin, by name.
    """

    forecasts: list[Distribution]
    served: Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Combination:
    """The blend, its scores and its model.

    Attributes:
        scores: of every model on the held-out periods.
        transforms: probability integral transforms of what sold there, under the blend.
        blend: the weights.
        counts: the series that are forecast as counts.
        held_out, folds: forecasts and units of the held-out folds and of the others, long.
        model: what is registered.
        outlook: its forecast of the periods ahead at the price in force.
        explained: why the outlook of the series that sell most is what it is, by model, series and date.
    """

    scores: dict[str, Scores]
    transforms: Transforms
    blend: Blend
    counts: Counts
    held_out: pd.DataFrame
    folds: pd.DataFrame
    model: DemandModel
    outlook: pd.DataFrame
    explained: pd.DataFrame


@dataclass(frozen=True)
class Calibrated:
    """A model, calibrated on the folds.

    Attributes:
        calibration: the correction.
        forecasts: corrected, from every origin inside the data.
    """

    calibration: Calibration
    forecasts: list[Distribution]


def combine(history: History, arima: Fit, lstm: Fit, rules: Rules) -> Combination:
    """Calibrate all models on the folds, blend the members there, and score all on the held-out periods.

    Args:
        history: sales, features and origins.
        arima: the regressions; its ``served`` says in ``fitted`` which series have an ARIMA (series,).
        lstm: the networks.
        rules: of the blend.
    """
    raw = {**_baselines(history), "arima": arima.forecasts, "lstm": lstm.forecasts}
    models = {name: _calibrated(history, forecasts) for name, forecasts in raw.items()}
    blend = _blend(history, models, rules)
    fitted = arima.served["fitted"]
    weights = np.where(fitted, blend.weights(history.panel.series[CATEGORY].to_numpy()), 0.0)
    pairs = list(zip(models["arima"].forecasts, models["lstm"].forecasts, strict=True))
    models["blend"] = _calibrated(history, [mixed(weights, *pair, blend.in_logs) for pair in pairs])
    arima_forecasts, lstm_forecasts, of_blend = (models[name].forecasts for name in (*MEMBERS, "blend"))
    counts = counts_on_folds(history, arima_forecasts, lstm_forecasts, of_blend, fitted)
    models["blend"] = _counted(models["blend"], counts, pairs)
    arrays = {f"arima.{name}": values for name, values in arima.served.items() if name != "fitted"}
    arrays |= {"weight": weights, **lstm.served, **counts.arrays()}
    model = DemandModel(_spec(history, models, blend.in_logs), arrays, history.sales)
    outlook = model.outlook()
    return Combination(
        scores=_scores(history, models, rules.criterion.mape_units),
        transforms=_transforms(history, models["blend"], counts),
        blend=blend,
        counts=counts,
        held_out=_table(history, models, history.held_out),
        folds=_table(history, models, history.fitted),
        model=model,
        outlook=outlook,
        explained=_explained(model, outlook),
    )


def _baselines(history: History) -> dict[str, list[Distribution]]:
    season, layout = _season(history), history.layout
    units = [history.panel.units[:, : fold.origin + 1] for fold in history.folds]
    return {
        "seasonal_naive": [
            baselines.seasonal_naive(past, season, layout.gap, layout.horizon) for past in units
        ],
        "ets": [baselines.ets(past, season, layout.gap, layout.horizon) for past in units],
    }


def _season(history: History) -> int:
    """Return the length of the season that is known at the first origin (periods)."""
    return baselines.season_of(history.layout.period, history.folds[0].origin + 1)


def _calibrated(history: History, forecasts: Sequence[Distribution]) -> Calibrated:
    units, past = _units(history, history.fitted), [forecasts[fold.number] for fold in history.fitted]
    calibration = calibrate(units, joined(past))
    return Calibrated(calibration, [calibration(forecast) for forecast in forecasts[: len(history.folds)]])


def _blend(history: History, models: Mapping[str, Calibrated], rules: Rules) -> Blend:
    arima, lstm = (
        joined([models[name].forecasts[fold.number] for fold in history.fitted]) for name in MEMBERS
    )
    return fit_blend(
        _units(history, history.fitted),
        (arima, lstm),
        Weighting(rules.grid, rules.shrinkage, cost_of(rules.criterion)),
        categories=history.panel.series[CATEGORY].to_numpy(),
        origins=np.repeat([fold.number for fold in history.fitted], history.layout.horizon),
    )


def _counted(
    blend: Calibrated, counts: Counts, members: Sequence[tuple[Distribution, Distribution]]
) -> Calibrated:
    pairs = zip(blend.forecasts, members, strict=True)
    return replace(blend, forecasts=[counts(forecast, *pair) for forecast, pair in pairs])


def _transforms(history: History, blend: Calibrated, counts: Counts) -> Transforms:
    forecast = joined([blend.forecasts[fold.number] for fold in history.held_out])
    return transforms_of(_units(history, history.held_out), forecast, counts, zeros_before(history) >= SLOW)


def _scores(history: History, models: Mapping[str, Calibrated], mape_units: float) -> dict[str, Scores]:
    known = history.panel.units[:, : history.folds[0].origin + 1]
    scale, units = baselines.naive_scale(known, _season(history)), _units(history, history.held_out)
    held_out = {
        name: joined([model.forecasts[fold.number] for fold in history.held_out])
        for name, model in models.items()
    }
    return {name: scores(units, forecast, scale, mape_units) for name, forecast in held_out.items()}


def _units(history: History, folds: tuple[Fold, ...]) -> np.ndarray:
    """Return what sold at the targets of some folds (series, folds * horizon)."""
    return np.concatenate([history.panel.units[:, fold.targets] for fold in folds], axis=1)


def _table(history: History, models: Mapping[str, Calibrated], folds: tuple[Fold, ...]) -> pd.DataFrame:
    """Return forecasts and what sold, a row per origin, target, series and model."""
    panel, parts = history.panel, []
    for fold in folds:
        dates, count = panel.dates[fold.targets], len(panel.series)
        repeated = panel.series.index.repeat(len(dates))
        rows = panel.series.loc[repeated, [*SERIES, CATEGORY]].reset_index(drop=True)
        rows[DATE] = np.tile(dates, count)
        rows[HORIZON] = np.tile(np.arange(1, len(dates) + 1), count)
        rows[ORIGIN], rows[UNITS] = panel.dates[fold.origin], panel.units[:, fold.targets].ravel()
        parts += [
            rows.assign(**{MODEL: name}, **long(model.forecasts[fold.number]))
            for name, model in models.items()
        ]
    table = pd.concat(parts, ignore_index=True).astype({MODEL: "str"})
    quantiles = long(models["blend"].forecasts[0])
    return table[[ORIGIN, HORIZON, DATE, *SERIES, CATEGORY, UNITS, MODEL, *quantiles]]


def _spec(history: History, models: Mapping[str, Calibrated], in_logs: bool) -> dict[str, Any]:
    """Return what the registered model must know beside its arrays, as JSON."""
    layout = history.layout
    return {
        "period": layout.period,
        "lags": list(layout.lags),
        "windows": list(layout.windows),
        "rivals": layout.rivals,
        "known": list(history.panel.known_names),
        "gap": layout.gap,
        "horizon": layout.horizon,
        "blend_in_logs": in_logs,
        "calibration": {
            name: {
                "shift": models[name].calibration.shift.tolist(),
                "factor": models[name].calibration.factor,
            }
            for name in (*MEMBERS, "blend")
        },
    }


def _explained(model: DemandModel, outlook: pd.DataFrame) -> pd.DataFrame:
    most = outlook.groupby(SERIES)[MEAN].sum().nlargest(EXPLAINED).index
    return model.explain(outlook[pd.MultiIndex.from_frame(outlook[SERIES]).isin(most)])
