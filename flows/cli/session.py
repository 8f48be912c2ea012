"""What a command needs around a flow: quiet frameworks, a Prefect API, an orderly end."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from conf import Settings
from flows.cli.loopback import bypass_proxies
from flows.cli.prefect_database import DATABASE, DATABASES, database_uri, locks_said
from flows.cli.shared_api import SharedApi, shared_api
from flows.cli.stops import STOP, stopped_without
from tasks.runtime.disk import full_disk_named
from tasks.runtime.heartbeat import heartbeat
from tasks.runtime.owners import dead, owned_runs

log = logging.getLogger("repricer")

CLIENT_PASSWORD = "PREFECT_API_AUTH_STRING"
ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # nothing that a browser asks for runs on this machine
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

OF_THE_API = {
    "PREFECT_SERVER_UI_API_URL": "/api",  # at whatever port it is
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}


def quiet_environment() -> None:
    """Switch telemetry, start-up noise and surprise servers off where the user has not said otherwise."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.raiseExceptions = False  # a line that cannot be logged is no reason to print its traceback
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    bypass_proxies(os.environ)


@contextmanager
def prefect_api(
    settings: Settings,
    log_level: str = "CRITICAL",
    meanwhile: Sequence[str] = (),
    *,
    at_once: bool = False,
    port: int | None = None,
) -> Iterator[SharedApi | None]:
    """Give flows an API: the one that ``PREFECT_API_URL`` names, else the one of the data folder on loopback.

    It is shared with the other commands on the data folder and ends with the last of them. A command whose
    API ends before it is stopped. None is yielded for an API that ``PREFECT_API_URL`` names.

    Call it before Prefect is imported: it reads its settings once.

    Args:
        settings: of the data folder whose API it is, and of the store of its runs.
        log_level: of Prefect's own lines; a command that prints its errors itself keeps them out.
        meanwhile: modules to import while the API starts.
        at_once: warn of a service that fails when it fails, not only at the end.
        port: of the API where it is not running yet, a free one by default.
    """
    quiet_environment()
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", log_level)
    STOP.listen()
    if os.environ.get("PREFECT_API_URL"):
        _end_killed(settings)
        yield None
        return
    home = Path(settings.data_folder).resolve() / "prefect"
    with (
        full_disk_named(home.parent),
        shared_api(home, _environment(home), port) as shared,
        _used(shared, home),
    ):
        _await(shared, meanwhile)
        _end_killed(settings)
        watched = shared.log.watched() if at_once else nullcontext()
        with stopped_without(shared.alive, shared.log.path), watched, locks_said(home):
            yield shared


def _await(shared: SharedApi, meanwhile: Sequence[str]) -> None:
    """Import modules while an API starts, and wait for it."""
    log.info("starting Prefect and the libraries ...")
    with heartbeat("starting"):
        for name in meanwhile:
            importlib.import_module(name)
        shared.wait()


@contextmanager
def flow_session(settings: Settings, meanwhile: Sequence[str] = ()) -> Iterator[None]:
    """Give flows an API, and tag those that begin in here as runs of this process.

    Args:
        settings: of the data folder on which they run.
        meanwhile: modules to import while the API starts.
    """
    with prefect_api(settings, meanwhile=meanwhile), owned_runs(settings.data_folder):
        yield


def _end_killed(settings: Settings) -> None:
    """End the runs that killed commands left; Prefect and MLflow are imported only where there are some."""
    folder = Path(settings.data_folder)
    if dead(folder):
        from tasks.runtime.orphans import end_killed
        from tasks.runtime.resume import sweep_killed

        sweep_killed(settings)
        end_killed(folder)  # last: who was killed is forgotten by it


def _environment(home: Path) -> dict[str, str]:
    """Return the environment of an API whose database lies in a folder, unless the user named another."""
    environment = {**os.environ, **OF_THE_API}
    if environment.keys().isdisjoint(DATABASES):
        environment[DATABASE] = database_uri(home)
    return environment


@contextmanager
def _used(shared: SharedApi, home: Path) -> Iterator[None]:
    """Point Prefect at an API, and at the end hand it the last lines and warn of services that failed."""
    STOP.kept.add(shared.process.pid)
    os.environ["PREFECT_HOME"] = str(home)
    os.environ |= {"PREFECT_API_URL": shared.url, CLIENT_PASSWORD: shared.login}
    try:
        yield
    finally:
        for name in ("PREFECT_API_URL", CLIENT_PASSWORD):
            os.environ.pop(name, None)
        _flush_logs()
        with suppress(OSError):  # a data folder that was removed has no log
            shared.log.warn()


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


def _flush_logs() -> None:
    """Hand the last lines to the API before it ends."""
    if "prefect" in sys.modules:
        from prefect.logging.handlers import APILogHandler

        APILogHandler().flush()
