"""An attempt at a retraining: one at a time, resumed where a killed one stopped, never left looking alive."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import task
from prefect.context import TaskRunContext
from pydantic import BaseModel, ConfigDict

from conf import Settings

log = logging.getLogger("repricer")

ROOT = Path(__file__).resolve().parents[1]
CODE = ("conf", "expectations", "flows", "tasks")


class AlreadyRunning(RuntimeError):
    """Another process retrains in the same data folder."""


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


def resumable(**options: Any) -> Any:
    """Return Prefect's ``task`` with results stored as JSON, once per attempt.

    The decorated function takes ``attempt`` and returns JSON: names, numbers and artifacts.
    """
    return task(cache_key_fn=once_per_attempt, persist_result=True, result_serializer="json", **options)


@contextmanager
def attempt_at(settings: Settings, fresh: bool = False) -> Iterator[Attempt]:
    """Hold the data folder, end what dead processes left open, and open an attempt: the unfinished one or a new one.

    An attempt is resumed when its settings and the code are still the same, unless ``fresh``.

    Raises:
        AlreadyRunning: another process holds the data folder.
    """
    from tasks import track
    from tasks.orphans import end_orphans

    with _held(settings):
        swept, ended = track.sweep(settings), end_orphans(settings)
        if swept or ended:
            log.info("ended what a dead process had left open: %d MLflow runs, %d flow runs", swept, ended)
        attempt = (None if fresh else _unfinished(settings)) or _new(settings)
        track.resume_run(attempt.run_id)
        status = "FAILED"
        try:
            yield attempt
            status = "FINISHED"
            _write(attempt, settings, finished=True)
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            track.finish_run(attempt.run_id, status)


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
    told = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return told.stdout.strip() or f"sha256:{code_hash()[:16]}"


def settings_hash(settings: Settings) -> str:
    """Return the hash of all settings."""
    return hashlib.sha256(settings.model_dump_json().encode()).hexdigest()


@contextmanager
def _held(settings: Settings) -> Iterator[None]:
    folder = Path(settings.data_folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "retrain.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(f"already running as {lock.read() or 'another process'}") from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        lock.flush()
        yield


def _attempts(settings: Settings) -> Path:
    return Path(settings.data_folder).resolve() / "attempts"


def _key(settings: Settings) -> str:
    return f"{settings_hash(settings)[:16]}-{code_hash()[:16]}-{_fingerprint(settings)}"


def _fingerprint(settings: Settings) -> str:
    """Return what changes when the files of the source do."""
    if not settings.source.path:
        return settings.source.kind
    path = Path(settings.source.path)
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    seen = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.exists()]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _unfinished(settings: Settings) -> Attempt | None:
    states = [json.loads(path.read_text()) for path in sorted(_attempts(settings).glob("*/attempt.json"))]
    open_ones = [s for s in states if s["key"] == _key(settings) and not s["finished"]]
    if not open_ones:
        return None
    log.info("resuming attempt %s", open_ones[-1]["attempt"]["id"])
    return Attempt(**open_ones[-1]["attempt"])


def _new(settings: Settings) -> Attempt:
    from tasks import track

    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
    tags = {"profile": settings.profile, "code_version": code_version(), "settings_hash": settings_hash(settings), "attempt": name}
    attempt = Attempt(id=name, folder=str(_attempts(settings) / name), run_id=track.start_run(settings, tags))
    _write(attempt, settings, finished=False)
    return attempt


def _write(attempt: Attempt, settings: Settings, *, finished: bool) -> None:
    from tasks.artifacts import save_json

    save_json({"attempt": attempt.model_dump(), "key": _key(settings), "finished": finished}, attempt.path("attempt.json"))
