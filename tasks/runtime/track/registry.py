"""Registered models: registering a version, loading it back, its tags and the aliases that point to it."""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.runtime.artifacts import Artifact, checked
from tasks.runtime.track.resumed import delete_unregistered, version_of_run
from tasks.runtime.track.served_code import (
    CODE,
    ServedCode,
    forget,
    forget_other_code,
    importable,
    served_code,
)
from tasks.runtime.track.store import client, if_present

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

WHAT = {
    "demand": "Forecast of the units that sell, given the prices of the horizon: a blend of ARIMA and LSTM.",
    "price_response": "How demand answers prices: elasticities with intervals, own and of substitutes.",
    "pricing_policy": "Which price to set next: a policy trained in a market of the other two models.",
}
"""What each model is, for the page that lists its versions."""
GOLDEN = "golden"
"""Artifact with the requests and answers that a version must give again whenever it is loaded."""


class ModelError(RuntimeError):
    """A model that is not there, or does not give, once loaded back, the answers it gave before."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What becomes a version of a registered model.

    Attributes:
        name: of the registered model.
        files: artifacts that its code reads, by their name in the MLflow context.
        example: rows that it must answer; MLflow infers the signature from them.
        tags: of the version.
    """

    name: str
    files: Mapping[str, Artifact]
    example: pd.DataFrame
    tags: Mapping[str, str]


def register(store: MlflowClient, stage: str, retraining: str, registration: Registration) -> int:
    """Log a model below the run of a stage, register it as the retraining's and return the version.

    Where the retraining was resumed and had registered it, this is the version of then.

    Below the retraining, MLflow would count its parameters and metrics as those of the model.

    Args:
        store: client of the open store.
        stage: id of the run that logs the model.
        retraining: id of the run that the version names as its source.
        registration: what becomes a version.

    Raises:
        ModelError: the model, loaded back as a stranger would, does not answer the example.
    """
    name = registration.name
    earlier = version_of_run(store, retraining, name)
    if earlier is not None:
        return earlier
    delete_unregistered(store, stage, name)
    info = _logged(stage, registration)
    if not store.search_registered_models(f"name = '{name}'"):
        store.create_registered_model(name, description=WHAT[name])
    version = store.create_model_version(
        name, info.model_uri, retraining, dict(registration.tags), model_id=info.model_id
    )
    return int(version.version)


def _logged(stage: str, registration: Registration) -> Any:
    """Log a model below the run of a stage and return what MLflow says of it; it answers its example."""
    import mlflow

    name, example, code = registration.name, registration.example, served_code(registration.name)
    files = {key: str(checked(artifact)) for key, artifact in registration.files.items()}
    with tempfile.TemporaryDirectory() as scratch, importable(Path(scratch)):
        entry = code.write(Path(scratch))
        forget_other_code(Path(scratch))
        files[GOLDEN] = _golden(Path(scratch), code, files, example)
        with mlflow.start_run(run_id=stage, log_system_metrics=False):
            info = mlflow.pyfunc.log_model(
                name=name,
                python_model=str(entry),
                code_paths=[str(entry.parent / CODE / code.package)],
                artifacts=files,
                input_example=example,
                pip_requirements=list(code.requirements),
            )
        forget(code.package)  # what is loaded back runs the code that was stored, not that beside it
        answer = mlflow.pyfunc.load_model(info.model_uri).predict(example)
    if info.signature is None or len(answer) != len(example):
        raise ModelError(
            f"{name}: loaded back from {info.model_uri} it does not answer its input example. "
            "See the log above."
        )
    return info


def _golden(scratch: Path, code: ServedCode, files: Mapping[str, str], example: pd.DataFrame) -> str:
    """Write what the model answers to requests of its example, and return the path."""
    golden = importlib.import_module(code.golden)
    model = getattr(importlib.import_module(code.module), code.name)()
    model.load(files)
    path = scratch / "golden.json"
    path.write_text(json.dumps(golden.recorded(model, example)), encoding="utf-8")
    return str(path)


def set_alias(name: str, alias: str, version: int) -> None:
    """Let an alias of a model point to a version."""
    client().set_registered_model_alias(name, alias, str(version))


def drop_alias(name: str, alias: str) -> None:
    """Take an alias of a model away."""
    client().delete_registered_model_alias(name, alias)


def aliases(name: str) -> dict[str, int]:
    """Return the aliases of a model and the versions that they point to; a model without a version has none.

    Raises:
        StoreError: the store does not answer.
    """
    model = if_present(client().get_registered_model, name)
    return {} if model is None else {alias: int(version) for alias, version in model.aliases.items()}


def version_tags(name: str, version: int) -> dict[str, str] | None:
    """Return the tags of a version, or none where there is no such version.

    Raises:
        StoreError: the store does not answer.
    """
    registered = if_present(client().get_model_version, name, str(version))
    return None if registered is None else dict(registered.tags)


def tag_version(name: str, version: int, tags: Mapping[str, str]) -> None:
    """Set tags on a version."""
    for key, value in tags.items():
        client().set_model_version_tag(name, str(version), key, value)


def describe_version(name: str, version: int, text: str) -> None:
    """Write the description of a version, as Markdown."""
    client().update_model_version(name, str(version), text)
