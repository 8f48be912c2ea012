"""Task: blend the members, score everything beside the baselines, and tell what lies ahead."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import CATEGORY, DATE, HORIZON, MEAN, MODEL, ORIGIN, SERIES, UNITS
from tasks.demand import baselines
from tasks.demand.blend import Blend, absolute_cost, fit_blend, relative_cost
from tasks.demand.calibration import Calibration, calibrate
from tasks.demand.distribution import Distribution, mixed
from tasks.demand.metrics import Scores, scores
from tasks.demand.model import DemandModel, long
from tasks.demand.splits import Fold
from tasks.runtime.artifacts import Artifact, load_arrays, save_arrays, save_json, save_table
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Forecasted, Member, Prepared
from tasks.runtime.track import StageRun
from tasks.stages.history import History, history_of, joined, load_forecasts

log = logging.getLogger("repricer")

MEMBERS = ("arima", "lstm")
EXPLAINED = 6  # series whose outlook is explained in every retraining


class Judged(TypedDict):
    """Calibrated forecasts from every origin inside the data, by model, and how they were calibrated."""

    forecasts: dict[str, list[Distribution]]
    calibrations: dict[str, Calibration]


@resumable(name="blend")
def blend(
    attempt: Attempt, settings: Settings, prepared: Prepared, arima: Member, lstm: Member
) -> Forecasted:
    """Fit the weight on the folds, score all models on the held-out periods, and write the model and its outlook."""
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "forecast") as run:
        history = history_of(settings, prepared)
        fitted = load_arrays(arima["served"])["fitted"]
        raw = {
            **_baselines(settings, history),
            "arima": load_forecasts(arima["forecasts"]),
            "lstm": load_forecasts(lstm["forecasts"]),
        }
        judged = _calibrated(history, raw)
        found, weights = _blended(settings, history, judged, fitted)
        result = _scores(settings, history, judged)
        files = _model_files(attempt, settings, history, judged, found.in_logs, weights, arima, lstm)
        tables = {
            name: _long(history, judged, folds)
            for name, folds in (("held_out", history.held_out), ("folds", history.fitted))
        }
        curve = {
            "weights": found.grid.tolist(),
            "cost": found.curve.tolist(),
            "by_category": found.by_category,
        }
        model = _model(files)
        outlook = model.outlook()
        explained = _explained(model, outlook)
        _track(run, history, result, found, tables["held_out"], explained)
        return {
            "scores": result,
            "lambda": found.weight,
            "held_out": save_table(tables["held_out"], attempt.path("forecast", "held_out.parquet")),
            "folds": save_table(tables["folds"], attempt.path("forecast", "folds.parquet")),
            "curve": save_json(curve, attempt.path("forecast", "curve.json")),
            "outlook": save_table(outlook, attempt.path("forecast", "outlook.parquet")),
            "explained": save_table(explained, attempt.path("forecast", "explained.parquet")),
            "model_files": files,
        }


def _baselines(settings: Settings, history: History) -> dict[str, list[Distribution]]:
    told, season = settings.forecast, _season(settings, history)
    units = [history.panel.units[:, : fold.origin + 1] for fold in history.folds]
    return {
        "seasonal_naive": [baselines.seasonal_naive(past, season, told.gap, told.horizon) for past in units],
        "ets": [baselines.ets(past, season, told.gap, told.horizon) for past in units],
    }


def _season(settings: Settings, history: History) -> int:
    return baselines.season_of(settings.source.period, history.folds[0].origin + 1)


def _calibrated(history: History, raw: dict[str, list[Distribution]]) -> Judged:
    """Calibrate every model on the folds, the baselines too."""
    judged = Judged(forecasts={}, calibrations={})
    for name, forecasts in raw.items():
        _add(judged, name, history, forecasts)
    return judged


def _add(judged: Judged, name: str, history: History, forecasts: list[Distribution]) -> None:
    correct = calibrate(
        _units(history, history.fitted), joined([forecasts[fold.number] for fold in history.fitted])
    )
    judged["calibrations"][name] = correct
    judged["forecasts"][name] = [correct(forecast) for forecast in forecasts[: len(history.folds)]]


def _blended(
    settings: Settings, history: History, judged: Judged, fitted: np.ndarray
) -> tuple[Blend, np.ndarray]:
    """Fit the blend on the folds, add it to the models, and return it with the weight of each series; 0 where ARIMA was dropped."""
    told = settings.forecast.blend
    categories = history.panel.series[CATEGORY].to_numpy()
    arima, lstm = (
        joined([judged["forecasts"][name][fold.number] for fold in history.fitted]) for name in MEMBERS
    )
    origins = np.repeat([fold.number for fold in history.fitted], settings.forecast.horizon)
    cost = (
        absolute_cost if settings.forecast.errors == "units" else relative_cost(settings.forecast.mape_units)
    )
    found = fit_blend(
        _units(history, history.fitted), (arima, lstm), categories, origins, told.grid, told.shrinkage, cost
    )
    weights = np.where(fitted, found.weights(categories), 0.0)
    pairs = zip(judged["forecasts"]["arima"], judged["forecasts"]["lstm"], strict=True)
    _add(judged, "blend", history, [mixed(weights, arima, lstm, found.in_logs) for arima, lstm in pairs])
    return found, weights


def _scores(settings: Settings, history: History, judged: Judged) -> dict[str, Scores]:
    scale = baselines.naive_scale(
        history.panel.units[:, : history.folds[0].origin + 1], _season(settings, history)
    )
    units = _units(history, history.held_out)
    held_out = {
        name: joined([all_[fold.number] for fold in history.held_out])
        for name, all_ in judged["forecasts"].items()
    }
    return {
        name: scores(units, forecast, scale, settings.forecast.mape_units)
        for name, forecast in held_out.items()
    }


def _units(history: History, folds: tuple[Fold, ...]) -> np.ndarray:
    return np.concatenate([history.panel.units[:, fold.targets] for fold in folds], axis=1)


def _long(history: History, judged: Judged, folds: tuple[Fold, ...]) -> pd.DataFrame:
    """Return forecasts and what sold, one row per origin, target, series and model."""
    panel = history.panel
    parts = []
    for fold in folds:
        dates = panel.dates[fold.targets]
        keys = panel.series.loc[panel.series.index.repeat(len(dates)), [*SERIES, CATEGORY]].reset_index(
            drop=True
        )
        keys[DATE], keys[HORIZON] = (
            np.tile(dates, len(panel.series)),
            np.tile(np.arange(1, len(dates) + 1), len(panel.series)),
        )
        keys[ORIGIN], keys[UNITS] = panel.dates[fold.origin], panel.units[:, fold.targets].ravel()
        parts += [
            keys.assign(**{MODEL: name}, **long(all_[fold.number]))
            for name, all_ in judged["forecasts"].items()
        ]
    table = pd.concat(parts, ignore_index=True)
    return table.astype({MODEL: "str"})[
        [ORIGIN, HORIZON, DATE, *SERIES, CATEGORY, UNITS, MODEL, *long(judged["forecasts"]["blend"][0])]
    ]


def _model_files(
    attempt: Attempt,
    settings: Settings,
    history: History,
    judged: Judged,
    in_logs: bool,
    weights: np.ndarray,
    arima: Member,
    lstm: Member,
) -> dict[str, Artifact]:
    """Write everything that the registered model needs."""
    spec = {
        "period": settings.source.period,
        "lags": list(settings.prepare.features.lags),
        "windows": list(settings.prepare.features.windows),
        "rivals": settings.prepare.features.rivals,
        "known": list(history.panel.known_names),
        "gap": settings.forecast.gap,
        "horizon": settings.forecast.horizon,
        "blend_in_logs": in_logs,
        "calibration": {
            name: {
                "shift": judged["calibrations"][name].shift.tolist(),
                "factor": judged["calibrations"][name].factor,
            }
            for name in (*MEMBERS, "blend")
        },
    }
    served = {
        f"arima.{name}": values for name, values in load_arrays(arima["served"]).items() if name != "fitted"
    }
    arrays = {"weight": weights, **served, **load_arrays(lstm["served"])}
    return {
        "demand_spec": save_json(spec, attempt.path("forecast", "demand_spec.json")),
        "demand_arrays": save_arrays(arrays, attempt.path("forecast", "demand_arrays.npz")),
        "demand_history": save_table(history.sales, attempt.path("forecast", "demand_history.parquet")),
    }


def _model(files: dict[str, Artifact]) -> DemandModel:
    from tasks.runtime.artifacts import load_json, load_table

    return DemandModel(
        load_json(files["demand_spec"]),
        load_arrays(files["demand_arrays"]),
        load_table(files["demand_history"]),
    )


def _explained(model: DemandModel, outlook: pd.DataFrame) -> pd.DataFrame:
    """Return why the outlook of the series that sell most is what it is, one row per model, series and date."""
    most = outlook.groupby(SERIES)[MEAN].sum().nlargest(EXPLAINED).index
    return model.explain(outlook[pd.MultiIndex.from_frame(outlook[SERIES]).isin(most)])


def _track(
    run: StageRun,
    history: History,
    result: dict[str, Scores],
    found: Blend,
    held_out: pd.DataFrame,
    explained: pd.DataFrame,
) -> None:
    from tasks.demand import figures

    told: dict[str, Any] = {
        f"{score}.{name}": value
        for name, row in result.items()
        for score, value in row.items()
        if value is not None
    }
    run.metrics({**told, "lambda": found.weight, "lambda_low": found.low, "lambda_high": found.high})
    run.figure(figures.bands(history.sales, held_out), "forecast_bands.png")
    run.figure(figures.error_by_horizon(held_out), "error_by_horizon.png")
    run.figure(figures.error_by_category(held_out), "error_by_category.png")
    run.figure(
        figures.weight_curve(found.grid, found.curve, found.weight, found.by_category), "blend_weight.png"
    )
    run.figure(figures.explanation(explained[explained[MODEL] == "blend"]), "forecast_explained.png")
    for name, row in result.items():
        log.info(
            "held out, %s: WAPE %.4f, pinball %.4f, coverage of 80 %%: %.3f",
            name,
            row["wape"],
            row["pinball"],
            row["coverage_80"],
        )
