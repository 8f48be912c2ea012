"""Stage: regressions with ARIMA errors, tuned before the first fold, fitted there, filtered on to the end."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import numpy as np

from conf import Settings
from conf.settings import Forecast
from tasks.demand import arima_fit
from tasks.demand.arima_fit import Filtered, Regressions
from tasks.demand.panel import Panel
from tasks.demand.pool import Pool
from tasks.demand.regression import Order
from tasks.demand.splits import Fold, before
from tasks.runtime.artifacts import save_arrays
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Member, Prepared
from tasks.runtime.seeds import seed_of
from tasks.runtime.track import StageRun, stage_run
from tasks.runtime.tune import Choice, Integer, Journal, Params, Real, Search, SearchPlan, Space, tune
from tasks.runtime.workers import workers
from tasks.stages.history import history_of, save_forecasts
from tasks.stages.search import criterion_of, journal_of, show_search

log = logging.getLogger("repricer")

# Searched only where products have several stores: the promotions of one series are too few.
SHARED: Space = {
    "product_shrinkage": Real(100.0, 30_000.0),
    "shock": Real(0.01, 3.0),
    "promoted_price": Choice((False, True)),
}


@resumable(name="fit_arima")
def fit_arima(attempt: Attempt, settings: Settings, prepared: Prepared) -> Member:
    """Search orders and shrinkage before the first fold, fit there, and filter on from origin to origin."""
    with stage_run(attempt, "forecast") as run, workers() as pool:
        history = history_of(settings, prepared)
        search = search_order(
            settings.forecast,
            history.panel,
            [before(history.folds[0])],
            journal=journal_of(run, "arima", attempt.path("forecast", "arima.journal")),
            seed=seed_of(settings.seed, "forecast.arima"),
            pool=pool,
        )
        origins = arima_fit.filter_through(history.panel, history.origins, Order(**search.params), pool)
        result = arima_fit.regressions(history, _logged(origins, len(history.origins)))
        _show(run, search, result)
        return _keep(attempt, search.params, result)


def search_order(
    settings: Forecast, panel: Panel, folds: Sequence[Fold], *, journal: Journal, seed: int, pool: Pool
) -> Search:
    """Search on some folds and a sample of the series; without trials, keep the settings, without a score."""
    limits = settings.arima
    space: Space = {
        "p": Integer(0, limits.max_p),
        "d": Integer(0, 1),
        "q": Integer(0, limits.max_q),
        "shrinkage": Real(5.0, 500.0),
        **(SHARED if arima_fit.several_stores(panel) else {}),
        **({"rivals": Choice((False, True))} if arima_fit.has_rivals(panel) else {}),
    }
    initial: Params = {name: getattr(limits, name) for name in space}
    initial |= {"p": min(initial["p"], limits.max_p), "q": min(initial["q"], limits.max_q)}
    if not limits.trials:
        return Search(initial, float("nan"), ())
    rows = arima_fit.search_rows(panel, limits.sample, seed)
    search = SearchPlan(
        name="arima",
        journal=journal,
        space=space,
        first=initial,
        trials=limits.trials,
        seed=seed,
        failures=(np.linalg.LinAlgError,),
    )
    return tune(search, arima_fit.objective(panel, folds, rows, criterion_of(settings), pool))


def _logged(origins: Iterator[Filtered], count: int) -> Iterator[Filtered]:
    for number, origin in enumerate(origins, start=1):
        log.info("arima: origin %d of %d", number, count)
        yield origin


def _keep(attempt: Attempt, params: Params, result: Regressions) -> Member:
    return Member(
        forecasts=save_forecasts(result.forecasts, attempt, "arima"),
        served=save_arrays(result.served, attempt.path("forecast", "arima.npz")),
        params=params,
        dropped=result.dropped,
    )


def _show(run: StageRun, search: Search, result: Regressions) -> None:
    show_search(run, "arima", search)
    run.metrics(
        {
            "forecast.arima.dropped": len(result.dropped),
            "forecast.arima.not_converged": result.not_converged,
            "forecast.arima.replaced_forecasts": result.replaced,
        }
    )
    forecasts = result.series * len(result.forecasts)
    log.info(
        f"arima: of {result.series} fits {result.not_converged} did not converge and "
        f"{len(result.dropped)} were dropped; of {forecasts} forecasts {result.replaced} were replaced"
    )
