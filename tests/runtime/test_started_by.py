"""A retraining that a schedule started ends with the command that keeps the schedule."""

from __future__ import annotations

import os
import sys
from subprocess import PIPE, Popen

import pytest

from tasks.runtime.started_by import STARTED_BY, ended_with_starter
from tests.conftest import ROOT, environment, wait_for

RUN = """
import time
from tasks.runtime.interruption import closed_without_unwinding
from tasks.runtime.started_by import ended_with_starter

with ended_with_starter(), closed_without_unwinding(lambda: time.sleep(600)):  # as Prefect without its API
    with closed_without_unwinding(lambda: print("closed", flush=True)):
        print("at work", flush=True)
        time.sleep(600)
"""
STARTER = """
import os, subprocess, sys
environment = {**os.environ, "REPRICER_STARTED_BY": str(os.getpid())}
subprocess.run([sys.executable, "-c", sys.argv[1]], env=environment)
"""


def test_a_run_whose_starter_was_killed_closes_what_it_can_and_ends() -> None:
    command = [sys.executable, "-c", STARTER, RUN]
    starter = Popen(command, env=environment(), stdout=PIPE, stderr=PIPE, text=True, cwd=ROOT)
    wait_for(starter, "at work")
    starter.kill()
    said, errors = starter.communicate(timeout=60)  # until the run, which writes there too, has ended
    assert said == "closed\n"
    assert "stopped: the command that started this retraining has ended" in errors


def test_a_run_of_a_person_has_no_starter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STARTED_BY, raising=False)
    with ended_with_starter():
        pass
    monkeypatch.setenv(STARTED_BY, str(os.getpid()))
    with ended_with_starter():
        pass
