"""MLflow, and the only file that speaks to it: runs, stages, trials, data sets, figures and model versions."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from conf import Settings, profile_name
from tasks.governance.champion import MODELS
from tasks.runtime import moved
from tasks.runtime.artifacts import Artifact, checked
from tasks.runtime.attempt import Attempt
from tasks.runtime.locations import sqlite_uri

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities import Run

log = logging.getLogger("repricer")

SERVED = {name: f"{name.split('_')[-1]}.py" for name in MODELS}
SERVING_REQUIREMENTS = ["mlflow", "numpy", "pandas", "pyarrow", "repricer"]
EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development"
}  # the UI opens on runs, not on chat traces
BATCH = 1000  # metrics that one call of MLflow takes
ABSENT = "RESOURCE_DOES_NOT_EXIST"  # the one error code of MLflow that means that there is none
Answer = TypeVar("Answer")


def store_uri(settings: Settings) -> str:
    """Return the tracking URI: the one given, or SQLite in the data folder."""
    return settings.track.uri or sqlite_uri(Path(settings.data_folder) / "mlflow.db")


def open_store(settings: Settings) -> MlflowClient:
    """Point this process at the store and create what a fresh one lacks; safe for many processes at once.

    MLflow migrates a new SQLite file on first use and fails when two processes do so together, hence the lock.
    """
    uri, folder = store_uri(settings), Path(settings.data_folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # Models are numbers and code of this package; a pickle among them is foreign and is refused.
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    _quiet()
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    with (folder / ".mlflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        experiment = client.get_experiment_by_name(settings.track.experiment)
        if not settings.track.uri:
            moved.follow(folder)
        if experiment is None:
            location = None if settings.track.uri else moved.artifacts_uri(folder)
            client.create_experiment(
                settings.track.experiment, artifact_location=location, tags=EXPERIMENT_TAGS
            )
    return client


def start_run(settings: Settings, tags: Mapping[str, str]) -> str:
    """Start the parent run of a retraining with its settings as parameters and return its id."""
    client = open_store(settings)
    experiment = client.get_experiment_by_name(settings.track.experiment)
    assert experiment is not None
    run = client.create_run(
        experiment.experiment_id,
        run_name=f"{profile_name(settings.profile)}-{time.strftime('%Y%m%d-%H%M%S')}",
        tags=dict(tags),
    )
    _log_params(client, run.info.run_id, settings.flat())
    return str(run.info.run_id)


def resume_run(run_id: str) -> None:
    """Show the parent run of a resumed attempt as running again."""
    _client().update_run(run_id, status="RUNNING")


def finish_run(run_id: str, status: str) -> None:
    """End the parent run and whatever is still open below it as `FINISHED`, `FAILED` or `KILLED`."""
    client = _client()
    for run in _open_runs(client, client.get_run(run_id).info.experiment_id):
        if run.info.run_id == run_id or run.data.tags.get("retraining") == run_id:
            client.set_terminated(run.info.run_id, status=status)


def sweep(settings: Settings) -> int:
    """End as `KILLED` every run that a dead process left running; the caller holds the lock of the data folder."""
    client = open_store(settings)
    experiment = client.get_experiment_by_name(settings.track.experiment)
    assert experiment is not None
    left = _open_runs(client, experiment.experiment_id)
    for run in left:
        client.set_terminated(run.info.run_id, status="KILLED")
    return len(left)


class ModelError(RuntimeError):
    """A model that does not give, once loaded back, the answers it gave before."""


class StoreError(ConnectionError):
    """A store that does not answer; trying again may help."""


class StageRun:
    """The MLflow run of one stage of a retraining, or of a trial below it."""

    def __init__(self, client: MlflowClient, run: Run, retraining: str) -> None:
        """Wrap a run of the client; ``retraining`` is the id of the parent run."""
        self._client, self._run, self._retraining = client, run, retraining

    @property
    def id(self) -> str:
        """Return the id of the run."""
        return str(self._run.info.run_id)

    def params(self, values: Mapping[str, Any]) -> None:
        """Log parameters."""
        _log_params(self._client, self.id, values)

    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags."""
        for name, value in values.items():
            self._client.set_tag(self.id, name, str(value))

    def metrics(self, values: Mapping[str, float], headline: bool = False) -> None:
        """Log metrics in one call; headlines stand on the parent run too, where runs are compared."""
        _log_metrics(self._client, self.id, values)
        if headline:
            _log_metrics(self._client, self._retraining, values)

    def curve(self, name: str, values: Sequence[float]) -> None:
        """Log one metric over steps 0, 1, 2, ... in batches."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        points = [Metric(name, float(value), now, step) for step, value in enumerate(values)]
        for start in range(0, len(points), BATCH):
            self._client.log_batch(self.id, metrics=points[start : start + BATCH])

    def figure(self, figure: Figure, name: str) -> None:
        """Log a figure as PNG, among the stage's figures and the retraining's."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / name
            figure.savefig(file)
            for run_id in {self.id, self._retraining}:
                self._client.log_artifact(run_id, str(file), "figures")

    def file(self, artifact: Artifact, folder: str | None = None) -> None:
        """Log a file as it is."""
        self._client.log_artifact(self.id, str(checked(artifact)), folder)

    def table(self, frame: pd.DataFrame, name: str, artifact: Artifact) -> None:
        """Log a data set: its schema, its profile, where it lies and the hash of its bytes."""
        from mlflow.data.pandas_dataset import from_pandas
        from mlflow.entities import DatasetInput, InputTag

        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # that a path could be read as a source in two ways; both are that path
            dataset = from_pandas(frame, source=artifact["path"], name=name, digest=artifact["sha256"][:8])
        tags = [InputTag("mlflow.data.context", "training"), InputTag("sha256", artifact["sha256"])]
        given = DatasetInput(dataset._to_mlflow_entity(), tags)
        for run_id in {self.id, self._retraining}:
            self._client.log_inputs(run_id, [given])

    def trial(
        self, study: str, number: int, params: Mapping[str, Any], metrics: Mapping[str, float], state: str
    ) -> None:
        """Log one Optuna trial as a run below this one, once."""
        if _child(self._client, self._run, f"{study}-{number}") is not None:
            return
        run = _create(
            self._client, self._run, f"{study}-{number}", self._retraining, {"study": study, "state": state}
        )
        _log_params(self._client, run.info.run_id, params)
        _log_metrics(self._client, run.info.run_id, metrics)
        self._client.set_terminated(run.info.run_id, status="FINISHED" if state == "COMPLETE" else "KILLED")

    def model(
        self, name: str, files: Mapping[str, Artifact], example: pd.DataFrame, tags: Mapping[str, str]
    ) -> int:
        """Register a model from its code and its files, with signature and input example, and return the version.

        Raises:
            ModelError: the model, loaded back as a stranger would, does not answer the example.
        """
        import mlflow

        with mlflow.start_run(run_id=self.id, log_system_metrics=False):
            info = mlflow.pyfunc.log_model(
                name=name,
                python_model=str(Path(__file__).parents[1] / "served" / SERVED[name]),
                artifacts={key: str(checked(artifact)) for key, artifact in files.items()},
                input_example=example,
                pip_requirements=SERVING_REQUIREMENTS,
            )
        answer = mlflow.pyfunc.load_model(info.model_uri).predict(example)
        if info.signature is None or len(answer) != len(example):
            raise ModelError(
                f"{name}: loaded back from {info.model_uri} it does not answer its input example; see the log above."
            )
        if not self._client.search_registered_models(f"name = '{name}'"):
            self._client.create_registered_model(name)
        version = self._client.create_model_version(
            name, info.model_uri, self.id, dict(tags), model_id=info.model_id
        )
        return int(version.version)


@contextmanager
def stage_run(attempt: Attempt, stage: str) -> Iterator[StageRun]:
    """Open the child run of a stage, anew or where a killed attempt left it; `FAILED` on an error, `KILLED` when stopped.

    Its metric ``seconds`` adds up over the tasks of the stage.
    """
    client = _client()
    parent = client.get_run(attempt.run_id)
    run = _child(client, parent, stage) or _create(client, parent, stage, attempt.run_id, {"stage": stage})
    client.update_run(run.info.run_id, status="RUNNING")
    start, status = time.monotonic(), "FAILED"
    log.info("%s ...", stage)
    try:
        yield StageRun(client, run, attempt.run_id)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        seconds = client.get_run(run.info.run_id).data.metrics.get("seconds", 0.0) + time.monotonic() - start
        _log_metrics(client, run.info.run_id, {"seconds": seconds})
        client.set_terminated(run.info.run_id, status=status)
        log.info("%s %s after %.1f s", stage, status.lower(), time.monotonic() - start)


def stage_seconds(attempt: Attempt) -> dict[str, float]:
    """Return the seconds that each stage of an attempt took, over all its restarts."""
    client = _client()
    children = _children(client, client.get_run(attempt.run_id))
    stages = [
        c for c in reversed(children) if "seconds" in c.data.metrics and "stage" in c.data.tags
    ]  # the newest comes first
    return {c.data.tags["stage"]: c.data.metrics["seconds"] for c in stages}


def note(attempt: Attempt, text: str, tags: Mapping[str, str]) -> None:
    """Write the summary of a retraining on the page of its run, and its tags."""
    client = _client()
    for name, value in {**tags, "mlflow.note.content": text}.items():
        client.set_tag(attempt.run_id, name, value)


def log_headlines(attempt: Attempt, metrics: Mapping[str, float]) -> None:
    """Log metrics on the parent run."""
    _log_metrics(_client(), attempt.run_id, metrics)


def load_model(name: str, version: int) -> Any:
    """Return a registered version as a stranger loads it."""
    import mlflow

    return mlflow.pyfunc.load_model(f"models:/{name}/{version}")


def load_version(name: str, version: int) -> Any:
    """Return a registered version as the object of `tasks/served/*.py` that it is."""
    return load_model(name, version).unwrap_python_model()


def set_alias(name: str, alias: str, version: int) -> None:
    """Let an alias of a model point to a version."""
    _client().set_registered_model_alias(name, alias, str(version))


def drop_alias(name: str, alias: str) -> None:
    """Take an alias of a model away."""
    _client().delete_registered_model_alias(name, alias)


def aliases(name: str) -> dict[str, int]:
    """Return the aliases of a model and the versions that they point to; a model without a version has none.

    Raises:
        StoreError: the store does not answer.
    """
    model = _present(_client().get_registered_model, name)
    return {} if model is None else {alias: int(version) for alias, version in model.aliases.items()}


def version_tags(name: str, version: int) -> dict[str, str] | None:
    """Return the tags of a version, or none where there is no such version.

    Raises:
        StoreError: the store does not answer.
    """
    registered = _present(_client().get_model_version, name, str(version))
    return None if registered is None else dict(registered.tags)


def tag_version(name: str, version: int, tags: Mapping[str, str]) -> None:
    """Set tags on a version."""
    for key, value in tags.items():
        _client().set_model_version_tag(name, str(version), key, value)


def _present(read: Callable[..., Answer], *key: str) -> Answer | None:
    """Return what the store reads, none where it says that there is none."""
    from mlflow.exceptions import MlflowException

    try:
        return read(*key)
    except MlflowException as error:
        if error.error_code == ABSENT:
            return None
        cause = re.sub(r"//[^/@\s]*@", "//", str(error).partition("\n")[0])  # no password of a URI
        raise StoreError(
            f"the MLflow store did not answer for {' '.join(key)}: {cause}. Try again, or run `repricer doctor`."
        ) from error


def _client() -> MlflowClient:
    import mlflow

    return mlflow.MlflowClient()


def _open_runs(client: MlflowClient, experiment_id: str) -> list[Run]:
    return list(client.search_runs([experiment_id], "attributes.status = 'RUNNING'", max_results=5000))


def _children(client: MlflowClient, parent: Run) -> list[Run]:
    return list(
        client.search_runs(
            [parent.info.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'", max_results=5000
        )
    )


def _child(client: MlflowClient, parent: Run, name: str) -> Run | None:
    return next((run for run in _children(client, parent) if run.info.run_name == name), None)


def _create(client: MlflowClient, parent: Run, name: str, retraining: str, tags: Mapping[str, str]) -> Run:
    linked = {"mlflow.parentRunId": parent.info.run_id, "retraining": retraining, **tags}
    return client.create_run(parent.info.experiment_id, run_name=name, tags=linked)


def _log_params(client: MlflowClient, run_id: str, values: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    client.log_batch(run_id, params=[Param(name, str(value)) for name, value in values.items()])


def _log_metrics(client: MlflowClient, run_id: str, values: Mapping[str, float]) -> None:
    from mlflow.entities import Metric

    now = int(1000 * time.time())
    client.log_batch(run_id, metrics=[Metric(name, float(value), now, 0) for name, value in values.items()])


def _quiet() -> None:
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
