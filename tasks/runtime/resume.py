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
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ValidationError

from conf import Settings
from tasks.runtime import champion_aliases, track
from tasks.runtime.artifacts import save_json
from tasks.runtime.attempt import Attempt, code_hash, code_version, settings_hash
from tasks.runtime.databases import DatabaseError
from tasks.runtime.interruption import closed_without_unwinding, interrupted
from tasks.runtime.orphans import end_orphans, end_this
from tasks.runtime.records import Holder

log = logging.getLogger("repricer")


class _Kept(BaseModel):
    """The file of an attempt: the attempt, what it depends on, and whether it came to its end.

    One that was given up for a fresh start never will.
    """

    attempt: Attempt
    key: str
    finished: bool
    given_up: bool = False


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
        if fresh:
            _give_up(settings)
        attempt = _unfinished(settings) or _new(settings)
        track.resume_run(attempt.run_id)
        status = "FINISHED"
        try:
            with _closed_without_unwinding(attempt):
                yield attempt
        except BaseException as error:
            status = "KILLED" if interrupted(error) else "FAILED"
            raise
        finally:
            track.finish_run(attempt.run_id, status)
        _write(attempt, settings, finished=True)  # last: whoever is killed before is taken up once more


def sweep_killed(settings: Settings) -> None:
    """End the MLflow runs that a killed retraining left open, unless another one is at work by now."""
    if not (settings.track.address() or Path(settings.data_folder, "mlflow.db").is_file()):
        return  # nothing was ever trained there
    try:
        track.open_store(settings)  # takes seconds, in which a retraining may begin
        with suppress(AlreadyRunning), _held(settings):
            if swept := track.sweep(settings):
                log.info("ended what a dead process had left open: %d MLflow runs", swept)
    except (track.StoreError, DatabaseError) as error:
        log.warning("what a killed command left running in MLflow is ended by the next retraining: %s", error)


@contextmanager
def _closed_without_unwinding(attempt: Attempt) -> Iterator[None]:
    with (
        closed_without_unwinding(end_this()),
        closed_without_unwinding(partial(track.finish_run, attempt.run_id, "KILLED")),
    ):
        yield


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
    kept = _kept(settings)
    here = [k for k in kept if _is_here(k, settings)]
    unfinished = [k.attempt for k in here if k.key == _key(settings) and not (k.finished or k.given_up)]
    if unfinished and _has_run(unfinished[-1]):
        log.info("resuming attempt %s", unfinished[-1].id)
        return unfinished[-1]
    if kept and kept[-1] not in here and not kept[-1].finished:
        there = kept[-1].attempt.folder  # its results name files by their whole paths
        log.info("an attempt was begun in %s, before the folder moved: a new one starts", there)
    return None


def _is_here(kept: _Kept, settings: Settings) -> bool:
    """Return whether an attempt was begun in the data folder where it lies now."""
    return Path(kept.attempt.folder).parent == _attempts(settings)


def _give_up(settings: Settings) -> None:
    """Let nothing resume the unfinished attempts with these settings: somebody wants to start anew."""
    for kept in _kept(settings):
        if kept.key == _key(settings) and not kept.finished and _is_here(kept, settings):
            given_up = kept.model_copy(update={"given_up": True})
            save_json(given_up.model_dump(), Path(kept.attempt.folder, "attempt.json"))


def _kept(settings: Settings) -> list[_Kept]:
    """Return the attempts of the data folder that can be read, the oldest first."""
    files = sorted(_attempts(settings).glob("*/attempt.json"))
    return [kept for kept in map(_read, files) if kept is not None]


def _read(file: Path) -> _Kept | None:
    """Return what the file of an attempt says; one that cannot be read costs its own attempt only."""
    try:
        return _Kept.model_validate_json(file.read_bytes())
    except (ValidationError, OSError) as error:
        cause = str(error) if isinstance(error, OSError) else "it is no JSON of an attempt"
        remedy = "delete its folder to be rid of this line"
        log.warning("%s: the attempt cannot be read and is not resumed (%s); %s", file, cause, remedy)
        return None


def _has_run(attempt: Attempt) -> bool:
    if track.is_active(attempt.run_id):
        return True
    log.warning(
        "attempt %s is not resumed: its MLflow run %s was deleted; a new one starts",
        attempt.id,
        attempt.run_id,
    )
    return False


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
    kept = _Kept(attempt=attempt, key=_key(settings), finished=finished)
    save_json(kept.model_dump(), attempt.path("attempt.json"))
