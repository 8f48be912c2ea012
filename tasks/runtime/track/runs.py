"""Runs of a retraining: the parent, where retrainings are compared, and the children below it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from conf import Settings, profile_name
from tasks.runtime.attempt import Attempt
from tasks.runtime.folder_id import folder_id
from tasks.runtime.track import labels
from tasks.runtime.track.store import client, end_run, if_present, log_metrics, log_params, open_store
from tasks.runtime.track.view import prepare_view

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

NOTE = "mlflow.note.content"  # what MLflow shows as the description of a run
MOST_RUNS = 5000  # that one search returns; a retraining has some dozens


def start_run(settings: Settings, tags: Mapping[str, str]) -> str:
    """Start the parent run of a retraining with its settings as parameters and return its id."""
    store = open_store(settings)
    experiment, profile = _experiment(store, settings), profile_name(settings.profile)
    prepare_view(store, experiment)
    origin = labels.origin_tags(tags["code_version"]) if "code_version" in tags else {}
    run = store.create_run(
        experiment.experiment_id,
        run_name=labels.run_name(profile, labels.RUNNING, time.time()),
        tags={**origin, labels.PROFILE: profile, labels.FOLDER: _folder_id(settings), **tags},
    )
    log_params(store, run.info.run_id, settings.flat())
    return str(run.info.run_id)


def resume_run(run_id: str) -> None:
    """Show the parent run of a resumed attempt as running again."""
    store = client()
    store.update_run(run_id, status="RUNNING")
    labels.rename(store, store.get_run(run_id), "RUNNING")


def is_active(run_id: str) -> bool:
    """Return whether a run is in the store, and nobody deleted it there."""
    run = if_present(client().get_run, run_id)
    return run is not None and run.info.lifecycle_stage == "active"


def finish_run(run_id: str, status: str) -> None:
    """End the parent run and whatever is still open below it as `FINISHED`, `FAILED` or `KILLED`."""
    store = client()
    for run in _open_runs(store, store.get_run(run_id).info.experiment_id):
        if run.info.run_id == run_id or run.data.tags.get("retraining") == run_id:
            end_run(store, run.info.run_id, status)
    labels.rename(store, store.get_run(run_id), status)


def sweep(settings: Settings) -> int:
    """End as `KILLED` every run that a dead process left running and return how many there were.

    The caller holds the lock of the data folder. In a store that other data folders use too, only runs that
    name this one are its own.
    """
    store = open_store(settings)
    left = _open_runs(store, _experiment(store, settings).experiment_id)
    if settings.track.address() is not None:
        folder = _folder_id(settings)
        left = [run for run in left if run.data.tags.get(labels.FOLDER) == folder]
    for run in left:
        end_run(store, run.info.run_id, "KILLED")
        labels.rename(store, run, "KILLED")
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
    page = text.replace("<", "&lt;")  # names of a shop's categories are no tags of a page
    tag_run(attempt, {**tags, NOTE: page})


def tag_run(attempt: Attempt, tags: Mapping[str, str]) -> None:
    """Set tags on the parent run."""
    store = client()
    for name, value in tags.items():
        store.set_tag(attempt.run_id, name, value)


def link_versions(attempt: Attempt, versions: Mapping[str, int]) -> None:
    """Let the page and the row of a retraining lead to the versions that it registered."""
    store = client()
    note = store.get_run(attempt.run_id).data.tags.get(NOTE, "")
    text = ", ".join(f"{name} {number}" for name, number in versions.items())
    linked = f"{note}\n\n{labels.links_to(versions)}".strip()
    tag_run(attempt, {"versions": text, NOTE: linked})


def run_link(attempt: Attempt, text: str) -> str:
    """Return a link to the page of a retraining, relative to any page of the MLflow UI."""
    info = client().get_run(attempt.run_id).info
    return labels.link_to_run(info.experiment_id, info.run_id, text)


def file_link(attempt: Attempt, path: str, text: str) -> str:
    """Return a link to a file of a retraining, relative to any page of the MLflow UI."""
    info = client().get_run(attempt.run_id).info
    return f"[{text}]({labels.path_of_file(info.experiment_id, info.run_id, path)})"


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
    origin = {name: parent.data.tags[name] for name in labels.ORIGIN if name in parent.data.tags}
    linked = {"mlflow.parentRunId": parent.info.run_id, "retraining": retraining, **origin, **tags}
    return store.create_run(parent.info.experiment_id, run_name=name, tags=linked)


def _folder_id(settings: Settings) -> str:
    return folder_id(Path(settings.data_folder))


def _experiment(store: MlflowClient, settings: Settings) -> Experiment:
    experiment = store.get_experiment_by_name(settings.track.experiment)
    assert experiment is not None
    return experiment


def _open_runs(store: MlflowClient, experiment_id: str) -> list[Run]:
    return list(store.search_runs([experiment_id], "attributes.status = 'RUNNING'", max_results=MOST_RUNS))


def _children(store: MlflowClient, parent: Run) -> list[Run]:
    below = f"tags.mlflow.parentRunId = '{parent.info.run_id}'"
    return list(store.search_runs([parent.info.experiment_id], below, max_results=MOST_RUNS))
