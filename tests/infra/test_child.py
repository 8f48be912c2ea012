"""Processes that end with the one that started them, even where that one is dead before they begin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra import api, child
from tests.conftest import ROOT, environment

PATIENCE = 60  # seconds
DEAD = "4194304"  # no process has this id on Linux: ids are smaller


@pytest.mark.parametrize(
    "command",
    [
        [child.__file__, DEAD, "timeit", "-n", "1", "import time; time.sleep(600)"],
        [api.__file__, "--port", "1", "--parent", DEAD, "--open"],
    ],
    ids=["child", "api"],
)
def test_a_process_whose_parent_died_at_its_birth_ends(command: list[str], tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, *command],
        env=environment(PREFECT_HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "usage" not in process.stderr


def test_a_process_runs_as_long_as_its_parent() -> None:
    command = [sys.executable, child.__file__, str(os.getpid()), "timeit", "-n", "1", "-r", "1", "pass"]
    finished = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert "1 loop" in finished.stdout


def test_an_api_without_a_process_to_end_with_is_refused() -> None:
    finished = subprocess.run(
        [sys.executable, api.__file__, "--port", "1"], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 2
    assert "one of the arguments --parent --users is required" in finished.stderr
