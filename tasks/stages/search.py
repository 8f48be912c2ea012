"""Shows a search on the run of a stage: every trial as soon as it has ended, and what the search chose."""

from __future__ import annotations

from pathlib import Path

from conf.settings import Forecast
from tasks.demand.metrics import Criterion
from tasks.runtime.track import StageRun
from tasks.runtime.tune import Journal, Search, Trial


def criterion_of(settings: Forecast) -> Criterion:
    """Return the error that counts in search and blend."""
    return Criterion(settings.errors, settings.mape_units)


def journal_of(run: StageRun, name: str, path: Path) -> Journal:
    """Return a journal that logs every trial below the run of a stage, and their scores as a curve on it.

    Args:
        run: of the stage.
        name: of the member, part of the names of trials and metrics.
        path: file that keeps the trials.
    """

    def show(trial: Trial) -> None:
        metrics = {} if trial.score is None else {_metric(name, "validation_wape"): trial.score}
        if run.trial(name, trial.number, trial.params, metrics, trial.state) and trial.score is not None:
            run.point(_metric(name, "trial_wape"), trial.score, trial.number)

    return Journal(path, show)


def show_search(run: StageRun, name: str, search: Search) -> None:
    """Log the chosen parameters and their score.

    Args:
        run: of the stage.
        name: of the member, the prefix of parameters and part of the names of metrics.
        search: its trials, and the best of them.
    """
    run.params({f"{name}.{parameter}": value for parameter, value in search.params.items()})
    run.metrics({_metric(name, "validation_wape"): search.score})


def _metric(name: str, figure: str) -> str:
    return f"forecast.{name}.{figure}"
