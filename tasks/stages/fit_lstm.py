"""Task: tune the LSTM, train its members, forecast from every origin, and keep the weights and the states that serve them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from conf import Settings
from tasks.demand.ensemble import Trained, Trainer, averaged, train_through, warm
from tasks.demand.panel import Panel
from tasks.demand.recurrent import scaling_of
from tasks.demand.splits import Fold, before
from tasks.runtime.artifacts import save_arrays
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Member, Prepared
from tasks.runtime.seeds import seed_of
from tasks.runtime.tune import Choice, Params, Real, Search, SearchPlan, Space, tune
from tasks.runtime.workers import Workers, workers
from tasks.stages.fit_arima import score_of
from tasks.stages.history import History, history_of, save_forecasts

if TYPE_CHECKING:
    from tasks.demand.lstm import Plan, Shape


@resumable(name="fit_lstm")
def fit_lstm(attempt: Attempt, settings: Settings, prepared: Prepared) -> Member:
    """Search shape and step size before the first fold, train the members there, and go on from origin to origin."""
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "forecast") as run, workers() as pool:
        history = history_of(settings, prepared)
        search = search_network(
            attempt.path("forecast", "lstm.journal"), settings, history.panel, [before(history.folds[0])]
        )
        members = train_members(pool, settings, history.panel, history.origins, search.params)
        for trial in search.trials:
            run.trial(
                "lstm",
                trial.number,
                trial.params,
                {} if trial.score is None else {"wape": trial.score},
                trial.state,
            )
        run.params({f"lstm.{name}": value for name, value in search.params.items()})
        run.metrics({"lstm.validation_wape": search.score})
        run.curve("lstm.loss", np.mean([member.losses for member in members], axis=0).tolist())
        return Member(
            forecasts=save_forecasts(averaged(members), attempt, "lstm"),
            served=save_arrays(_served(history, members), attempt.path("forecast", "lstm.npz")),
            params=search.params,
            dropped={},
        )


def search_network(journal: Path, settings: Settings, panel: Panel, folds: Sequence[Fold]) -> Search:
    """Search on some folds; without trials, take the settings as they are, without a score."""
    from tasks.demand.lstm import TrainingError

    told = settings.forecast.lstm
    seed = seed_of(settings.seed, "forecast.lstm.search")

    def objective(params: Params) -> Iterator[float]:
        trainer, plan = (
            Trainer(panel, folds[0], shape_of(settings, params), settings.forecast.gap, seed),
            plan_of(settings, params),
        )
        found: list[float] = []
        for number, fold in enumerate(folds):
            for _ in trainer.train(
                fold, warm(plan) if number else replace(plan, epochs=told.trial_epochs), seed + number
            ):
                latest = score_of(settings, panel.units[:, fold.targets], trainer.forecast(fold))
                yield float(np.mean([*found, latest]))
            found.append(latest)

    space: Space = {
        "units": Choice(tuple(sorted({told.units // 2, told.units}))),
        "embedding": Choice(tuple(sorted({max(1, told.embedding // 2), told.embedding}))),
        "dropout": Choice(tuple(sorted({0.0, told.dropout, min(0.5, 2 * told.dropout)}))),
        "learning_rate": Real(told.learning_rate / 3, told.learning_rate * 3),
    }
    initial = {name: getattr(told, name) for name in space}
    if not told.trials:
        return Search(initial, float("nan"), ())
    search = SearchPlan(
        name="lstm",
        journal=journal,
        space=space,
        first=initial,
        trials=told.trials,
        seed=seed,
        failures=(TrainingError,),
    )
    return tune(search, objective)


def shape_of(settings: Settings, params: Params) -> Shape:
    """Return the shape of the network: what was searched, and the settings."""
    from tasks.demand.lstm import Shape

    told = settings.forecast.lstm
    return Shape(
        told.cell,
        params["units"],
        told.window,
        params["embedding"],
        params["dropout"],
        told.rival_dropout,
        settings.forecast.errors,
    )


def plan_of(settings: Settings, params: Params) -> Plan:
    """Return the plan of a training: what was searched, and the settings."""
    from tasks.demand.lstm import Plan

    told = settings.forecast.lstm
    return Plan(
        params["learning_rate"], told.weight_decay, told.averaging, told.batch, told.steps, told.epochs
    )


def train_members(
    pool: Workers, settings: Settings, panel: Panel, folds: Sequence[Fold], params: Params
) -> list[Trained]:
    """Train the members, a process each, from the first to the last of the folds."""
    told, root = settings.forecast, seed_of(settings.seed, "forecast.lstm")
    seeds = [root + 1000 * member for member in range(told.lstm.members)]
    plan = plan_of(settings, params)
    return pool.over_items(
        "lstm members", train_through, seeds, panel, folds, shape_of(settings, params), plan, told.gap
    )


def _served(history: History, members: list[Trained]) -> dict[str, np.ndarray]:
    """Return weights, states and scaling at the last origin, as ``tasks.demand.model`` reads them."""
    scaling = scaling_of(history.panel, history.folds[0].origin)
    told = {"level": scaling.level, "known_mean": scaling.known_mean, "known_spread": scaling.known_spread}
    return told | {
        f"lstm.{i}.{name}": values
        for i, member in enumerate(members)
        for name, values in member.served.items()
    }
