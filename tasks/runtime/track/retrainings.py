"""What retrainings left in the store: files on the page of a run, and the figures behind a version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tasks.runtime.attempt import Attempt
from tasks.runtime.track.labels import USER
from tasks.runtime.track.store import client, if_present

if TYPE_CHECKING:
    from mlflow.entities import Run


def log_file(attempt: Attempt, path: Path, folder: str) -> None:
    """Show a file as an artifact of the retraining's own run."""
    client().log_artifact(attempt.run_id, str(path), folder)


def headlines_of_version(name: str, version: int) -> dict[str, float]:
    """Return the headline metrics of the retraining that registered a version; none where it is not known.

    Raises:
        StoreError: the store does not answer.
    """
    parent = _retraining(name, version)
    return {} if parent is None else dict(parent.data.metrics)


def trainer_of_version(name: str, version: int) -> str | None:
    """Return the account that ran the retraining that registered a version; none where it is not known.

    Raises:
        StoreError: the store does not answer.
    """
    parent = _retraining(name, version)
    return None if parent is None else parent.data.tags.get(USER)


def _retraining(name: str, version: int) -> Run | None:
    """Return the run of the retraining that registered a version."""
    registered = if_present(client().get_model_version, name, str(version))
    run = if_present(client().get_run, registered.run_id) if registered and registered.run_id else None
    return if_present(client().get_run, run.data.tags.get("retraining", run.info.run_id)) if run else None
