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
        for name in (
            "retrain",
            "forecast",
            "cold-start",
            "scale",
            "prepare",
            "elasticity",
            "policy",
            "experiment",
        )
    ),
    "bench closed-loop",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    finished = repricer(*command.split(), "--help")
    assert finished.returncode == 0
    assert re.search(rf"repricer {command} ", finished.stdout.split("Example:")[1])


def test_a_typo_in_a_setting_is_one_line_with_its_path() -> None:
    finished = repricer("retrain", "--set", "forecast.lstm.unit=3")
    assert finished.returncode == 1
    assert (
        finished.stdout.strip()
        == "error: forecast.lstm.unit: there is no such setting. Did you mean forecast.lstm.units?"
    )
    assert "Traceback" not in finished.stderr


def test_a_misspelt_column_is_one_line_before_anything_is_started(tmp_path: Path) -> None:
    data = (
        "--data",
        "s.csv",
        "--set",
        f"data_folder={tmp_path / 'var'}",
        "--set",
        "source.columns.cost=cogs",
    )
    finished = repricer("retrain", "--source", "file", *data)
    assert finished.returncode == 1
    assert "did you mean unit_cost?" in finished.stdout
    assert "write --set source.columns.unit_cost=cogs in place of source.columns.cost" in finished.stdout
    assert not (tmp_path / "var").exists(), "a server was started for a name that cannot be"


def test_an_unknown_command_is_no_success() -> None:
    finished = repricer("retrian")
    assert finished.returncode == 1
    assert finished.stdout.strip() == "error: No such command 'retrian'. Did you mean 'retrain'?"


def test_the_help_of_retrain_names_its_exit_statuses() -> None:
    assert "75 another retraining is running (try again later)" in repricer("retrain", "--help").stdout


HEADER = "date,product_id,units,price\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("price.csv", HEADER + "2025-03-01,a,1,$9\n", "price.csv, row 1, column price: '$9'"),
        ("dates.csv", HEADER + "01/02/2025,a,1,9\n", "--set source.csv.date_format=dd/mm/yyyy"),
        ("names.csv", "Datum;Artikel;Menge;Preis\n01.03.2025;a;1;9,5\n", "--set source.columns.price=Preis"),
        (
            "wide.csv",
            "item," + ",".join(f"d_{i}" for i in range(1, 1914)) + "\n",
            "there is no 'price'; a wide",
        ),
        ("columns.csv", ",".join(f"c{i}" for i in range(100_000)) + "\n", "100,000 columns"),
        ("old.xls", "x", "save it as .xlsx or CSV"),
    ],
)
def test_a_bad_file_is_refused_before_a_server_starts_or_a_folder_is_made(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    folder = tmp_path / "data"
    refused = repricer(
        "retrain", "--source", "file", "--data", str(tmp_path / name), "--set", f"data_folder={folder}"
    )
    assert refused.returncode == 1
    assert message in refused.stdout
    assert not folder.exists(), "the API makes the folder: it started before the file was looked at"


@pytest.mark.slow
def test_the_doctor_finds_this_machine_fit(tmp_path: Path) -> None:
    finished = repricer(
        "doctor", "--set", f"data_folder={tmp_path / 'data'}", "--json", str(tmp_path / "d.json")
    )
    findings = json.loads((tmp_path / "d.json").read_text())
    assert finished.returncode == 0, finished.stdout
    assert all(finding["ok"] for finding in findings)


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
    finished = repricer(
        "experiment",
        "analyze",
        *files,
        "--report",
        str(tmp_path / "page.html"),
        "--set",
        f"data_folder={tmp_path}",
        PREFECT_API_URL=api,
    )
    assert finished.returncode == 1
    assert finished.stdout.strip().startswith("error: sample-ratio mismatch: A 1,100, B 900 units")
    assert "Traceback" not in finished.stdout + finished.stderr
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["srm"]["alarm"]
    assert (written["metrics"], written["verdict"]) == ({}, None)
    assert "no result: sample-ratio mismatch" in (tmp_path / "page.html").read_text()


@pytest.mark.slow
def test_ctrl_c_is_status_130_and_the_run_is_marked(
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
    assert process.wait(30) == 130, process.stdout.read() if process.stdout else ""
    assert not list(outliving(children, 10))
    client = client_of(folder)
    runs = client.search_runs([client.get_experiment_by_name("retrain").experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED", "KILLED"}


def test_every_command_that_runs_flows_is_named_as_their_owner() -> None:
    """A run without an owner looks alive after its command was killed, until the next retraining."""
    callers = {
        path.name for path in (ROOT / "flows" / "cli").glob("*.py") if "prefect_api(" in path.read_text()
    }
    assert callers == {"session.py", "app.py", "ui.py"}, "only `serve` and `ui` run no flow themselves"
