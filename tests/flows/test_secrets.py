"""A secret of the environment is in nothing that a retraining, a list and their errors leave behind."""

from __future__ import annotations

import base64
import os
import socket
import sqlite3
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pandas as pd
import pyarrow.parquet
import pytest

from conf import Settings
from flows.cli import ui
from tests.conftest import SMALL, environment, repricer, running, table, wait_until

CANARY = "c4nary-s3cret"
HIDDEN = [CANARY.encode(), base64.b64encode(f"bob:{CANARY}".encode()).rstrip(b"=")[:-1]]
"""The secret as it is, and as a server is sent it."""


def contents(path: Path) -> Iterator[bytes]:
    """Yield what stands in a file, unpacked where it is packed."""
    yield path.read_bytes()
    if path.suffix == ".parquet":
        yield repr(pyarrow.parquet.read_schema(path).metadata).encode()
        yield pd.read_parquet(path).to_csv().encode()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            yield from map(packed.read, packed.namelist())


def holders(folder: Path, *texts: bytes) -> list[str]:
    """Return the files below a folder in which one of the texts stands."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(text in part for part in contents(path) for text in texts)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Return the folder and the host of an MLflow server."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1"]
    command += ["--port", host.partition(":")[2], "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    env = environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false", DO_NOT_TRACK="1")
    with running(command, env, folder / "server.log"):
        health = f"http://{host}/health"
        wait_until(
            lambda: urllib.request.urlopen(health, timeout=2).status == 200,
            240,
            "the MLflow server",
            folder / "server.log",
        )
        yield folder, host


def shop_database(path: Path) -> str:
    """Write the small shop into a database and return its URL, which carries the secret."""
    with closing(sqlite3.connect(path)) as database:
        table().to_sql("sales", database, index=False)
    return f"sqlite:///file:{path}?mode=ro&uri=true&password={CANARY}"


def test_the_ui_is_given_its_store_by_the_environment_and_not_on_its_command_line(
    no_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = Mock()
    monkeypatch.setenv("REPRICER_TRACK_URI", f"postgresql://bob:{CANARY}@host/db")
    monkeypatch.setattr(subprocess, "Popen", started)
    with ui.mlflow_ui(Settings(profile="smoke", data_folder=str(tmp_path)), 5999):
        pass
    command = started.call_args.args[0]
    assert "mlflow" in command
    assert CANARY not in " ".join(command), "a command line is seen by every user of the machine"
    address = f"postgresql://bob:{CANARY}@host/db"
    assert started.call_args.kwargs["env"]["MLFLOW_BACKEND_STORE_URI"] == address


@pytest.mark.slow
def test_a_secret_of_the_environment_is_in_no_file_no_database_and_no_log(
    store: tuple[Path, str], migrated: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    served, host = store
    folder = migrated()
    shop = shop_database(tmp_path_factory.mktemp("shop") / "shop.db")
    secrets = {
        "REPRICER_TRACK_URI": f"http://bob:{CANARY}@{host}",
        "REPRICER_SOURCE_URL": shop,
        "AWS_SECRET_ACCESS_KEY": CANARY,
    }
    sets = [*SMALL, f"data_folder={folder}", "source.kind=sql", "source.query=select * from sales"]
    options = ["--profile", "smoke", *(part for value in sets for part in ("--set", value))]
    finished = repricer("retrain", *options, **secrets)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    signed = ["--version", "1", "--by", "Ada", "--reason", "a test"]
    promoted = repricer("promote", *options, *signed, **secrets)
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    said = [finished, promoted, repricer("doctor", *options, **secrets)]
    down = secrets | {"REPRICER_TRACK_URI": f"http://bob:{CANARY}@127.0.0.1:1"}
    for command in (["recommend", "--out", str(folder / "list.csv")], ["promote", *signed], ["doctor"]):
        refused = repricer(*command, *options, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0", **down)
        assert refused.returncode != 0, "its store does not answer"
        said.append(refused)
    failing = secrets | {"REPRICER_SOURCE_URL": f"postgresql+psycopg://bob:{CANARY}@127.0.0.1:1/shop"}
    said.append(repricer("retrain", *options, "--fresh", **failing))
    assert said[-1].returncode != 0, "its source does not answer"
    assert "prefect.db" in holders(folder, b"select * from sales"), "parameters of flows are searched"
    assert "mlflow.db" in holders(served, b"select * from sales"), "parameters of runs are searched"
    for searched in (folder, served):
        assert holders(searched, *HIDDEN) == []
    for command in said:
        assert CANARY not in command.stdout + command.stderr
    assert os.environ.get("MLFLOW_TRACKING_PASSWORD") is None
