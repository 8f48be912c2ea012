"""A retraining that a schedule started ends with the command that keeps the schedule."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from tasks.runtime.started_by import STARTED_BY, ended_with_starter, starter
from tests.conftest import ROOT, environment, wait_for

RUN = """
import sys, time
from tasks.runtime.interruption import closed_without_unwinding
from tasks.runtime.started_by import ended_with_starter

def ask_prefect():
    time.sleep(600)  # its API is dead

with ended_with_starter(sys.argv[1]), closed_without_unwinding(ask_prefect):
    with closed_without_unwinding(lambda: print("closed", flush=True)):
        print("at work", flush=True)
        time.sleep(600)
"""
STARTER = """
import subprocess, sys, time
from tasks.runtime.started_by import starter

with starter(sys.argv[1]) as started:
    run = subprocess.Popen([sys.executable, "-c", *sys.argv[2:0:-1]])
    if sys.stdin.readline():
        started.release()
    run.wait()
"""


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "released"])
def test_a_run_whose_starter_is_gone_closes_what_it_can_and_ends(killed: bool, tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTER, str(tmp_path), RUN]
    starter = Popen(command, env=environment(), stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True, cwd=ROOT)
    wait_for(starter, "at work")
    if killed:
        starter.kill()
    said, errors = starter.communicate("stop\n", timeout=60)  # until the run, which writes too, has ended
    assert said == "closed\n"
    assert "stopped: the command that started this retraining has ended" in errors


def test_a_run_of_a_person_has_no_starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STARTED_BY, raising=False)
    with ended_with_starter(str(tmp_path)):
        assert not list(tmp_path.iterdir())
    with starter(str(tmp_path)), ended_with_starter(str(tmp_path)):
        time.sleep(1)  # a look and more
    assert STARTED_BY not in os.environ
