"""Task: tune the regressions with ARIMA errors, forecast from every origin, and keep what serves them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np

from conf import Settings
from expectations.columns import SERIES
from tasks.artifacts import save_arrays
from tasks.attempt import Attempt, resumable
from tasks.demand import arima
from tasks.demand.distribution import Distribution
from tasks.demand.metrics import wape
from tasks.demand.panel import Panel
from tasks.demand.splits import Fold, before
from tasks.history import History, Member, history_of, save_forecasts
from tasks.prepare import Prepared
from tasks.seeds import seed_of
from tasks.tune import Integer, Params, Real, Search, Space, tune
from tasks.workers import Workers, workers

log = logging.getLogger("repricer")

FIRST = {"p": 1, "d": 0, "q": 1, "shrinkage": 50.0}


@resumable(name="fit_arima")
def fit_arima(attempt: Attempt, settings: Settings, prepared: Prepared) -> Member:
    """Search orders and shrinkage before the first fold, fit there, and filter on from origin to origin."""
    from tasks.track import stage_run

    with stage_run(attempt, "forecast") as run, workers() as pool:
        history = history_of(settings, prepared)
        search = _search(attempt, settings, history, pool)
        order = arima.Order(**search.params)
        forecasts, served, reasons = _forecasts(history, order, pool)
        names = [" / ".join(row) for row in history.panel.series[SERIES].itertuples(index=False)]
        dropped = {name: reason for name, reason in zip(names, reasons, strict=True) if reason}
        for trial in search.trials:
            run.trial("arima", trial.number, trial.params, {} if trial.score is None else {"wape": trial.score}, trial.state)
        run.params({f"arima.{name}": value for name, value in search.params.items()})
        run.metrics({"arima.dropped": len(dropped), "arima.validation_wape": search.score})
        return Member(
            forecasts=save_forecasts(forecasts, attempt, "arima"),
            served=save_arrays(served, attempt.path("forecast", "arima.npz")),
            params=search.params,
            dropped=dropped,
        )


def _search(attempt: Attempt, settings: Settings, history: History, pool: Workers) -> Search:
    told = settings.forecast.arima
    seed = seed_of(settings.seed, "forecast.arima")
    fold = before(history.folds[0])
    sample = np.sort(np.random.default_rng(seed).permutation(history.panel.shape[0])[: told.sample])
    units = history.panel.units[sample][:, fold.targets]

    def objective(params: Params) -> Iterator[float]:
        order = arima.Order(**params)
        slopes = arima.regress(history.panel, fold.origin, order.shrinkage)
        errors = arima.residuals(history.panel, slopes, fold.origin)[sample]
        fitted = _fit(pool, errors, order)
        ahead = _ahead(pool, errors, order, fitted.parameters, fold)
        yield wape(units, _demand(history.panel, slopes, ahead, fold, sample).median)

    space: Space = {"p": Integer(0, told.max_p), "d": Integer(0, 1), "q": Integer(0, told.max_q), "shrinkage": Real(5.0, 500.0)}
    first = {**FIRST, "p": min(FIRST["p"], told.max_p), "q": min(FIRST["q"], told.max_q)}
    return tune("arima", attempt.path("forecast", "arima.journal"), space, first, objective, told.trials, seed, (np.linalg.LinAlgError,))


def _forecasts(history: History, order: arima.Order, pool: Workers) -> tuple[list[Distribution], dict[str, np.ndarray], list[str]]:
    """Return the forecasts from every origin, what serves the last one, and why a series has no ARIMA."""
    panel, everything = history.panel, np.arange(history.panel.shape[0])
    forecasts, fitted, served = [], None, {}
    for fold in history.origins:
        slopes = arima.regress(panel, fold.origin, order.shrinkage)
        errors = arima.residuals(panel, slopes, fold.origin)
        fitted = fitted or _fit(pool, errors, order)
        ahead = _ahead(pool, errors, order, fitted.parameters, fold)
        forecasts.append(_demand(panel, slopes, ahead, fold, everything))
        served = {
            "centre": slopes.centre,
            "slope": slopes.slope,
            "mean": ahead.mean,
            "deviation": ahead.deviation,
            "largest": arima.largest_units(panel, fold.origin),
        }
        log.info("arima: origin %d of %d", fold.number + 1, len(history.origins))
    assert fitted is not None
    return forecasts, {**served, "fitted": np.isfinite(fitted.parameters).all(axis=1)}, fitted.reasons


def _fit(pool: Workers, errors: np.ndarray, order: arima.Order) -> arima.Fitted:
    parts = pool.over_rows("arima fits", arima.fit_errors, (errors,), order)
    return arima.Fitted(np.concatenate([part.parameters for part in parts]), [reason for part in parts for reason in part.reasons])


def _ahead(pool: Workers, errors: np.ndarray, order: arima.Order, parameters: np.ndarray, fold: Fold) -> arima.Errors:
    """Return the forecast errors of the regression at the targets (series, horizon)."""
    steps, gap = fold.targets.stop - 1 - fold.origin, fold.targets.start - 1 - fold.origin
    parts = pool.over_rows("arima forecasts", arima.forecast_errors, (errors, parameters), order, steps)
    return arima.Errors(np.concatenate([p.mean for p in parts])[:, gap:], np.concatenate([p.deviation for p in parts])[:, gap:])


def _demand(panel: Panel, slopes: arima.Slopes, ahead: arima.Errors, fold: Fold, rows: np.ndarray) -> Distribution:
    chosen = arima.Slopes(slopes.centre[rows], slopes.slope[rows])
    level = arima.explained(chosen, panel.known[rows][:, fold.targets]) + ahead.mean
    return arima.distribution(level, ahead.deviation, arima.largest_units(panel, fold.origin)[rows])
