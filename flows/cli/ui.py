"""The command ``repricer ui``: MLflow and Prefect for one data folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from conf import Settings
from flows.cli import report
from flows.cli.hints import require_store
from flows.cli.options import Profile, Sets, settings_of
from flows.cli.ports import free_port, require_free
from flows.cli.session import prefect_api, show_progress
from flows.cli.shared_api import SharedApi
from flows.cli.start_error import start_error
from infra import child
from tasks.runtime.disk import shortage
from tasks.runtime.heartbeat import heartbeat

MLFLOW_PORT, PREFECT_PORT = 5000, 4200  # as a user of both expects them
STARTUP_SECONDS = 120
SECONDS_TO_END = 10

Port = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Port of MLflow on 127.0.0.1, else a free one.")
]
PrefectPort = Annotated[
    int | None,
    typer.Option("--prefect-port", min=1, max=65535, help="Port of Prefect on 127.0.0.1, else a free one."),
]


class UiError(RuntimeError):
    """An MLflow UI that does not come up."""


def ui(
    profile: Profile = "default", sets: Sets = None, port: Port = None, prefect_port: PrefectPort = None
) -> None:
    """Open the MLflow UI and the Prefect UI on the runs and models of a profile, until Ctrl-C.

    MLflow shows runs, figures and model versions, Prefect the flow runs with their logs and verdicts.

    Example: `repricer ui --profile smoke --port 5001`
    """
    settings = settings_of(profile, sets)
    require_store(settings)
    if port:
        require_free(port)
    show_progress()
    report.say("starting MLflow and Prefect ...")
    runs, mlflow_port = _runs_page(settings), port or free_port(MLFLOW_PORT)
    with (
        mlflow_ui(settings, mlflow_port) as server,
        prefect_api(settings, port=prefect_port or free_port(PREFECT_PORT)) as shared,
    ):
        _wait(server, mlflow_port, _log_of(settings))
        report.say(f"MLflow   http://127.0.0.1:{mlflow_port}{runs}")
        report.say(f"Prefect  {_prefect_page(shared)}")
        report.say(f"of {settings.data_folder}; both end with Ctrl-C")
        server.wait()
    raise UiError(f"MLflow ended by itself; see {_log_of(settings)}")


def _runs_page(settings: Settings) -> str:
    """Return the page of the retrainings below the address of MLflow; it would open on chats else."""
    from tasks.runtime import champion_aliases, track

    champion_aliases.repair(settings)
    return track.runs_view_path(settings)


def _prefect_page(shared: SharedApi | None) -> str:
    """Return the page that hands the browser the password and goes on to the runs."""
    from infra.access import LOGIN, basic

    if shared is None:
        return f"{os.environ['PREFECT_API_URL'].removesuffix('/api')} (PREFECT_API_URL)"
    note = " (started by another command on this data folder)" if shared.joined else ""
    return f"{shared.url.removesuffix('/api')}{LOGIN}#{basic(shared.login)}{note}"


@contextmanager
def mlflow_ui(settings: Settings, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the MLflow UI, and yield its process; it may not answer yet."""
    from tasks.runtime import track

    options = {"--host": "127.0.0.1", "--port": str(port)}
    options["--workers"] = "1"  # one person looks, and a worker takes 250 MB
    # A command line is seen by everybody on the machine, an environment is not.
    environment = {**os.environ, "MLFLOW_BACKEND_STORE_URI": track.store_uri(settings)}
    command = [
        sys.executable,
        child.__file__,
        str(os.getpid()),
        "mlflow",
        "ui",
        *(part for pair in options.items() for part in pair),
    ]
    with _log_of(settings).open("wb") as log:
        # A session of its own: it ends in order after Ctrl-C here, not in the midst of it.
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield server
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(SECONDS_TO_END)
        server.kill()


def _log_of(settings: Settings) -> Path:
    return Path(settings.data_folder) / "mlflow-ui.log"


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until MLflow answers.

    Raises:
        UiError: it ended, or did not answer in time.
    """
    begin, address = time.monotonic(), f"http://127.0.0.1:{port}"
    with heartbeat("starting MLflow"):
        while time.monotonic() < begin + STARTUP_SECONDS and server.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=2) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.2)
    failure = start_error(f"MLflow at {address}", server.poll(), time.monotonic() - begin, log)
    raise UiError(shortage(log) or failure)
