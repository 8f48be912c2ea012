"""Proxies, ports, folders and packages of someone else around the command."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.cli.loopback import bypass_proxies
from flows.cli.ports import require_free
from infra.command.packages import clashing
from tests.conftest import ROOT, client_of, environment, repricer, running, wait_until

DEAD = "http://127.0.0.1:9"
KINDS = ("http_proxy", "https_proxy", "all_proxy")
PROXIES = dict.fromkeys((*KINDS, *map(str.upper, KINDS)), DEAD)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}),
        (
            {"NO_PROXY": "corp.example, localhost"},
            {"no_proxy": "corp.example,localhost,127.0.0.1", "NO_PROXY": "corp.example,localhost,127.0.0.1"},
        ),
        (
            {"no_proxy": "a", "NO_PROXY": "b"},
            {"no_proxy": "a,127.0.0.1,localhost", "NO_PROXY": "b,127.0.0.1,localhost"},
        ),
        ({"no_proxy": "*"}, {"no_proxy": "*"}),
    ],
)
def test_loopback_is_added_to_what_needs_no_proxy(given: dict[str, str], expected: dict[str, str]) -> None:
    variables = dict(given)
    bypass_proxies(variables)
    bypass_proxies(variables)
    assert variables == expected


@pytest.mark.parametrize("given", [{}, {"NO_PROXY": "corp.example"}, {"no_proxy": "*"}])
def test_libraries_reach_loopback_past_a_proxy(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from httpx._utils import get_environment_proxies
    from requests.utils import get_environ_proxies

    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**PROXIES, **given}.items():
        monkeypatch.setenv(name, value)
    bypass_proxies(os.environ)
    assert urllib.request.proxy_bypass("127.0.0.1:4200"), "urllib"
    assert not get_environ_proxies("http://127.0.0.1:4200/api"), "requests"
    passed = get_environment_proxies()
    assert not passed or passed["all://127.0.0.1"] is None, "httpx"


@pytest.mark.slow
def test_a_command_works_beside_a_dead_proxy(tmp_path: Path) -> None:
    (tmp_path / "trial.csv").write_text(
        "unit,arm,revenue\n" + "".join(f"{i},{'AB'[i % 2]},{1 + i % 7}\n" for i in range(400))
    )
    (tmp_path / "trial.yaml").write_text("metrics: {revenue: {kind: mean, value: revenue}}\n")
    files = ("--data", str(tmp_path / "trial.csv"), "--spec", str(tmp_path / "trial.yaml"))
    folder = tmp_path / "50% a#b?c ä"
    result = repricer("experiment", "analyze", *files, "--set", f"data_folder={folder}", **PROXIES)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "verdict:" in result.stdout
    assert (folder / "prefect" / "prefect.db").is_file(), "Prefect's database lies in the folder of any name"
    assert not list(tmp_path.glob("50%25*")), "no folder of an escaped name lies beside it"


def test_a_taken_port_is_refused(taken_port: int) -> None:
    with pytest.raises(
        OSError, match=rf"port {taken_port} on 127.0.0.1 cannot be used: .*in use\. .*--port NUMBER"
    ):
        require_free(taken_port)


def test_ui_on_a_taken_port_is_an_error(tmp_path: Path, taken_port: int) -> None:
    (tmp_path / "mlflow.db").touch()
    result = repricer("ui", "--port", str(taken_port), "--set", f"data_folder={tmp_path}")
    assert result.returncode == 1
    assert result.stdout.startswith(f"error: port {taken_port} on 127.0.0.1 cannot be used"), result.stdout


@pytest.mark.parametrize(
    "command",
    [
        ["ui"],
        ["promote", "--version", "1", "--by", "Ada", "--reason", "test"],
        ["rollback", "--by", "Ada", "--reason", "test"],
        ["recommend", "--out", "list.csv"],
        ["explain", "price", "--product", "1"],
    ],
    ids=lambda command: command[0],
)
def test_a_mistyped_folder_is_an_error_and_stays_absent(command: list[str], tmp_path: Path) -> None:
    result = repricer(*command, "--set", f"data_folder={tmp_path / 'typo'}")
    assert result.returncode == 1
    assert result.stdout.startswith(f"error: {tmp_path / 'typo'}: there are no runs or models"), result.stdout
    assert len(result.stdout.splitlines()) == 1
    assert not list(tmp_path.iterdir()), "nothing is made in a mistyped folder"


@pytest.mark.slow
def test_ui_shows_a_folder_of_any_name_beside_a_dead_proxy(tmp_path: Path) -> None:
    folder = tmp_path / "50% a#b?c ä"
    client_of(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "flows.cli", "ui", "--port", str(port), "--set", f"data_folder={folder}"]
    url = f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/get-by-name?experiment_name=retrain"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with running(command, environment(**PROXIES), tmp_path / "ui.log"):
        wait_until(
            lambda: b"mlartifacts" in direct.open(url, timeout=5).read(), 120, "the UI", tmp_path / "ui.log"
        )
    assert not list(tmp_path.glob("50%25*")), "no folder of an escaped name lies beside it"


def package(folder: Path, name: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").touch()


@pytest.mark.parametrize("name", ["flows", "tasks", "conf", "infra"])
def test_a_package_of_the_same_name_is_named(name: str, tmp_path: Path) -> None:
    package(tmp_path, name)
    result = subprocess.run(
        [sys.executable, "-c", "from repricer import main; main()", "retrain", "--set", "seed=x"],
        env=environment(PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}"),
        cwd=tmp_path.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert f"error: Python would import {tmp_path / name} in place of the package `{name}`" in result.stderr
    assert f"without {tmp_path} in PYTHONPATH" in result.stderr


def test_scheduled_runs_do_not_start_among_packages_of_the_same_name(tmp_path: Path) -> None:
    package(tmp_path, "tasks")
    assert clashing() is None
    assert clashing(tmp_path.parent) is None
    assert f"import {tmp_path / 'tasks'} in place of the package `tasks`" in (clashing(tmp_path) or "")
    program = "import sys; sys.path.remove(''); from repricer import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "serve", "--set", f"data_folder={tmp_path / 'data'}"],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout.startswith("error: the scheduled runs start in this folder: Python would import"), (
        result
    )
    assert not (tmp_path / "data").exists()
