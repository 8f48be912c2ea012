"""Opening an attempt: one at a time, resumed where a killed one stopped, never left looking alive."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conf import Settings
from tasks.runtime import champion_aliases, track
from tasks.runtime.artifacts import save_json
from tasks.runtime.attempt import Attempt, code_hash, code_version, settings_hash
from tasks.runtime.orphans import end_orphans
from tasks.runtime.records import Holder

log = logging.getLogger("repricer")


class AlreadyRunning(RuntimeError):
    """Another process retrains in the same data folder; ``holder`` says which and since when."""

    def __init__(self, folder: Path, holder: Holder) -> None:
        """Say who holds the folder."""
        process = f"process {holder['process']}" if holder["process"] else "another process"
        since = f" since {holder['since']}" if holder["since"] else ""
        super().__init__(f"a retraining in {folder} is already running as {process}{since}. Try again later.")
        self.holder = holder


@contextmanager
def attempt_at(settings: Settings, fresh: bool = False) -> Iterator[Attempt]:
    """Hold the data folder, end what dead processes left open, and open an attempt.

    The unfinished attempt is resumed when its settings and the code are still the same, unless ``fresh``.

    Raises:
        AlreadyRunning: another process holds the data folder.
    """
    with _held(settings):
        swept, ended = track.sweep(settings), end_orphans(settings)
        if swept or ended:
            log.info("ended what a dead process had left open: %d MLflow runs, %d flow runs", swept, ended)
        champion_aliases.repair(settings)
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


@contextmanager
def _held(settings: Settings) -> Iterator[None]:
    folder = Path(settings.data_folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "retrain.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(folder, _holder(lock.read())) from None
        lock.truncate(0)
        json.dump(Holder(process=os.getpid(), since=time.strftime("%Y-%m-%d %H:%M:%S")), lock)
        lock.flush()
        yield


def _holder(text: str) -> Holder:
    """Return who wrote a lock; a process that has only just taken it may not have written yet."""
    try:
        holder = json.loads(text)
    except json.JSONDecodeError:
        return Holder(process=None, since=None)
    return Holder(process=holder["process"], since=holder["since"])


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
    here = [s for s in states if Path(s["attempt"]["folder"]).parent == _attempts(settings)]
    open_ones = [s for s in here if s["key"] == _key(settings) and not s["finished"]]
    if open_ones:
        log.info("resuming attempt %s", open_ones[-1]["attempt"]["id"])
        return Attempt(**open_ones[-1]["attempt"])
    if states and states[-1] not in here and not states[-1]["finished"]:
        there = states[-1]["attempt"]["folder"]  # its results name files by their whole paths
        log.info("an attempt was begun in %s, before the folder moved: a new one starts", there)
    return None


def _new(settings: Settings) -> Attempt:
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
    tags = {
        "code_version": code_version(),
        "settings_hash": settings_hash(settings),
        "attempt": name,
    }
    attempt = Attempt(id=name, folder=str(_attempts(settings) / name), run_id=track.start_run(settings, tags))
    _write(attempt, settings, finished=False)
    return attempt


def _write(attempt: Attempt, settings: Settings, *, finished: bool) -> None:
    save_json(
        {"attempt": attempt.model_dump(), "key": _key(settings), "finished": finished},
        attempt.path("attempt.json"),
    )
