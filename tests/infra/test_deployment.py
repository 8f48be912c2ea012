"""A schedule starts its runs by itself: of `repricer serve`, and of a deployment with a worker."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from conf.assignments import assigned
from infra.access import basic
from tasks.runtime.service_errors import read_errors
from tests.conftest import ROOT, SMALL, aliases, environment, running, wait_until

pytestmark = pytest.mark.slow

EVERY_MINUTE = "* * * * *"
LATENESS = timedelta(seconds=90)
SLOTS = 3
LOCKED = "database is locked"  # SQLite on a busy machine; the next round of the service does the work
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass(frozen=True)
class Scheduled:
    """What the schedules of `serve` and of the deployment did, with nobody's hand on them."""

    served: list[dict[str, Any]]
    deployed: list[dict[str, Any]]
    unattended: list[dict[str, Any]]
    events: list[dict[str, Any]]
    data: Path
    logs: dict[str, Path]


def test_serve_starts_a_run_at_three_slots_in_a_row(scheduled: Scheduled) -> None:
    assert_slots_in_a_row(scheduled.served[:SLOTS])


def test_a_run_that_serve_starts_reaches_the_sales_table(scheduled: Scheduled) -> None:
    messages = [run["state"]["message"] or "" for run in scheduled.served[:SLOTS]]
    assert all("sales.csv" in message for message in messages), messages


def test_a_deployment_starts_a_run_at_three_slots_in_a_row(scheduled: Scheduled) -> None:
    assert_slots_in_a_row(scheduled.deployed[:SLOTS])


def test_a_scheduled_retraining_ends_in_a_candidate(scheduled: Scheduled) -> None:
    states = [run["state_type"] for run in scheduled.deployed[:SLOTS]]
    assert states == ["FAILED", "FAILED", "COMPLETED"], scheduled.logs["worker"].read_text()[-4000:]
    assert aliases(scheduled.data)["pricing_policy"] == {"candidate": 1}


def test_a_slot_during_a_retraining_is_refused(scheduled: Scheduled) -> None:
    retraining = scheduled.deployed[SLOTS - 1]
    meanwhile = [
        run
        for run in scheduled.deployed[SLOTS:]
        if slot(run) + timedelta(seconds=20) < moment(retraining["end_time"])
    ]
    states = [
        (run["state_type"], run["state"]["message"] or "") for run in meanwhile if run["state_type"] in ENDED
    ]
    assert all(state == "FAILED" and "already running" in message for state, message in states), states


def test_a_run_that_nobody_fetches_is_late(scheduled: Scheduled) -> None:
    assert scheduled.unattended[0]["state_name"] == "Late"


def test_an_automation_hears_of_a_flow_that_failed(scheduled: Scheduled) -> None:
    assert scheduled.events, "the automation on failed flows was never triggered"


def test_no_service_of_prefect_failed_meanwhile(scheduled: Scheduled) -> None:
    for name in ("api", "served api"):
        errors = [
            error
            for error in read_errors(scheduled.logs[name].read_text().splitlines())
            if LOCKED not in error.cause
        ]
        assert not errors, f"{name}: {errors}"
    warnings = [
        line
        for line in scheduled.logs["serve"].read_text().splitlines()
        if line.startswith("warning: Prefect's service")
    ]
    assert all(LOCKED in line for line in warnings), warnings


def assert_slots_in_a_row(runs: list[dict[str, Any]]) -> None:
    assert len(runs) == SLOTS, f"{len(runs)} of {SLOTS} slots have a run"
    assert all(run["auto_scheduled"] for run in runs), "a run that the schedule did not make"
    steps = {slot(after) - slot(before) for before, after in pairwise(runs)}
    assert steps == {timedelta(minutes=1)}, f"slots missed: {[run['expected_start_time'] for run in runs]}"
    lateness = [moment(run["start_time"]) - slot(run) for run in runs]
    assert max(lateness) <= LATENESS, f"seconds after the slot: {[late.total_seconds() for late in lateness]}"


def slot(run: dict[str, Any]) -> datetime:
    return moment(run["expected_start_time"])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def scheduled(
    api: str,
    api_folder: Path,
    small_csv: Path,
    migrated: Callable[[], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scheduled]:
    """Return what `serve` and a deployment did on a cron of every minute.

    Both share the waiting. The table that they read does not exist at first, so that a run is refused in
    seconds; it is laid down for the deployment's third slot alone, whose run is a retraining to its end.
    """
    folder, served_data = tmp_path_factory.mktemp("scheduled"), migrated()
    logs = {"api": api_folder / "server.log", "served api": served_data / "prefect" / "api.log"}
    logs |= {name: folder / f"{name}.log" for name in ("serve", "worker")}
    deployment = deploy(api, folder)
    automation = on_failure(api)
    unattended = deploy_unattended(api, deployment["flow_id"])
    sets = [
        *SMALL,
        f"data_folder={served_data}",
        "source.kind=file",
        f"source.path={folder / 'no' / 'sales.csv'}",
    ]
    options = [part for value in [*sets, f"schedule.cron={EVERY_MINUTE}"] for part in ("--set", value)]
    serve = [sys.executable, "-m", "flows.cli", "serve", "--profile", "smoke", *options]
    worker = [prefect_command(), "worker", "start", "--pool", "local"]
    with (
        running(worker, worker_environment(api, folder), logs["worker"]),
        running(serve, environment(), logs["serve"]) as server,
    ):
        deployed = partial(due, api, deployment["id"])
        wait_until(
            lambda: all_ended(deployed(), SLOTS - 1), 260, "two slots of the deployment", logs["worker"]
        )
        shutil.copy(small_csv, folder / "sales.csv")
        wait_until(lambda: all_ended(served(served_data), SLOTS), 200, "three slots of serve", logs["serve"])
        served_runs = served(served_data)
        server.terminate()
        wait_until(lambda: all_ended(deployed(), SLOTS), 300, "the retraining", logs["worker"])
        deployed_runs = deployed()
    yield Scheduled(
        served_runs, deployed_runs, due(api, unattended), triggered(api, automation), folder / "data", logs
    )
    for kind, identity in (
        ("automations", automation),
        ("deployments", deployment["id"]),
        ("deployments", unattended),
    ):
        call(f"{api}/{kind}/{identity}", method="DELETE")


def deploy(api: str, folder: Path) -> dict[str, Any]:
    """Deploy as an operator does, then every minute on a table in the folder; return the deployment."""
    env = worker_environment(api, folder)
    prefect = prefect_command()
    settings = assigned(
        [*SMALL, "forecast.lstm.trials=0", f"data_folder={folder / 'data'}", "source.kind=file"], Settings
    )
    settings["source"]["path"] = str(folder / "sales.csv")
    parameters = json.dumps({"settings": {"profile": "smoke", **settings}})
    weekly = ("--prefect-file", "infra/prefect.yaml", "--name", "weekly")
    for command in (
        [prefect, "work-pool", "create", "local", "--type", "process"],
        ["make", "--no-print-directory", "-o", "setup", "deploy", f"BIN={Path(sys.executable).parent}"],
        [prefect, "--no-prompt", "deploy", *weekly, "--params", parameters],
        [
            prefect,
            "deployment",
            "schedule",
            "create",
            "--replace",
            "-y",
            "--cron",
            EVERY_MINUTE,
            "retrain/weekly",
        ],
    ):
        result = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
    deployment = call(f"{api}/deployments/name/retrain/weekly")
    assert [entry["schedule"]["cron"] for entry in deployment["schedules"]] == [EVERY_MINUTE]
    return deployment


def deploy_unattended(api: str, flow: str) -> str:
    """Deploy every minute without a worker that would fetch a run; return the id."""
    schedule = {"schedule": {"cron": EVERY_MINUTE, "timezone": "UTC"}, "active": True}
    return call(f"{api}/deployments/", {"name": "unattended", "flow_id": flow, "schedules": [schedule]})["id"]


def on_failure(api: str) -> str:
    """Make an automation that hears of every flow that fails; return its id.

    Of the run that a schedule made itself it hears late: Prefect waits for the event of its first state,
    which the scheduler does not send. Its first flow, `prepare`, is heard of at once.
    """
    trigger = {
        "type": "event",
        "posture": "Reactive",
        "threshold": 1,
        "within": 0,
        "expect": ["prefect.flow-run.Failed"],
    }
    return call(
        f"{api}/automations/", {"name": "failed", "trigger": trigger, "actions": [{"type": "do-nothing"}]}
    )["id"]


def triggered(api: str, automation: str) -> list[dict[str, Any]]:
    """Return the events that say that an automation was triggered."""
    wanted = {
        "event": {"name": ["prefect.automation.triggered"]},
        "resource": {"id": [f"prefect.automation.{automation}"]},
    }
    return call(f"{api}/events/filter", {"filter": wanted})["events"]


def worker_environment(api: str, folder: Path) -> dict[str, str]:
    return environment(
        PREFECT_API_URL=api,
        PREFECT_HOME=str(folder / "prefect"),
        REPRICER_HOME=str(ROOT),
        DO_NOT_TRACK="1",
        PREFECT_WORKER_QUERY_SECONDS="1",
        TF_CPP_MIN_LOG_LEVEL="3",
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )


def prefect_command() -> str:
    return str(Path(sys.executable).parent / "prefect")


def served(data: Path) -> list[dict[str, Any]]:
    """Return the runs of `serve` whose slot has come, from the API that its process started for itself."""
    text = (data / "prefect" / "api.lock").read_text()
    if not text:
        raise ConnectionError("no API yet")
    entry = json.loads(text)
    api = f"http://127.0.0.1:{entry['port']}/api"
    deployment = call(f"{api}/deployments/name/retrain/weekly", login=entry["login"])
    return due(api, deployment["id"], entry["login"])


def due(api: str, deployment: str, login: str = "") -> list[dict[str, Any]]:
    """Return the runs of a deployment whose slot has come, first slot first."""
    chosen = {"deployments": {"id": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_ASC"}
    return call(
        f"{api}/flow_runs/filter",
        {**chosen, "flow_runs": {"expected_start_time": {"before_": datetime.now(UTC).isoformat()}}},
        login=login,
    )


def all_ended(runs: list[dict[str, Any]], slots: int) -> bool:
    """Say whether the runs of the first slots are there and over."""
    return len(runs) >= slots and all(run["state_type"] in ENDED for run in runs[:slots])


def call(url: str, body: dict[str, Any] | None = None, method: str | None = None, login: str = "") -> Any:
    """Call the API and return its answer; ``login`` is user and password, joined by a colon."""
    data, headers = (
        json.dumps(body).encode() if body is not None else None,
        {"Content-Type": "application/json"} | ({"Authorization": f"Basic {basic(login)}"} if login else {}),
    )
    with urllib.request.urlopen(
        urllib.request.Request(url, data, headers, method=method), timeout=20
    ) as answer:
        return json.loads(answer.read() or "null")
