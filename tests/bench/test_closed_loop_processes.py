"""Shops in processes of their own: all results arrive, failures are told, and no process is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tasks.bench.closed_loop_processes import ProcessError, command_of, in_processes

WRITE = """
import json, sys, time
time.sleep({wait})
json.dump({{'shops': ['{name}']}}, open(sys.argv[2], 'w'))
"""
ENDLESS = "import time; time.sleep(60)"


def command(folder: Path, name: str, script: str) -> list[str]:
    return [sys.executable, "-c", script, "--json", str(folder / name / "shop.json")]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Return the processes that are started from now on."""
    processes: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            processes.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    return processes


def test_the_command_of_a_shop_measures_it_alone_and_writes_into_its_folder(tmp_path: Path) -> None:
    made = " ".join(command_of("ces", 7, tmp_path, ["--weeks", "2"])[1:])
    chosen = f"--shops 1 --kind ces --seed 7 --folder {tmp_path}"
    assert made == (f"-m flows.cli bench closed-loop {chosen} --json {tmp_path}/ces-7/shop.json --weeks 2")


def test_results_arrive_as_their_processes_end(tmp_path: Path) -> None:
    waits = {"slow": 1.2, "fast": 0.0, "last": 0.0}
    commands = [command(tmp_path, name, WRITE.format(wait=wait, name=name)) for name, wait in waits.items()]
    assert list(in_processes(commands, 2)) == ["fast", "last", "slow"]
    assert list(in_processes(commands[:2], 1)) == ["slow", "fast"]


def test_a_process_that_fails_is_told_and_the_others_end(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    commands = [command(tmp_path, "a", ENDLESS), command(tmp_path, "b", "raise SystemExit('no room')")]
    start = time.monotonic()
    with pytest.raises(ProcessError, match=r"b: status 1\. .*no room"):
        list(in_processes(commands, 2))
    assert time.monotonic() - start < 20
    assert sorted(process.returncode for process in started) == [-signal.SIGTERM, 1]


def test_no_process_outlives_a_caller_who_stops(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    commands = [
        command(tmp_path, "a", WRITE.format(wait=0, name="a")),
        command(tmp_path, "b", ENDLESS),
    ]
    with closing(in_processes(commands, 2)) as shops:
        assert next(shops) == "a"
        assert [process.poll() for process in started] == [0, None]
    assert [process.returncode for process in started] == [0, -signal.SIGTERM]
