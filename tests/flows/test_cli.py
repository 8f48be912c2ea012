"""The command: help with examples, errors of one line, status 0 only when the thing was done."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT, client_of, environment, outliving, repricer, retrain_small, wait_for

COMMANDS = [
    "retrain",
    "promote",
    "rollback",
    "recommend",
    "serve",
    "ui",
    "doctor",
    *(f"experiment {name}" for name in ("analyze", "design", "off-policy")),
    *(f"explain {name}" for name in ("forecast", "price")),
    *(
        f"bench {name}"
        for name in ("retrain", "forecast", "cold-start", "scale", "elasticity", "policy", "experiment")
    ),
    "bench closed-loop",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    told = repricer(*command.split(), "--help")
    assert told.returncode == 0
    assert re.search(rf"repricer {command} ", told.stdout.split("Example:")[1])


def test_a_typo_in_a_setting_is_one_line_with_its_path() -> None:
    told = repricer("retrain", "--set", "forecast.lstm.unit=3")
    assert told.returncode == 1
    assert (
        told.stdout.strip()
        == "error: forecast.lstm.unit: there is no such setting. Did you mean forecast.lstm.units?"
    )
    assert "Traceback" not in told.stderr


def test_an_unknown_command_is_no_success() -> None:
    told = repricer("retrian")
    assert told.returncode == 1
    assert told.stdout.strip() == "error: No such command 'retrian'. Did you mean 'retrain'?"


@pytest.mark.slow
def test_the_doctor_finds_this_machine_fit(tmp_path: Path) -> None:
    told = repricer("doctor", "--set", f"data_folder={tmp_path / 'data'}", "--json", str(tmp_path / "d.json"))
    found = json.loads((tmp_path / "d.json").read_text())
    assert told.returncode == 0, told.stdout
    assert all(finding["ok"] for finding in found)


@pytest.mark.slow
def test_a_sample_ratio_alarm_is_no_success_and_shows_no_result(api: str, tmp_path: Path) -> None:
    rows = [f"{i},{'A' if i < 1100 else 'B'},{1 + i % 7}" for i in range(2000)]
    (tmp_path / "trial.csv").write_text("unit,arm,revenue\n" + "\n".join(rows) + "\n")
    (tmp_path / "trial.yaml").write_text("metrics: {revenue: {kind: mean, value: revenue}}\n")
    files = (
        "--data",
        str(tmp_path / "trial.csv"),
        "--spec",
        str(tmp_path / "trial.yaml"),
        "--json",
        str(tmp_path / "out.json"),
    )
    told = repricer(
        "experiment",
        "analyze",
        *files,
        "--report",
        str(tmp_path / "page.html"),
        "--set",
        f"data_folder={tmp_path}",
        PREFECT_API_URL=api,
    )
    assert told.returncode == 1
    assert told.stdout.strip().startswith("error: sample-ratio mismatch: A 1,100, B 900 units")
    assert "Traceback" not in told.stdout + told.stderr
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["srm"]["alarm"]
    assert (written["metrics"], written["verdict"]) == ({}, None)
    assert "no result: sample-ratio mismatch" in (tmp_path / "page.html").read_text()


@pytest.mark.slow
def test_p14_ctrl_c_is_status_130_and_the_run_is_marked(
    migrated: Callable[[], Path], small_csv: Path, no_environment: None
) -> None:
    folder = migrated()
    command = [sys.executable, "-m", "flows.cli", *retrain_small(small_csv, folder)]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    )
    wait_for(process, "arima trial 1")
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert not list(outliving(children, 10))
    client = client_of(folder)
    runs = client.search_runs([client.get_experiment_by_name("retrain").experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED", "KILLED"}
