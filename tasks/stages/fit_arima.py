"""Task: tune the regressions with ARIMA errors, forecast from every origin, and keep what serves them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from conf import Settings
from expectations.columns import PRODUCT, SERIES
from tasks.demand import arima
from tasks.demand.distribution import Distribution
from tasks.demand.features import RIVAL
from tasks.demand.metrics import mape, wape
from tasks.demand.panel import Panel
from tasks.demand.splits import Fold, before
from tasks.runtime.artifacts import save_arrays
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Member, Prepared
from tasks.runtime.seeds import seed_of
from tasks.runtime.tune import Choice, Integer, Params, Real, Search, SearchPlan, Space, tune
from tasks.runtime.workers import Workers, workers
from tasks.stages.history import history_of, save_forecasts

log = logging.getLogger("repricer")

# what the stores of a product tell together; one series alone has too few promotions to tell how they meet a price
SHARED: Space = {
    "product_shrinkage": Real(100.0, 30_000.0),
    "shock": Real(0.01, 3.0),
    "promoted_price": Choice((False, True)),
}


@resumable(name="fit_arima")
def fit_arima(attempt: Attempt, settings: Settings, prepared: Prepared) -> Member:
    """Search orders and shrinkage before the first fold, fit there, and filter on from origin to origin."""
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "forecast") as run, workers() as pool:
        history = history_of(settings, prepared)
        journal = attempt.path("forecast", "arima.journal")
        search = search_order(journal, settings, history.panel, [before(history.folds[0])], pool)
        steps = list(filter_through(history.panel, history.origins, arima.Order(**search.params), pool))
        names = [" / ".join(row) for row in history.panel.series[SERIES].itertuples(index=False)]
        dropped = {
            name: reason for name, reason in zip(names, steps[-1].fitted.reasons, strict=True) if reason
        }
        for trial in search.trials:
            run.trial(
                "arima",
                trial.number,
                trial.params,
                {} if trial.score is None else {"wape": trial.score},
                trial.state,
            )
        run.params({f"arima.{name}": value for name, value in search.params.items()})
        run.metrics({"arima.dropped": len(dropped), "arima.validation_wape": search.score})
        return Member(
            forecasts=save_forecasts([step.demand for step in steps], attempt, "arima"),
            served=save_arrays(
                _served(history.panel, steps[-1], history.now), attempt.path("forecast", "arima.npz")
            ),
            params=search.params,
            dropped=dropped,
        )


def search_order(
    journal: Path, settings: Settings, panel: Panel, folds: Sequence[Fold], pool: Workers
) -> Search:
    """Search on some folds and a sample of the series; without trials, take the settings as they are, without a score."""
    told = settings.forecast.arima
    seed = seed_of(settings.seed, "forecast.arima")
    sample = np.sort(np.random.default_rng(seed).permutation(panel.shape[0])[: told.sample])
    several = panel.series[PRODUCT].nunique() < panel.shape[0]
    rivals = any(name.startswith(RIVAL) for name in panel.known_names)

    def objective(params: Params) -> Iterator[float]:
        order, found = arima.Order(**params), []
        for fold in folds:
            slopes = arima.regress(panel, fold.origin, order)
            errors = arima.residuals(panel, slopes, fold.origin)[sample]
            ahead = _ahead(pool, errors, order, _fit(pool, errors, order).parameters, fold)
            found.append(
                score_of(
                    settings,
                    panel.units[sample][:, fold.targets],
                    _demand(panel, slopes, ahead, fold, sample),
                )
            )
            yield float(np.mean(found))

    space: Space = {
        "p": Integer(0, told.max_p),
        "d": Integer(0, 1),
        "q": Integer(0, told.max_q),
        "shrinkage": Real(5.0, 500.0),
        **(SHARED if several else {}),
        **({"rivals": Choice((False, True))} if rivals else {}),
    }
    initial = {name: getattr(told, name) for name in space}
    initial |= {"p": min(initial["p"], told.max_p), "q": min(initial["q"], told.max_q)}
    if not told.trials:
        return Search(initial, float("nan"), ())
    search = SearchPlan(
        name="arima",
        journal=journal,
        space=space,
        first=initial,
        trials=told.trials,
        seed=seed,
        failures=(np.linalg.LinAlgError,),
    )
    return tune(search, objective)


@dataclass(frozen=True)
class Filtered:
    """ARIMA at one origin: the slopes, the forecast of the errors, the demand that both make, and the parameters behind them."""

    slopes: arima.Slopes
    ahead: arima.Errors
    demand: Distribution
    fitted: arima.Fitted


def filter_through(
    panel: Panel, folds: Sequence[Fold], order: arima.Order, pool: Workers
) -> Iterator[Filtered]:
    """Fit at the first origin; then learn new slopes and filter the errors on from origin to origin."""
    fitted, everything = None, np.arange(panel.shape[0])
    for number, fold in enumerate(folds, start=1):
        slopes = arima.regress(panel, fold.origin, order)
        errors = arima.residuals(panel, slopes, fold.origin)
        fitted = fitted or _fit(pool, errors, order)
        ahead = _ahead(pool, errors, order, fitted.parameters, fold)
        log.info("arima: origin %d of %d", number, len(folds))
        yield Filtered(slopes, ahead, _demand(panel, slopes, ahead, fold, everything), fitted)


def _served(panel: Panel, last: Filtered, now: Fold) -> dict[str, np.ndarray]:
    """Return what forecasts from the last origin, as ``tasks.demand.model`` reads it."""
    return {
        "centre": last.slopes.centre,
        "slope": last.slopes.slope,
        "mean": last.ahead.mean,
        "deviation": last.ahead.deviation,
        "largest": arima.largest_units(panel, now.origin),
        "fitted": np.isfinite(last.fitted.parameters).all(axis=1),
    }


def score_of(settings: Settings, units: np.ndarray, forecast: Distribution) -> float:
    """Return the figure that is asked for: WAPE of the median, or MAPE of the (-1)-median."""
    if settings.forecast.errors == "units":
        return wape(units, forecast.median)
    score = mape(units, forecast.relative_median, settings.forecast.mape_units)
    return float("nan") if score is None else score


def _fit(pool: Workers, errors: np.ndarray, order: arima.Order) -> arima.Fitted:
    parts = pool.over_rows("arima fits", arima.fit_errors, (errors,), order)
    return arima.Fitted(
        np.concatenate([part.parameters for part in parts]),
        [reason for part in parts for reason in part.reasons],
    )


def _ahead(
    pool: Workers, errors: np.ndarray, order: arima.Order, parameters: np.ndarray, fold: Fold
) -> arima.Errors:
    """Return the forecast errors of the regression at the targets (series, horizon)."""
    steps, gap = fold.targets.stop - 1 - fold.origin, fold.targets.start - 1 - fold.origin
    parts = pool.over_rows("arima forecasts", arima.forecast_errors, (errors, parameters), order, steps)
    return arima.Errors(
        np.concatenate([p.mean for p in parts])[:, gap:],
        np.concatenate([p.deviation for p in parts])[:, gap:],
    )


def _demand(
    panel: Panel, slopes: arima.Slopes, ahead: arima.Errors, fold: Fold, rows: np.ndarray
) -> Distribution:
    chosen = arima.Slopes(slopes.centre[rows], slopes.slope[rows])
    level = arima.explained(chosen, panel.known[rows][:, fold.targets]) + ahead.mean
    return arima.distribution(level, ahead.deviation, arima.largest_units(panel, fold.origin)[rows])
