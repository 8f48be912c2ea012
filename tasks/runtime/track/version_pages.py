"""What stands behind a registered version: the runs of its retraining, their files, and its description."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.runtime.track import labels
from tasks.runtime.track.registry import ModelError
from tasks.runtime.track.runs import child
from tasks.runtime.track.store import client, if_present

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion


def run_of_version(name: str, version: int) -> str | None:
    """Return the id of the retraining that registered a version, none where it is not known."""
    run = _retraining(name, version)
    return str(run.info.run_id) if run else None


def file_of_version(name: str, version: int, stage: str, path: str) -> bytes | None:
    """Return a file that a stage of a version's retraining logged; none where there is none.

    Raises:
        StoreError: the store does not answer.
    """
    store, parent = client(), _retraining(name, version)
    run = child(store, parent, stage) if parent else None
    folder = str(Path(path).parent).removeprefix(".")
    if run is None or path not in {file.path for file in store.list_artifacts(run.info.run_id, folder)}:
        return None
    with tempfile.TemporaryDirectory() as place:
        return Path(store.download_artifacts(run.info.run_id, path, place)).read_bytes()


def json_of_version(name: str, version: int, stage: str, path: str) -> Any:
    """Return a JSON file that a stage of a version's retraining logged; none where there is none."""
    content = file_of_version(name, version, stage, path)
    return None if content is None else json.loads(content)


def log_file_of_version(name: str, version: int, path: Path, folder: str) -> str | None:
    """Show a file on the page of the retraining behind a version, and return the address of that page.

    The address is relative to any page of the MLflow UI; none where the retraining is not known.
    """
    run = _retraining(name, version)
    if run is None:
        return None
    client().log_artifact(run.info.run_id, str(path), folder)
    return labels.path_of_file(run.info.experiment_id, run.info.run_id, f"{folder}/{path.name}")


def version_description(name: str, version: int) -> str:
    """Return the description of a version as Markdown, empty where it has none."""
    return str(_version(name, version).description or "")


def _version(name: str, version: int) -> ModelVersion:
    """Return a registered version.

    Raises:
        ModelError: there is no such version.
    """
    registered = if_present(client().get_model_version, name, str(version))
    if registered is None:
        raise ModelError(f"{name}: there is no version {version}. `repricer ui` lists those that exist.")
    return registered


def _retraining(name: str, version: int) -> Run | None:
    """Return the parent run of the retraining that registered a version."""
    registered = _version(name, version)
    run = if_present(client().get_run, registered.run_id) if registered.run_id else None
    return if_present(client().get_run, run.data.tags.get("retraining", run.info.run_id)) if run else None
