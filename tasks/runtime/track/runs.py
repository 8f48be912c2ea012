"""Runs of a retraining: the parent, where retrainings are compared, and the children below it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from conf import Settings, profile_name
from tasks.runtime.attempt import Attempt
from tasks.runtime.track.store import client, if_present, log_metrics, log_params, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

MOST_RUNS = 5000  # that one search returns; a retraining has some dozens


def start_run(settings: Settings, tags: Mapping[str, str]) -> str:
    """Start the parent run of a retraining with its settings as parameters and return its id."""
    store = open_store(settings)
    run = store.create_run(
        _experiment_id(store, settings),
        run_name=f"{profile_name(settings.profile)}-{time.strftime('%Y%m%d-%H%M%S')}",
        tags=dict(tags),
    )
    log_params(store, run.info.run_id, settings.flat())
    return str(run.info.run_id)


def resume_run(run_id: str) -> None:
    """Show the parent run of a resumed attempt as running again."""
    client().update_run(run_id, status="RUNNING")


def is_active(run_id: str) -> bool:
    """Return whether a run is in the store, and nobody deleted it there."""
    run = if_present(client().get_run, run_id)
    return run is not None and run.info.lifecycle_stage == "active"


def finish_run(run_id: str, status: str) -> None:
    """End the parent run and whatever is still open below it as `FINISHED`, `FAILED` or `KILLED`."""
    store = client()
    for run in _open_runs(store, store.get_run(run_id).info.experiment_id):
        if run.info.run_id == run_id or run.data.tags.get("retraining") == run_id:
            store.set_terminated(run.info.run_id, status=status)


def sweep(settings: Settings) -> int:
    """End as `KILLED` every run that a dead process left running and return how many there were.

    The caller holds the lock of the data folder.
    """
    store = open_store(settings)
    left = _open_runs(store, _experiment_id(store, settings))
    for run in left:
        store.set_terminated(run.info.run_id, status="KILLED")
    return len(left)


def stage_seconds(attempt: Attempt) -> dict[str, float]:
    """Return the seconds that each stage of an attempt took, over all its restarts."""
    store = client()
    oldest_first = reversed(_children(store, store.get_run(attempt.run_id)))
    return {
        run.data.tags["stage"]: run.data.metrics["seconds"]
        for run in oldest_first
        if "seconds" in run.data.metrics and "stage" in run.data.tags
    }


def note(attempt: Attempt, text: str, tags: Mapping[str, str]) -> None:
    """Write the summary of a retraining on the page of its run, and its tags."""
    store = client()
    for name, value in {**tags, "mlflow.note.content": text}.items():
        store.set_tag(attempt.run_id, name, value)


def log_headlines(attempt: Attempt, metrics: Mapping[str, float]) -> None:
    """Log metrics on the parent run."""
    log_metrics(client(), attempt.run_id, metrics)


def child(store: MlflowClient, parent: Run, name: str) -> Run | None:
    """Return the run of a name below a parent, if there is one."""
    return next((run for run in _children(store, parent) if run.info.run_name == name), None)


def create_child(
    store: MlflowClient, parent: Run, name: str, retraining: str, tags: Mapping[str, str]
) -> Run:
    """Create a run below a parent; ``retraining`` is the id of the run at the top."""
    linked = {"mlflow.parentRunId": parent.info.run_id, "retraining": retraining, **tags}
    return store.create_run(parent.info.experiment_id, run_name=name, tags=linked)


def _experiment_id(store: MlflowClient, settings: Settings) -> str:
    experiment = store.get_experiment_by_name(settings.track.experiment)
    assert experiment is not None
    return str(experiment.experiment_id)


def _open_runs(store: MlflowClient, experiment_id: str) -> list[Run]:
    return list(store.search_runs([experiment_id], "attributes.status = 'RUNNING'", max_results=MOST_RUNS))


def _children(store: MlflowClient, parent: Run) -> list[Run]:
    below = f"tags.mlflow.parentRunId = '{parent.info.run_id}'"
    return list(store.search_runs([parent.info.experiment_id], below, max_results=MOST_RUNS))
