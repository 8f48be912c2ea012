"""What Prefect shows of a retraining, read from Prefect's own database after a real one."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conf import Settings
from flows import run_page
from tasks.runtime.progress import STAGES
from tests.conftest import ROOT, environment

CLAIM = {
    "objective": "profit",
    "up": 1,
    "down": 2,
    "held": 3,
    "assumed": 0,
    "lift": 0.02,
    "low": 0.01,
    "high": 0.03,
    "assumed_margins": [],
}
SUMMARY: Any = {"verdict": "FAIL", "list": CLAIM, "failed_gates": ["trial_lift"]}
GATE = "trial_lift: the lower end of the trial's lift is -0.01, it must be > 0"

JUDGED = """
import json, logging, os, sys
from prefect import flow
from prefect.runtime import flow_run
from flows import run_page
summary, reasons = json.loads(sys.argv[1])
log = logging.getLogger("repricer")

@flow(name="below")
def below():
    log.info("a line from below")

@flow(name="judged")
def judged():
    with run_page.progress_shown():
        log.info("a line from above")
        below()
    print(flow_run.id)
    return run_page.conclusion(summary, reasons)

assert judged() == summary, "a caller gets the summary, not the state"
"""


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "prefect" / "prefect.db")) as database:
        return database.execute(query).fetchall()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (Settings(profile="smoke"), "smoke 2026-11-27 03:00"),
        ({"profile": "smoke", "seed": 3}, "smoke 2026-11-27 03:00"),
        ("no settings", "retrain 2026-11-27 03:00"),
    ],
)
def test_a_run_has_the_name_of_its_profile_and_its_time(
    given: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = datetime(2026, 11, 27, 3, 0).astimezone().astimezone(UTC)
    run = SimpleNamespace(parameters={"settings": given}, scheduled_start_time=due, flow_name="retrain")
    monkeypatch.setattr(run_page, "flow_run", run)
    assert run_page.run_name() == name


def test_a_fail_is_a_name_of_a_state_that_is_completed() -> None:
    state = run_page.conclusion(SUMMARY, ["note: planning ahead adds nothing", GATE])
    assert (state.type.value, state.name) == ("COMPLETED", "FAIL")
    assert state.message.startswith("FAIL on the lift of the trial: +2.0 % profit a week"), state.message
    assert state.message.endswith(GATE), "the reason is the gate, not a note"
    assert run_page.conclusion({**SUMMARY, "verdict": "PASS"}, []).name == "Completed"


def test_a_long_message_is_cut() -> None:
    message = run_page.conclusion(SUMMARY, [GATE] * 100).message
    assert len(message) == run_page.MESSAGE_LENGTH
    assert message.endswith(" ...")


@pytest.mark.slow
def test_callers_get_the_summary_and_prefect_the_verdict_and_every_line(api: str) -> None:
    program = [sys.executable, "-c", JUDGED, json.dumps([SUMMARY, [GATE]])]
    env = environment(
        PREFECT_API_URL=api, PREFECT_LOGGING_EXTRA_LOGGERS="repricer", PREFECT_LOGGING_LEVEL="WARNING"
    )
    finished = subprocess.run(program, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    run = finished.stdout.split()[-1]
    with urllib.request.urlopen(f"{api}/flow_runs/{run}", timeout=20) as answer:
        state = json.load(answer)["state"]
    assert (state["type"], state["name"]) == ("COMPLETED", "FAIL")
    assert GATE in state["message"]
    wanted = json.dumps({"logs": {"flow_run_id": {"any_": [run]}}}).encode()
    request = urllib.request.Request(f"{api}/logs/filter", wanted, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        lines = [line["message"] for line in json.load(answer) if line["name"] == "repricer"]
    assert sorted(lines) == ["a line from above", "a line from below"], "each line once"


@pytest.mark.slow
def test_the_page_of_a_retraining_has_its_verdict_summary_figures_and_progress(
    retrained: tuple[Path, dict[str, Any]],
) -> None:
    folder, summary = retrained
    [(run, name, state, message)] = rows(
        folder,
        "select f.id, f.name, f.state_name, s.message from flow_run f "
        "join flow_run_state s on s.id = f.state_id "
        "where f.name like 'smoke %' order by f.start_time desc limit 1",
    )
    assert datetime.strptime(name, "smoke %Y-%m-%d %H:%M")
    assert state == "Completed"
    assert message.startswith("PASS: "), message
    [(data, description)] = rows(
        folder, f"select data, description from artifact where key = 'summary' and flow_run_id = '{run}'"
    )
    text = json.loads(data) if data.startswith('"') else data
    assert description.startswith("PASS: ")
    assert "| blend | " in text
    assert text.count("](data:image/png;base64,iVBOR") == len(run_page.FIGURES), "the figures are in it"
    assert summary["run_id"] in text
    lines = [
        line
        for (line,) in rows(folder, f"select message from log where flow_run_id = '{run}' order by timestamp")
    ]
    begun = [line.split(" ...")[0] for line in lines if line.startswith("stage ")]
    assert begun == [f"stage {number} of 9: {shown}" for number, shown in enumerate(STAGES.values(), start=1)]
    assert "to go" not in "".join(lines), "the first retraining has no time to expect"
    tasks = {task for (task,) in rows(folder, "select name from task_run")}
    assert {"forecast, ARIMA", "forecast, LSTM", "forecast, blend"} <= tasks
