"""Registered models: registering a version, loading it back, its tags and the aliases that point to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.governance.champion import MODELS
from tasks.runtime.artifacts import Artifact, checked
from tasks.runtime.track.store import client, if_present

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

SERVED = Path(__file__).parents[2] / "served"
CODE = {name: SERVED / f"{name.split('_')[-1]}.py" for name in MODELS}
"""The code that MLflow stores with each model and imports when it loads a version."""
SERVING_REQUIREMENTS = ["mlflow", "numpy", "pandas", "pyarrow", "repricer"]


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


def register(store: MlflowClient, run_id: str, registration: Registration) -> int:
    """Log a model below a run, register it and return the version.

    Raises:
        ModelError: the model, loaded back as a stranger would, does not answer the example.
    """
    import mlflow

    name, example = registration.name, registration.example
    with mlflow.start_run(run_id=run_id, log_system_metrics=False):
        info = mlflow.pyfunc.log_model(
            name=name,
            python_model=str(CODE[name]),
            artifacts={key: str(checked(artifact)) for key, artifact in registration.files.items()},
            input_example=example,
            pip_requirements=SERVING_REQUIREMENTS,
        )
    answer = mlflow.pyfunc.load_model(info.model_uri).predict(example)
    if info.signature is None or len(answer) != len(example):
        raise ModelError(
            f"{name}: loaded back from {info.model_uri} it does not answer its input example. "
            "See the log above."
        )
    if not store.search_registered_models(f"name = '{name}'"):
        store.create_registered_model(name)
    version = store.create_model_version(
        name, info.model_uri, run_id, dict(registration.tags), model_id=info.model_id
    )
    return int(version.version)


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
