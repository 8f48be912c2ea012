"""Optuna, and the only file that speaks to it: a search that a killed process takes up again.

An objective is a generator: it yields its score as training goes on, and the last one counts. Optuna may
prune a trial after any yield.

The search runs in memory, and a trial enters the journal when it has ended. One that died with its process
has left nothing: it is repeated with the same parameters, and the search ends as it would have unkilled.
"""

from __future__ import annotations

import logging
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.runtime.interruption import interrupted

if TYPE_CHECKING:
    import optuna

log = logging.getLogger("repricer")

PATIENCE = 3  # trials for each one of the budget, failed ones counted, before the search gives up


class TuningError(RuntimeError):
    """A search of which no trial came to an end."""


@dataclass(frozen=True)
class Integer:
    """A whole number between two bounds, both included."""

    low: int
    high: int


@dataclass(frozen=True)
class Real:
    """A number between two bounds, searched on a logarithmic scale."""

    low: float
    high: float


@dataclass(frozen=True)
class Choice:
    """One of several values."""

    values: tuple[Any, ...]


Space = Mapping[str, Integer | Real | Choice]
Params = dict[str, Any]
Objective = Callable[[Params], Iterator[float]]


@dataclass(frozen=True)
class Trial:
    """One trial: its number, its parameters, the last score (none where it failed) and how it ended."""

    number: int
    params: Params
    score: float | None
    state: str


def _unseen(_trial: Trial) -> None:
    """Show a trial to nobody."""


@dataclass(frozen=True)
class Journal:
    """The file that keeps the trials of a search, and who sees a trial as soon as it has ended."""

    path: Path
    show: Callable[[Trial], None] = _unseen


@dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """What is searched, and how long.

    Attributes:
        name: of the search, for messages.
        journal: keeps the trials that ended and shows them; those of a killed search are shown again.
        space: the parameters and their ranges.
        first: parameters of the first trial, so that the search is never worse than they are.
        trials: trials that come to an end, complete or pruned.
        seed: root of the search.
        failures: errors that end a trial, not the search.
    """

    name: str
    journal: Journal
    space: Space
    first: Params
    trials: int
    seed: int
    failures: tuple[type[Exception], ...]


@dataclass(frozen=True)
class Search:
    """The best parameters, their score, and all trials."""

    params: Params
    score: float
    trials: tuple[Trial, ...]


@contextmanager
def _interrupts_kept() -> Iterator[None]:
    """Let a Ctrl-C stay one: in the midst of a write, Optuna and MLflow raise errors of their own.

    Raises:
        KeyboardInterrupt: an error that arose while one was handled.
    """
    try:
        yield
    except Exception as error:
        if interrupted(error):
            raise KeyboardInterrupt from error
        raise


@_interrupts_kept()
def tune(plan: SearchPlan, objective: Objective) -> Search:
    """Minimise an objective, from where a killed search stopped.

    Args:
        plan: what is searched, and how long.
        objective: yields a score, the smaller the better, perhaps several times.

    Raises:
        TuningError: no trial was completed.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    journal = _journal(plan.name, plan.journal.path)
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=1))
    study.add_trials(journal.trials)
    for earlier in study.trials:
        plan.journal.show(_ended_trial(earlier))
    if not study.trials:
        study.enqueue_trial(plan.first)
    while _ended(study) < plan.trials and len(journal.trials) < PATIENCE * plan.trials:
        _run_trial(study, plan, objective)
        journal.add_trial(study.trials[-1])
        plan.journal.show(_ended_trial(study.trials[-1]))
    trials = tuple(_ended_trial(trial) for trial in study.trials)
    if not any(trial.state == "COMPLETE" for trial in trials):
        states = Counter(trial.state for trial in trials)
        counts = ", ".join(f"{count} {state}" for state, count in states.items())
        raise TuningError(
            f"{plan.name}: no trial of the search was completed ({counts}). "
            "Look at the trials' errors in the log above."
        )
    return Search(dict(study.best_params), float(study.best_value), trials)


def _run_trial(study: optuna.Study, plan: SearchPlan, objective: Objective) -> None:
    import optuna

    # A sampler that starts from the same seed again would repeat its draws.
    study.sampler = optuna.samplers.TPESampler(
        seed=plan.seed + len(study.trials), n_startup_trials=max(3, plan.trials // 3)
    )
    study.optimize(
        lambda trial: _score(trial, plan.space, objective),
        n_trials=1,
        catch=(*plan.failures, ArithmeticError),
    )
    last = study.trials[-1]
    progress = f"{plan.name} trial {_ended(study)} of {plan.trials}"
    log.info("%s: %s, %s", progress, _shown(last.value), last.state.name.lower())


def _journal(name: str, path: Path) -> optuna.Study:
    """Open the trials that ended; one search has one process, so whoever held the journal is dead."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    path.parent.mkdir(parents=True, exist_ok=True)
    for lock in path.parent.glob(f"{path.name}.lock*"):
        lock.unlink()
    _drop_torn_line(path)
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(path)))
    return optuna.create_study(study_name=name, storage=storage, load_if_exists=True)


def _drop_torn_line(path: Path) -> None:
    """Cut what a killed process, or a full disk, left of its last line: Optuna would write on behind it."""
    if path.exists():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)


def _score(trial: optuna.Trial, space: Space, objective: Objective) -> float:
    import optuna

    score = math.nan
    for step, score in enumerate(
        objective({name: _suggested(trial, name, kind) for name, kind in space.items()})
    ):
        if not math.isfinite(score):
            raise ArithmeticError(f"the score is {score}")  # Optuna would call an infinite one complete
        trial.report(score, step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return score


def _suggested(trial: optuna.Trial, name: str, kind: Integer | Real | Choice) -> Any:
    if isinstance(kind, Integer):
        return trial.suggest_int(name, kind.low, kind.high)
    if isinstance(kind, Real):
        return trial.suggest_float(name, kind.low, kind.high, log=True)
    return trial.suggest_categorical(name, kind.values)


def _ended(study: optuna.Study) -> int:
    return sum(trial.state.name in {"COMPLETE", "PRUNED"} for trial in study.trials)


def _ended_trial(trial: optuna.trial.FrozenTrial) -> Trial:
    return Trial(trial.number, dict(trial.params), _last(trial), trial.state.name)


def _last(trial: optuna.trial.FrozenTrial) -> float | None:
    scores = [*trial.intermediate_values.values()]
    return trial.value if trial.value is not None else (scores[-1] if scores else None)


def _shown(score: float | None) -> str:
    return "no score" if score is None else f"{score:.4f}"
