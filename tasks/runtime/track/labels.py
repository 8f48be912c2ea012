"""What a run says of itself in the MLflow UI: its name, who started it, from which code, and its versions."""

from __future__ import annotations

import getpass
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tasks.governance.approval import UNKNOWN, VERDICT

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

SOURCE = "repricer retrain"
RUNNING = "running"
ENDED = {"FINISHED": "finished", "FAILED": "error", "KILLED": "stopped"}
"""What stands in the name of a run without a verdict, by how it ended."""
USER = "mlflow.user"  # tag with the account that started a run
FOLDER = "data_folder_id"  # tag of every run of a retraining
ORIGIN = (USER, "mlflow.source.name", "mlflow.source.type", "mlflow.source.git.commit", FOLDER)
PROFILE = "profile"  # tag of a retraining
PAGES = "workflowType=machine_learning"  # else a run is shown among chats and their judges


def run_name(profile: str, state: str, began: float) -> str:
    """Return the name of a retraining, such as ``default · PASS · 2026-11-27 03:00``.

    Args:
        profile: name of the profile.
        state: the verdict, or how it ended without one.
        began: seconds since the epoch; shown in local time.
    """
    return f"{profile} · {state} · {time.strftime('%Y-%m-%d %H:%M', time.localtime(began))}"


def rename(store: MlflowClient, run: Run, status: str) -> None:
    """Say in the name of a retraining how it ended: its verdict, where it has one."""
    tags = run.data.tags
    if PROFILE in tags:
        finished = tags.get(VERDICT, ENDED[status]) if status == "FINISHED" else ENDED.get(status, RUNNING)
        name = run_name(tags[PROFILE], finished, run.info.start_time / 1000)
        store.update_run(run.info.run_id, name=name)


def origin_tags(code_version: str) -> dict[str, str]:
    """Return who starts a run and from which code; ``code_version`` is a commit or, with a colon, a hash."""
    commit = {} if ":" in code_version else {"mlflow.source.git.commit": code_version}
    origin = {USER: _user(), "mlflow.source.name": SOURCE, "mlflow.source.type": "LOCAL"}
    return {**origin, **commit}


def links_to(versions: Mapping[str, int]) -> str:
    """Return links to registered versions, relative to any page of the MLflow UI."""
    links = [f"[{name} {number}](#/models/{name}/versions/{number})" for name, number in versions.items()]
    return f"Registered versions: {' · '.join(links)}"


def link_to_run(experiment_id: str, run_id: str, name: str) -> str:
    """Return a link to a run, relative to any page of the MLflow UI."""
    return f"[{name}](#/experiments/{experiment_id}/runs/{run_id}?{PAGES})"


def path_of_file(experiment_id: str, run_id: str, path: str) -> str:
    """Return the address of a file of a run, relative to any page of the MLflow UI."""
    return f"#/experiments/{experiment_id}/runs/{run_id}/artifacts/{path}?{PAGES}"


def _user() -> str:
    """Return the name of the account; a container may run as a number that has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return UNKNOWN
