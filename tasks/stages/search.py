"""Shows a search on the run of a stage: its trials, and what it chose."""

from __future__ import annotations

from conf.settings import Forecast
from tasks.demand.metrics import Criterion
from tasks.runtime.track import StageRun
from tasks.runtime.tune import Search


def criterion_of(settings: Forecast) -> Criterion:
    """Return the error that counts in search and blend."""
    return Criterion(settings.errors, settings.mape_units)


def show_search(run: StageRun, name: str, search: Search) -> None:
    """Log every trial as a run below the stage's, then the chosen parameters and their score.

    Args:
        run: of the stage.
        name: of the member, the prefix of parameters and metrics.
        search: what was tried, and the best of it.
    """
    for trial in search.trials:
        metrics = {} if trial.score is None else {"wape": trial.score}
        run.trial(name, trial.number, trial.params, metrics, trial.state)
    run.params({f"{name}.{parameter}": value for parameter, value in search.params.items()})
    run.metrics({f"{name}.validation_wape": search.score})
