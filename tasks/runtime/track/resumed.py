"""What a killed process of the same retraining left in the registry: its version, or a model without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient


def version_of_run(store: MlflowClient, run_id: str, name: str) -> int | None:
    """Return the version of a model that was registered below a run, none where there is none yet.

    MLflow writes a version, its run and its tags in one transaction.
    """
    versions = store.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
    return max((int(version.version) for version in versions), default=None)


def delete_unregistered(store: MlflowClient, run_id: str, name: str) -> None:
    """Delete the models of a name that were logged below a run, in part or whole, and have no version.

    The caller knows that the run has no version of the name.
    """
    logged = store.search_logged_models(
        [store.get_run(run_id).info.experiment_id],
        filter_string=f"name = '{name}' AND source_run_id = '{run_id}'",
    )
    for model in logged:
        store.delete_logged_model(model.model_id)
