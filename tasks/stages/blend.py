"""Stage: blends the members and scores them beside the baselines; keeps the model and its outlook."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import cast

import pandas as pd

from conf import Settings
from expectations.columns import MEAN, MODEL, UNITS
from expectations.product_names import product_names
from tasks.demand import figures
from tasks.demand.combination import Combination, Fit, Rules, combine
from tasks.demand.coverage import coverage_metrics, coverage_sentences, randomised_coverage
from tasks.demand.explanation_figure import explanation
from tasks.demand.history import History
from tasks.demand.paired_error import COLUMNS
from tasks.runtime.artifacts import Artifact, load_arrays, save_arrays, save_json, save_table
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Forecasted, Member, Prepared
from tasks.runtime.track import StageRun, stage_run
from tasks.stages.history import history_of, load_forecasts
from tasks.stages.search import criterion_of

log = logging.getLogger("repricer")


@resumable(name="blend")
def blend(
    attempt: Attempt, settings: Settings, prepared: Prepared, arima: Member, lstm: Member
) -> Forecasted:
    """Fit the weight on the folds, score on the held-out periods, and keep the model and its outlook."""
    with stage_run(attempt, "forecast") as run:
        history, forecast = history_of(settings, prepared), settings.forecast
        rules = Rules(criterion_of(forecast), forecast.blend.grid, forecast.blend.shrinkage)
        result = combine(history, _fit(arima), _fit(lstm), rules)
        _show(run, history, result)
        run.file(_held_out_medians(attempt, result.held_out), "held_out")
        return _keep(attempt, result)


def _fit(member: Member) -> Fit:
    return Fit(load_forecasts(member["forecasts"]), load_arrays(member["served"]))


def _keep(attempt: Attempt, result: Combination) -> Forecasted:
    model, weights = result.model, result.blend
    curve = {
        "weights": weights.grid.tolist(),
        "cost": weights.curve.tolist(),
        "by_category": weights.by_category,
    }
    files = {
        "demand_spec": save_json(model.spec, attempt.path("forecast", "demand_spec.json")),
        "demand_arrays": save_arrays(model.arrays, attempt.path("forecast", "demand_arrays.npz")),
        "demand_history": save_table(model.history, attempt.path("forecast", "demand_history.parquet")),
    }
    return {
        "scores": result.scores,
        "coverage": randomised_coverage(result.transforms),
        "lambda": weights.weight,
        "held_out": save_table(result.held_out, attempt.path("forecast", "held_out.parquet")),
        "folds": save_table(result.folds, attempt.path("forecast", "folds.parquet")),
        "curve": save_json(curve, attempt.path("forecast", "curve.json")),
        "outlook": save_table(result.outlook, attempt.path("forecast", "outlook.parquet")),
        "explained": save_table(result.explained, attempt.path("forecast", "explained.parquet")),
        "model_files": files,
    }


def _held_out_medians(attempt: Attempt, held_out: pd.DataFrame) -> Artifact:
    """Keep the held-out forecasts of the blend, so that a later version is compared on the same periods."""
    medians = held_out.loc[held_out[MODEL] == "blend", COLUMNS]
    return save_table(medians, attempt.path("forecast", "blend.parquet"))


def _largest_misses(held_out: pd.DataFrame) -> pd.DataFrame:
    """Return the held-out forecasts of the blend, the largest error first."""
    blend = held_out[held_out[MODEL] == "blend"]
    return blend.loc[(blend[UNITS] - blend[MEAN]).abs().sort_values(ascending=False).index]


def _show(run: StageRun, history: History, result: Combination) -> None:
    weights, held_out = result.blend, result.held_out
    coverage = randomised_coverage(result.transforms)
    metrics = {
        f"forecast.{name}.{score}": value
        for name, row in result.scores.items()
        for score, value in cast("Mapping[str, float | None]", row).items()
    }
    metrics |= coverage_metrics(coverage, "forecast.") | {"forecast.lambda": weights.weight}
    run.metrics(metrics, headline=True)
    run.metrics({"forecast.lambda_low": weights.low, "forecast.lambda_high": weights.high})
    run.metrics({"forecast.counted_series": float(result.counts.counted.sum())})
    run.preview(_largest_misses(held_out), "largest_forecast_errors")
    run.figure(figures.bands(history.sales, held_out), "forecast_bands.png")
    run.figure(figures.error_by_horizon(held_out), "error_by_horizon.png")
    run.figure(figures.error_by_category(held_out), "error_by_category.png")
    run.figure(
        figures.weight_curve(weights.grid, weights.curve, weights.weight, weights.by_category),
        "blend_weight.png",
    )
    run.figure(figures.probability_transforms(result.transforms), "coverage.png")
    of_blend = result.explained[result.explained[MODEL] == "blend"]
    run.figure(explanation(of_blend, product_names(history.sales)), "forecast_explained.png")
    for name, row in result.scores.items():
        log.info(
            "held out, %s: WAPE %.4f, pinball %.4f, coverage of 80 %%: %.3f",
            name,
            row["wape"],
            row["pinball"],
            row["coverage_80"],
        )
    for sentence in coverage_sentences(coverage):
        log.info(sentence)
