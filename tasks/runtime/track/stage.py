"""The run of one stage of a retraining: its parameters, metrics, figures, data sets, trials and models."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.runtime.artifacts import Artifact, checked
from tasks.runtime.attempt import Attempt
from tasks.runtime.interruption import interrupted
from tasks.runtime.track.registry import Registration, register
from tasks.runtime.track.runs import child, create_child
from tasks.runtime.track.store import client, end_run, list_table, log_curve, log_metrics, log_params

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities import Run

PREVIEW_ROWS = 1000  # of a table in the UI; the whole one lies beside it as Parquet


class StageRun:
    """The MLflow run of one stage of a retraining."""

    def __init__(self, store: MlflowClient, run: Run, retraining: str) -> None:
        """Wrap a run of the store; ``retraining`` is the id of the parent run."""
        self._store, self._run, self._retraining = store, run, retraining

    @property
    def id(self) -> str:
        """Return the id of the run."""
        return str(self._run.info.run_id)

    def params(self, values: Mapping[str, Any]) -> None:
        """Log parameters."""
        log_params(self._store, self.id, values)

    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags."""
        for name, value in values.items():
            self._store.set_tag(self.id, name, str(value))

    def metrics(self, values: Mapping[str, float | None], headline: bool = False) -> None:
        """Log the metrics that have a value; headlines stand on the parent run too, under the same names."""
        known = {name: value for name, value in values.items() if value is not None}
        log_metrics(self._store, self.id, known)
        if headline:
            log_metrics(self._store, self._retraining, known)

    def curve(self, name: str, values: Sequence[float]) -> None:
        """Log one metric over steps 0, 1, 2, ..."""
        log_curve(self._store, self.id, name, values)

    def point(self, name: str, value: float, step: int) -> None:
        """Log one point of a metric that grows while the stage runs."""
        self._store.log_metric(self.id, name, value, step=step)

    def figure(self, figure: Figure, name: str) -> None:
        """Log a figure as PNG, among the stage's figures and the retraining's."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / name
            figure.savefig(file)
            for run_id in {self.id, self._retraining}:
                self._store.log_artifact(run_id, str(file), "figures")

    def file(self, artifact: Artifact, folder: str | None = None) -> None:
        """Log a file as it is."""
        self._store.log_artifact(self.id, str(checked(artifact)), folder)

    def table(self, frame: pd.DataFrame, name: str, artifact: Artifact) -> None:
        """Log a data set: its schema, its profile, where it lies and the hash of its bytes."""
        from mlflow.data.pandas_dataset import from_pandas
        from mlflow.entities import DatasetInput, InputTag

        with warnings.catch_warnings():
            # MLflow warns that a path could be read as a source in two ways; both are that path.
            warnings.simplefilter("ignore")
            dataset = from_pandas(frame, source=artifact["path"], name=name, digest=artifact["sha256"][:8])
        tags = [InputTag("mlflow.data.context", "training"), InputTag("sha256", artifact["sha256"])]
        inputs = DatasetInput(dataset._to_mlflow_entity(), tags)
        for run_id in {self.id, self._retraining}:
            self._store.log_inputs(run_id, [inputs])

    def preview(self, frame: pd.DataFrame, name: str) -> None:
        """Log the first rows of a table as the UI shows it, among the stage's tables and the retraining's.

        Args:
            frame: the most relevant rows first.
            name: of the file, without ending; a table that is cut says in it how many rows there are,
                one without rows is left out.
        """
        if frame.empty:
            return
        shown = frame.head(PREVIEW_ROWS)
        cut = f"-first-{len(shown)}-of-{len(frame)}" if len(shown) < len(frame) else ""
        path = f"tables/{name}{cut}.json"
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / Path(path).name
            shown.to_json(file, orient="split", index=False, date_format="iso", double_precision=6)
            for run_id in {self.id, self._retraining}:
                self._store.log_artifact(run_id, str(file), "tables")
                list_table(self._store, run_id, path)

    def trial(
        self, study: str, number: int, params: Mapping[str, Any], metrics: Mapping[str, float], state: str
    ) -> bool:
        """Log one Optuna trial as a run below this one, once; return whether it was new.

        The tag ``state`` comes last: a trial without it was cut off, and is completed.
        """
        name = f"{study}-{number}"
        run = child(self._store, self._run, name) or create_child(
            self._store, self._run, name, self._retraining, {"study": study}
        )
        if "state" in run.data.tags:
            return False
        log_params(self._store, run.info.run_id, params)
        log_metrics(self._store, run.info.run_id, metrics)
        end_run(self._store, run.info.run_id, "FINISHED" if state == "COMPLETE" else "KILLED")
        self._store.set_tag(run.info.run_id, "state", state)
        return True

    def model(self, registration: Registration) -> int:
        """Register a model from its code and its files and return the version.

        Raises:
            ModelError: the model, loaded back as a stranger would, does not answer the example.
        """
        return register(self._store, self.id, self._retraining, registration)


@contextmanager
def stage_run(attempt: Attempt, stage: str) -> Iterator[StageRun]:
    """Open the child run of a stage, anew or where a killed attempt left it.

    It ends as `FINISHED`, as `FAILED` on an error, as `KILLED` when stopped. Its metric ``seconds`` adds up
    over the tasks of the stage.
    """
    store = client()
    parent = store.get_run(attempt.run_id)
    run = child(store, parent, stage) or create_child(
        store, parent, stage, attempt.run_id, tags={"stage": stage}
    )
    store.update_run(run.info.run_id, status="RUNNING")
    start, status = time.monotonic(), "FINISHED"
    try:
        yield StageRun(store, run, attempt.run_id)
    except BaseException as error:
        status = "KILLED" if interrupted(error) else "FAILED"
        raise
    finally:
        seconds = store.get_run(run.info.run_id).data.metrics.get("seconds", 0.0) + time.monotonic() - start
        log_metrics(store, run.info.run_id, {"seconds": seconds})
        end_run(store, run.info.run_id, status)
