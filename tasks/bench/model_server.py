"""A registered model behind ``mlflow models serve``, and the bare server that it is compared with."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from tasks.runtime.memory import MEGABYTE

HOST = "127.0.0.1"
SECONDS_TO_START, SECONDS_TO_END = 120.0, 10.0
SECONDS_BETWEEN_LOOKS = 0.05
EMPTY = '''"""A model that answers nothing."""


class Empty:
    def predict(self, rows, params=None):
        return []


def _load_pyfunc(path):
    return Empty()
'''
DESCRIPTION = {"flavors": {"python_function": {"loader_module": "empty_model", "code": "code"}}}


class ServerError(RuntimeError):
    """A server that did not start, or that refused a request."""


@dataclass
class ModelServer:
    """A server of one model.

    Attributes:
        process: the command that started it.
        connection: opened by the first request, and kept.
        ready_seconds: from the command to the first answer to a ping.
    """

    process: subprocess.Popen[bytes]
    connection: http.client.HTTPConnection
    ready_seconds: float = 0.0

    def seconds(self, body: bytes) -> float:
        """Return how long a request takes.

        Raises:
            ServerError: it was refused.
        """
        start = time.perf_counter()
        self.connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        answer = response.read()
        seconds = time.perf_counter() - start
        if response.status != http.client.OK:
            raise ServerError(f"the model server answered {response.status}: {answer.decode()[:300]}")
        return seconds

    def megabytes(self) -> float:
        """Return the resident memory of its largest process (MB)."""
        command = psutil.Process(self.process.pid)
        processes = [command, *command.children(recursive=True)]
        return float(max(process.memory_info().rss for process in processes) / MEGABYTE)


@contextmanager
def serving(model: Path, scratch: Path) -> Iterator[ModelServer]:
    """Serve the model of a folder on a free port of this machine; its processes end with the block.

    Raises:
        ServerError: it does not answer in time.
    """
    port, log, start = _free_port(), scratch / f"{model.name}.log", time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(model, port), env=_environment(), stdout=output, stderr=output, start_new_session=True
        )
    try:
        server = ModelServer(process, http.client.HTTPConnection(HOST, port, timeout=SECONDS_TO_START))
        _await(server, log, start + SECONDS_TO_START)
        server.ready_seconds = time.perf_counter() - start
        yield server
    finally:
        _end(process)


def write_empty(folder: Path, model: Path | None = None) -> Path:
    """Write the folder of a model that answers nothing, and return it.

    Args:
        folder: to be made.
        model: folder of a model whose signature it gets, by which MLflow checks requests; none: no signature.
    """
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "empty_model.py").write_text(EMPTY, encoding="utf-8")
    described = yaml.safe_load((model / "MLmodel").read_text(encoding="utf-8")) if model else {}
    description = DESCRIPTION | {key: described[key] for key in ("signature",) if key in described}
    (folder / "MLmodel").write_text(json.dumps(description), encoding="utf-8")
    return folder


def body_of(rows: list[dict[str, Any]]) -> bytes:
    """Return the body of a request."""
    return json.dumps({"dataframe_records": rows}).encode()


def _command(model: Path, port: int) -> list[str]:
    options = ["--env-manager", "local", "--host", HOST, "--port", str(port), "--workers", "1"]
    return [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model), *options]


def _environment() -> dict[str, str]:
    """Return the environment of a server, in which MLflow finds its web server and reports nothing."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}


def _await(server: ModelServer, log: Path, deadline: float) -> None:
    while time.perf_counter() < deadline and server.process.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            server.connection.request("GET", "/ping")
            response = server.connection.getresponse()
            response.read()
            if response.status == http.client.OK:
                server.connection.close()  # the server would, unused until the other one is ready
                return
        server.connection.close()
        time.sleep(SECONDS_BETWEEN_LOOKS)
    raise ServerError(
        f"`mlflow models serve` did not answer within {SECONDS_TO_START:.0f} s: "
        f"{log.read_text(encoding='utf-8', errors='replace')[-1000:]}"
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the processes that a command started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_END)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
