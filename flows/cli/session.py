"""What a command needs around a flow: quiet frameworks, a Prefect API, an orderly end."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread
from types import FrameType

from flows.cli import report
from flows.cli.loopback import bypass_proxies
from infra import api
from tasks.runtime.locations import sqlite_uri
from tasks.runtime.service_errors import describe, read_errors

STARTUP_SECONDS = 120
SECONDS_BETWEEN_LOOKS = 5  # at the log of the API; its scheduler runs as often
DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
DATABASES = {DATABASE, "PREFECT_API_DATABASE_CONNECTION_URL"}
"""Names under which a user gives Prefect another database than the one in its home."""
ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "repricer",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",  # a benchmark is no flow
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # the same numbers on every machine
    "OMP_NUM_THREADS": "1",  # matrices and networks are small: threads would only wait for each other
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}


class ApiError(RuntimeError):
    """A Prefect API that does not come up."""


def quiet_environment() -> None:
    """Switch telemetry, start-up noise and surprise servers off where the user has not said otherwise."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    bypass_proxies(os.environ)


@contextmanager
def prefect_api(
    data_folder: str, log_level: str = "CRITICAL", meanwhile: Sequence[str] = (), at_once: bool = False
) -> Iterator[None]:
    """Give flows an API: the one that ``PREFECT_API_URL`` names, else a child on loopback.

    The child ends with this process.

    Call it before Prefect is imported: it reads its settings once.

    Args:
        log_level: of Prefect's own lines; a command that prints its errors itself keeps them out.
        meanwhile: modules to import while the child starts.
        at_once: warn of a service that fails when it fails, not only at the end.
    """
    quiet_environment()
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", log_level)
    signal.signal(signal.SIGTERM, _interrupt)
    if os.environ.get("PREFECT_API_URL"):
        yield
        return
    home = Path(data_folder).resolve() / "prefect"
    environment = dict(os.environ)
    if not DATABASES & environment.keys():
        environment[DATABASE] = sqlite_uri(home / "prefect.db", "aiosqlite")
    home.mkdir(parents=True, exist_ok=True)
    os.environ["PREFECT_HOME"] = str(home)
    log = _ApiLog(home / "api.log")
    with _child_api(log, environment) as ready:
        for name in meanwhile:
            importlib.import_module(name)
        ready()
        with log.watched() if at_once else nullcontext():
            yield


@contextmanager
def _child_api(log: _ApiLog, environment: Mapping[str, str]) -> Iterator[Callable[[], None]]:
    """Start an API on a free port and end it with the block; what is yielded waits until it answers."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    with log.path.open("a") as output:
        # By its path: with -m, a package of that name in the current folder would come first.
        server = subprocess.Popen(
            [sys.executable, api.__file__, "--port", str(port)],
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        os.environ["PREFECT_API_URL"] = url
        yield partial(_wait, server, url, log.path)
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        _flush_logs()
        with suppress(OSError):  # a data folder that was removed has no log
            log.warn()
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(5)
        server.kill()


def show_progress(verbose: bool = False) -> None:
    """Print the progress lines of the ``repricer`` logger with the time of day."""
    from rich.logging import RichHandler

    handler = RichHandler(
        show_path=False, show_level=False, omit_repeated_times=False, log_time_format="[%H:%M:%S]"
    )
    logger = logging.getLogger("repricer")
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    logger.addHandler(handler)
    logger.propagate = False  # Prefect would print every line again


class _ApiLog:
    """The log of the API, and the services that the user was warned of."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.write_bytes(b"")  # appended to from here on: another command may empty it again
        self._read = 0
        self._warned: set[str] = set()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Warn of a service as soon as it fails."""
        ended = Event()

        def watch() -> None:
            while not ended.wait(SECONDS_BETWEEN_LOOKS):
                self.warn()

        watcher = Thread(target=watch, name="api-log", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def warn(self) -> None:
        """Print one line for every service that failed since the last look, once a service."""
        if self.path.stat().st_size < self._read:
            self._read = 0
        with self.path.open("rb") as log:
            log.seek(self._read)
            news = log.read()
        self._read += len(news)
        errors = [
            error
            for error in read_errors(news.decode(errors="replace").splitlines())
            if error.service not in self._warned
        ]
        for line in describe(errors, self.path):
            report.say(f"warning: {line}")
        self._warned |= {error.service for error in errors}


def _flush_logs() -> None:
    """Hand the last lines to the API before it ends."""
    if "prefect" in sys.modules:
        from prefect.logging.handlers import APILogHandler

        APILogHandler().flush()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise ApiError(f"the Prefect API at {url} did not start within {STARTUP_SECONDS} s; see {log}")
