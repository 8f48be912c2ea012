"""A small shop, and the command as a user would run it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
DAYS, PRODUCTS = 240, 12
MODELS = ("demand", "price_response", "pricing_policy")
NAMES = {
    "date": "day",
    "product_id": "sku",
    "units": "qty",
    "price": "net_price",
    "category": "shelf",
    "promotion_deal": "deal",
}
NAMES |= {"reference_price": "before", "propensity": "chance"}
SMALL = [
    "forecast.horizon=7",
    "forecast.holdout_origins=1",
    "forecast.lstm.window=14",
    "forecast.arima.trials=1",
    "price.objective=revenue",
    "price.ladder_low=0.8",  # the steps of the small shop's logged prices
    "price.ladder_high=1.2",
    "price.ladder_steps=5",
    "price.guard.step=0.2",
    "price.guard.band=0.5",
    "price.guard.index_week=0.2",
    "price.guard.index_season=0.5",
    "price.dqn.environment_steps=20000",
    "evaluate.min_lift=-0.1",
    "evaluate.tolerance=0.1",
    *(f"source.columns.{ours}={theirs}" for ours, theirs in NAMES.items()),
]
"""What makes the smoke profile quicker still, on a table with other column names; no lift is required."""


def pytest_configure() -> None:
    """Let the commands under test hear Ctrl-C, which a shell that runs in the background ignores."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; a file stays on one core, with what its tests share."""
    items.sort(
        key=lambda item: (
            "retrained" not in getattr(item, "fixturenames", ()),
            item.get_closest_marker("slow") is None,
        )
    )


def table(seed: int = 0) -> pd.DataFrame:
    """Return daily sales of products with elasticities from -3 to -0.5, in the words of another shop.

    Prices are drawn week by week.
    """
    rng = np.random.default_rng(seed)
    dates = pd.date_range("2025-01-06", periods=DAYS)
    parts = []
    for product, elasticity in enumerate(np.linspace(-3.0, -0.5, PRODUCTS)):
        step = (1 + 0.1 * rng.integers(-2, 3, DAYS // 7 + 1)).repeat(7)[:DAYS]
        deal = (rng.random(DAYS // 7 + 1) < 0.2).astype(int).repeat(7)[:DAYS]
        before = np.where(deal, 2.7, 3.0)
        price = before * step
        mean = (
            6
            * (1 + product)
            * (price / 3) ** elasticity
            * np.exp(0.4 * deal)
            * np.where(dates.dayofweek == 5, 1.8, 1.0)
        )
        parts.append(
            pd.DataFrame(
                {
                    "day": dates.strftime("%Y-%m-%d"),
                    "sku": f"{product:03d}",
                    "shelf": "drinks" if product < 6 else "bread",
                    "qty": rng.poisson(mean),
                    "net_price": price.round(2),
                    "deal": deal,
                    "before": before,
                    "chance": 0.2,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def small_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a small shop."""
    path = tmp_path_factory.mktemp("source") / "sales.csv"
    table().to_csv(path, index=False)
    return path


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a command: no server of another program, this code, no colours."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "MLFLOW_", "REPRICER_"))
    }
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200", **more}


def of(home: Path) -> dict[str, str]:
    """Return the environment of an API whose database lies in a folder."""
    database = f"sqlite+aiosqlite:///{home / 'prefect.db'}"
    return environment(PREFECT_HOME=str(home), PREFECT_SERVER_DATABASE_CONNECTION_URL=database)


def repricer(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        env=environment(**more),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


def retrain_small(
    csv: Path, folder: Path, sets: Sequence[str] = (), json_file: Path | None = None
) -> list[str]:
    """Return the arguments of a small retraining."""
    options = [part for value in [*SMALL, f"data_folder={folder}", *sets] for part in ("--set", value)]
    output = ["--json", str(json_file)] if json_file else []
    return ["retrain", "--profile", "smoke", "--source", "file", "--data", str(csv), *options, *output]


@contextmanager
def running(command: list[str], env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command beside the test, and end it."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=output, cwd=ROOT)
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def wait_until(ready: Callable[[], bool], seconds: float, what: str, log: Path) -> None:
    """Wait for what must come about, or fail with the log."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError):
            if ready():
                return
        time.sleep(0.5)
    pytest.fail(f"{what} was not ready within {seconds} s: {log.read_text()[-3000:]}")


def wait_for(process: subprocess.Popen[str], line: str) -> list[str]:
    """Read what a command says until a line, or fail with what was said."""
    assert process.stdout is not None
    lines = []
    for text in process.stdout:
        lines.append(text)
        if line in text:
            return lines
    pytest.fail(f"{line!r} was never said: {''.join(lines)[-3000:]}")


def outliving(processes: list[psutil.Process], seconds: float) -> Iterator[psutil.Process]:
    """Return the processes that still run after some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(map(alive, processes)):
        time.sleep(0.2)
    return filter(alive, processes)


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="session")
def api_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the server that commands share."""
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="session")
def migrated(api: str, api_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return what makes a data folder with a Prefect database: its server then starts three times as fast."""

    def folder() -> Path:
        data = tmp_path_factory.mktemp("data")
        (data / "prefect").mkdir()
        with (
            closing(sqlite3.connect(api_folder / "prefect.db")) as there,
            closing(sqlite3.connect(data / "prefect" / "prefect.db")) as here,
        ):
            there.backup(here)
        return data

    return folder


@pytest.fixture(scope="session")
def api(api_folder: Path) -> Iterator[str]:
    """Return the address of a Prefect server that commands share; without it every command starts one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    env = environment(
        PREFECT_HOME=str(api_folder), PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="1"
    )
    command = [sys.executable, "-m", "infra.api", "--port", str(port), "--parent", str(os.getpid()), "--open"]
    with running(command, env, api_folder / "server.log"):
        wait_until(
            lambda: urllib.request.urlopen(f"{url}/health", timeout=2).status == 200,
            240,
            "the server",
            api_folder / "server.log",
        )
        yield url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Yield the URL of a PostgreSQL server that tests share; they are skipped where there can be none."""
    from tests import postgres

    yield from postgres.server()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """Yield the URL of an empty PostgreSQL database."""
    from tests import postgres

    with postgres.database(postgres_server) as url:
        yield url


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the variables away that would point to another program's servers."""
    for name in [n for n in os.environ if n.startswith(("PREFECT_", "MLFLOW_", "REPRICER_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def retrained(small_csv: Path, migrated: Callable[[], Path]) -> tuple[Path, dict[str, Any]]:
    """Return the data folder of a retraining and its JSON."""
    folder = migrated()
    finished = repricer(*retrain_small(small_csv, folder, json_file=folder / "out.json"))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return folder, json.loads((folder / "out.json").read_text())


def client_of(folder: Path) -> Any:
    """Return an MLflow client of a data folder."""
    from conf import Settings
    from tasks.runtime.track import open_store

    return open_store(Settings(profile="smoke", data_folder=str(folder)))


def aliases(folder: Path) -> dict[str, dict[str, int]]:
    """Return the aliases of every model and their versions."""
    client = client_of(folder)
    return {
        name: {k: int(v) for k, v in client.get_registered_model(name).aliases.items()} for name in MODELS
    }
