"""Stage: recurrent networks, tuned before the first fold, trained there, trained on from origin to origin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conf import Settings
from conf.settings import Forecast
from tasks.demand import ensemble
from tasks.demand.ensemble import Networks, Recipe
from tasks.demand.panel import Panel
from tasks.demand.splits import Fold, before
from tasks.demand.training import Plan, Shape, TrainingError
from tasks.runtime.artifacts import save_arrays
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Member, Prepared
from tasks.runtime.seeds import seed_of
from tasks.runtime.track import StageRun, stage_run
from tasks.runtime.tune import Choice, Journal, Params, Real, Search, SearchPlan, Space, tune
from tasks.runtime.workers import workers
from tasks.stages.history import history_of, save_forecasts
from tasks.stages.search import criterion_of, journal_of, show_search


@resumable(name="fit_lstm")
def fit_lstm(attempt: Attempt, settings: Settings, prepared: Prepared) -> Member:
    """Search shape and step size before the first fold, train there, and go on from origin to origin."""
    with stage_run(attempt, "forecast") as run, workers() as pool:
        history = history_of(settings, prepared)
        search = search_network(
            settings.forecast,
            history.panel,
            [before(history.folds[0])],
            journal=journal_of(run, "lstm", attempt.path("forecast", "lstm.journal")),
            seed=seed_of(settings.seed, "forecast.lstm.search"),
        )
        recipe, seed = (
            recipe_of(settings.forecast).tuned(search.params),
            seed_of(settings.seed, "forecast.lstm"),
        )
        members = ensemble.train_members(history.panel, history.origins, recipe, seed, pool)
        result = ensemble.networks(history, members)
        _show(run, search, result)
        return _keep(attempt, search.params, result)


def search_network(
    settings: Forecast, panel: Panel, folds: Sequence[Fold], *, journal: Journal, seed: int
) -> Search:
    """Search on some folds; without trials, keep the settings, without a score."""
    lstm, recipe, criterion = settings.lstm, recipe_of(settings), criterion_of(settings)

    def objective(params: Params) -> Iterator[float]:
        return ensemble.score_through(panel, folds, recipe.tuned(params), criterion, seed)

    space: Space = {
        "units": Choice(tuple(sorted({lstm.units // 2, lstm.units}))),
        "embedding": Choice(tuple(sorted({max(1, lstm.embedding // 2), lstm.embedding}))),
        "dropout": Choice(tuple(sorted({0.0, lstm.dropout, min(0.5, 2 * lstm.dropout)}))),
        "learning_rate": Real(lstm.learning_rate / 3, lstm.learning_rate * 3),
    }
    initial: Params = {name: getattr(lstm, name) for name in space}
    if not lstm.trials:
        return Search(initial, float("nan"), ())
    search = SearchPlan(
        name="lstm",
        journal=journal,
        space=space,
        first=initial,
        trials=lstm.trials,
        seed=seed,
        failures=(TrainingError,),
    )
    return tune(search, objective)


def recipe_of(settings: Forecast) -> Recipe:
    """Return how the networks are made by the settings, before a search changes it."""
    lstm = settings.lstm
    return Recipe(
        shape=Shape(
            cell=lstm.cell,
            units=lstm.units,
            window=lstm.window,
            embedding=lstm.embedding,
            dropout=lstm.dropout,
            rival_dropout=lstm.rival_dropout,
            errors=settings.errors,
        ),
        plan=Plan(
            learning_rate=lstm.learning_rate,
            weight_decay=lstm.weight_decay,
            averaging=lstm.averaging,
            batch=lstm.batch,
            steps=lstm.steps,
            epochs=lstm.epochs,
        ),
        members=lstm.members,
        gap=settings.gap,
        trial_epochs=lstm.trial_epochs,
    )


def _keep(attempt: Attempt, params: Params, result: Networks) -> Member:
    return Member(
        forecasts=save_forecasts(result.forecasts, attempt, "lstm"),
        served=save_arrays(result.served, attempt.path("forecast", "lstm.npz")),
        params=params,
        dropped={},
    )


def _show(run: StageRun, search: Search, result: Networks) -> None:
    show_search(run, "lstm", search)
    run.curve("forecast.lstm.loss", result.losses)
