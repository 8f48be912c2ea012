"""The MLflow store: where it is, opening it, and what it says when it does not answer."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from conf import Settings
from conf.urls import masked
from tasks.runtime import databases, moved
from tasks.runtime.heartbeat import heartbeat
from tasks.runtime.track.address import named_by, reachable_uri
from tasks.runtime.track.patience import wait_for_locks
from tasks.runtime.track.reach import StoreError, require_answer
from tasks.runtime.track.schema import mlflow_schema

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development"
}  # the UI opens on runs, not on chat traces
METRICS_PER_CALL = 1000  # what MLflow's log_batch takes
TABLES = "mlflow.loggedArtifacts"  # tag that lists a run's tables
ABSENT = "RESOURCE_DOES_NOT_EXIST"  # the one error code of MLflow that means that there is none
Answer = TypeVar("Answer")


def open_store(settings: Settings) -> MlflowClient:
    """Point this process at the store and create what a fresh one lacks; many processes may do so at once.

    Raises:
        StoreError: its server does not answer.
        DatabaseError: the SQLite file in the data folder cannot be made, read or upgraded.
    """
    uri, folder = reachable_uri(settings), Path(settings.data_folder).resolve()
    # Models are numbers and code of this package; a pickle among them is foreign and is refused.
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    _quiet()
    wait_for_locks()
    elsewhere = settings.track.address() is not None
    if elsewhere:
        require_answer(uri, named_by(settings))
    mlflow.set_tracking_uri(uri)
    with databases.held(folder), heartbeat("opening the MLflow store"):
        if not elsewhere:
            databases.ensure(folder / "mlflow.db", mlflow_schema())
        store = mlflow.MlflowClient()  # it reads the tables, and writes a first experiment
        experiment = store.get_experiment_by_name(settings.track.experiment)
        if not elsewhere:
            moved.follow(folder)
        if experiment is None:
            location = None if elsewhere else moved.artifacts_uri(folder)
            store.create_experiment(
                settings.track.experiment, artifact_location=location, tags=EXPERIMENT_TAGS
            )
    return store


def client() -> MlflowClient:
    """Return a client of the store that this process opened; with none open, MLflow would make one here."""
    import mlflow

    assert mlflow.is_tracking_uri_set(), "open_store comes first"
    return mlflow.MlflowClient()


def if_present(read: Callable[..., Answer], *key: str) -> Answer | None:
    """Return what the store reads under a key, none where the store says that there is none.

    Raises:
        StoreError: the store does not answer.
    """
    from mlflow.exceptions import MlflowException

    try:
        return read(*key)
    except MlflowException as error:
        if error.error_code == ABSENT:
            return None
        cause = masked(str(error).partition("\n")[0])
        raise StoreError(
            f"the MLflow store did not answer for {' '.join(key)}: {cause}. "
            "Try again, or run `repricer doctor`."
        ) from None  # Prefect keeps tracebacks, and the text of a cause in them


def log_params(store: MlflowClient, run_id: str, values: Mapping[str, Any]) -> None:
    """Log parameters of a run in one call."""
    from mlflow.entities import Param

    store.log_batch(run_id, params=[Param(name, str(value)) for name, value in values.items()])


def log_metrics(store: MlflowClient, run_id: str, values: Mapping[str, float]) -> None:
    """Log metrics of a run in one call."""
    from mlflow.entities import Metric

    now = _milliseconds()
    store.log_batch(run_id, metrics=[Metric(name, float(value), now, 0) for name, value in values.items()])


def log_curve(store: MlflowClient, run_id: str, name: str, values: Sequence[float]) -> None:
    """Log one metric of a run over the steps 0, 1, 2, ... in as many calls as MLflow needs."""
    from mlflow.entities import Metric

    now = _milliseconds()
    points = [Metric(name, float(value), now, step) for step, value in enumerate(values)]
    for start in range(0, len(points), METRICS_PER_CALL):
        store.log_batch(run_id, metrics=points[start : start + METRICS_PER_CALL])


def list_table(store: MlflowClient, run_id: str, path: str) -> None:
    """Name a JSON file of a run a table, so that the UI shows it as such; once."""
    listed = json.loads(store.get_run(run_id).data.tags.get(TABLES, "[]"))
    table = {"path": path, "type": "table"}
    if table not in listed:
        store.set_tag(run_id, TABLES, json.dumps([*listed, table]))


def end_run(store: MlflowClient, run_id: str, status: str) -> None:
    """End a run now; at its start where the clock was set back since, so that no run lasts less than 0 s."""
    start = int(store.get_run(run_id).info.start_time)
    store.set_terminated(run_id, status=status, end_time=max(_milliseconds(), start))


def _milliseconds() -> int:
    return int(1000 * time.time())


def _quiet() -> None:
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)  # it raises what it logs
