"""An attempt at a retraining: what its tasks share, and how their results are kept."""

from __future__ import annotations

import functools
import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from conf import Settings
from tasks.runtime import progress

if TYPE_CHECKING:
    from prefect.context import TaskRunContext

ROOT = Path(__file__).resolve().parents[2]
CODE = ("conf", "expectations", "flows", "tasks")


class Attempt(BaseModel):
    """One attempt, from the first task to the verdict; a killed one is taken up again under the same id."""

    model_config = ConfigDict(frozen=True)

    id: str
    """Text that no other attempt has."""
    folder: str
    """Folder of everything that its tasks write."""
    run_id: str
    """MLflow parent run."""

    def path(self, *parts: str) -> Path:
        """Return a path inside the folder of the attempt."""
        return Path(self.folder, *parts)


def once_per_attempt(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """Key a task's stored result by attempt and task, so that a resumed attempt repeats no finished task."""
    return f"{parameters['attempt'].id}-{context.task.name}"


def resumable(name: str, **options: Any) -> Any:
    """Return Prefect's ``task`` with results stored as JSON, once per attempt, and its progress said.

    The decorated function takes ``attempt`` and ``settings`` first and returns JSON: names, numbers and
    artifacts.

    Args:
        name: of the task, a stage of ``progress.STAGES``; a stored result is kept under it.
        options: more of Prefect's ``task``.
    """
    from prefect import task  # a command that only reads or writes the ledger starts without it

    def decorate(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        def stage(attempt: Attempt, settings: Settings, *arguments: Any, **named: Any) -> Any:
            with progress.reported(Path(attempt.folder), settings.profile, name):
                return function(attempt, settings, *arguments, **named)

        return task(
            name=name,
            task_run_name=progress.STAGES[name],
            cache_key_fn=once_per_attempt,
            persist_result=True,
            result_serializer="json",
            **options,
        )(stage)

    return decorate


def code_hash() -> str:
    """Return the hash of the code and of the settings' layers, installed or checked out."""
    digest = hashlib.sha256()
    for package in CODE:
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in {".py", ".yaml", ".json"}:
                digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def code_version() -> str:
    """Return the commit of the checkout, or the start of the code's hash where there is none."""
    head = ""
    if (ROOT / ".git").exists():  # an installed package may lie inside the checkout of another project
        command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
        head = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return head or f"sha256:{code_hash()[:16]}"


def settings_hash(settings: Settings) -> str:
    """Return the hash of all settings."""
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
