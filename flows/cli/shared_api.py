"""One Prefect API for a data folder, which all commands on it share.

Two would be two schedulers on one database. Who uses it holds a shared lock on ``api.lock``, where its port,
its process and its password stand, for this user's eyes only; the next API has another. It ends when nobody
holds the lock; the kernel lets go of the lock of a process that was killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

import psutil

from flows.cli.api_log import ApiLog
from flows.cli.ports import free_port, require_free
from flows.cli.start_error import named_database, start_error
from infra import api
from tasks.runtime.disk import shortage

STARTUP_SECONDS = 120
SECONDS_TO_END = 5
USER, PASSWORD_BYTES = "repricer", 32


class ApiError(RuntimeError):
    """A Prefect API that does not come up."""


class SharedApi(NamedTuple):
    """The API of a data folder.

    Attributes:
        port: on loopback.
        login: user and password, joined by a colon.
        process: of the API.
        log: of the API.
        joined: whether another command started it.
    """

    port: int
    login: str
    process: psutil.Process
    log: ApiLog
    joined: bool

    @property
    def began(self) -> float:
        """Return when its process began (s since the epoch)."""
        return float(self.process.create_time())

    @property
    def url(self) -> str:
        """Return the address of the API."""
        return f"http://127.0.0.1:{self.port}/api"

    def alive(self) -> bool:
        """Say whether its process lives."""
        return _alive(self.process)

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            ApiError: it ended, or did not answer in time.
        """
        deadline = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < deadline and self.alive():
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.2)
        raise ApiError(shortage(self.log.path) or self._failure() + named_database())

    def _failure(self) -> str:
        """Return what happened: it ended, with its last line, or it still runs."""
        status = self.process.poll() if isinstance(self.process, psutil.Popen) else None
        ended = time.time() if self.alive() else self.log.path.stat().st_mtime
        seconds = max(ended - self.began, 0.0)
        return start_error(f"the Prefect API at {self.url}", status, seconds, self.log.path)


@contextmanager
def shared_api(home: Path, environment: Mapping[str, str], port: int | None = None) -> Iterator[SharedApi]:
    """Use the API of a data folder: the one that runs, else a new one. It may not answer yet.

    Args:
        home: the folder of Prefect in the data folder.
        environment: of a new API.
        port: of a new API, a free one by default.
    """
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "api.lock", "a+", opener=_private) as lock:
        with (home / "api.start").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)  # of two commands that begin at once, one starts it
            fcntl.flock(lock, fcntl.LOCK_SH)
            shared = _running(lock, home) or _start(lock, home, environment, port or free_port())
        try:
            yield shared
        finally:
            _leave(lock, shared.process)


def _private(path: str, flags: int) -> int:
    """Open a file that only this user may read, also where it lay open before."""
    file = os.open(path, flags, 0o600)
    os.fchmod(file, 0o600)
    return file


def _running(lock: IO[str], home: Path) -> SharedApi | None:
    lock.seek(0)
    try:
        entry = json.loads(lock.read())
        process = psutil.Process(entry["process"])
        same = process.create_time() == entry["began"]  # else the number is another's by now
    except (json.JSONDecodeError, psutil.NoSuchProcess):
        return None
    if not same or not _alive(process):
        return None
    return SharedApi(entry["port"], entry.get("login", ""), process, ApiLog(home / "api.log"), joined=True)


def _start(lock: IO[str], home: Path, environment: Mapping[str, str], port: int) -> SharedApi:
    require_free(port, "--prefect-port")
    log = ApiLog(home / "api.log")
    log.clear()
    # By its path: with -m, a package of that name in the current folder would come first.
    command = [sys.executable, api.__file__, "--port", str(port), "--users", lock.name]
    login = f"{USER}:{secrets.token_urlsafe(PASSWORD_BYTES)}"
    with log.path.open("a") as output:
        # A session of its own: Ctrl-C in this terminal would end it under the commands of others.
        process = psutil.Popen(
            command,
            env={**environment, api.PASSWORD: login},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    lock.truncate(0)
    entry = {"port": port, "login": login, "process": process.pid, "began": process.create_time()}
    json.dump(entry, lock)
    lock.flush()
    return SharedApi(port, login, process, log, joined=False)


def _leave(lock: IO[str], process: psutil.Process) -> None:
    """Let go of the API; the last one ends it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    lock.truncate(0)
    with suppress(psutil.NoSuchProcess):
        process.terminate()
        with suppress(psutil.TimeoutExpired):
            process.wait(SECONDS_TO_END)
        process.kill()


def _alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
