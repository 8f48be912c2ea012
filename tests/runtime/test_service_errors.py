"""A failing service of Prefect is one line for the user: from a command, from `serve` and from the doctor."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tasks.runtime.service_errors import ServiceError, describe, read_errors
from tests.conftest import client_of, environment, repricer, running, wait_until

LOG = """\
03:00:04.001 | WARNING | prefect.server.utilities.database - slow
03:00:05.123 | ERROR   | docket.dependencies - ↩ [    49ms] schedule_deployments(){schedule_deployments}
Traceback (most recent call last):
  File "scheduler.py", line 1, in f
    await session.execute(query)
          ^^^^^^^
sqlite3.OperationalError: no such table: deployment_schedule

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "base.py", line 1, in f
sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: deployment_schedule
[SQL: SELECT deployment.id
FROM deployment]
03:00:06.001 | WARNING | prefect.server - Lost
ValueError: of a warning, which is no error
03:00:10.123 | ERROR   | docket.dependencies - ↩ [     7ms] schedule_deployments(){schedule_deployments}
ValueError: again
03:00:11.123 | ERROR   | prefect.server.events.triggers - Error running periodic evaluation
ERROR:    Exception in ASGI application
03:00:12.290 | ERROR   | uvicorn.error - Cancel 1 running task(s), timeout graceful shutdown exceeded
03:00:12.296 | ERROR   | uvicorn.error - Exception in ASGI application
Traceback (most recent call last):
asyncio.exceptions.CancelledError: Task cancelled, timeout graceful shutdown exceeded
"""


def test_errors_are_read_with_their_service_and_cause() -> None:
    table = "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: deployment_schedule"
    assert list(read_errors(LOG.splitlines())) == [
        ServiceError("schedule_deployments", table),
        ServiceError("schedule_deployments", "ValueError: again"),
        ServiceError("triggers", "Error running periodic evaluation"),
        ServiceError("web server", "Exception in ASGI application"),
    ]


def test_a_service_is_one_line_with_the_number_of_its_failures() -> None:
    lines = list(describe(list(read_errors(LOG.splitlines())), Path("api.log")))
    assert lines == [
        "Prefect's service schedule_deployments failed 2 times (ValueError: again); see api.log",
        "Prefect's service triggers failed (Error running periodic evaluation); see api.log",
        "Prefect's service web server failed (Exception in ASGI application); see api.log",
    ]


def test_a_log_without_errors_says_nothing() -> None:
    assert not list(
        read_errors(
            [
                "03:00:04.001 | WARNING | prefect.server - ERROR is only a word here",
                "ValueError: nothing before it",
            ]
        )
    )


@pytest.fixture
def broken(migrated: Callable[[], Path]) -> Path:
    """Return a data folder whose scheduler cannot work: the table that it reads is gone."""
    folder = migrated()
    with closing(sqlite3.connect(folder / "prefect" / "prefect.db")) as database:
        database.execute("ALTER TABLE deployment_schedule RENAME TO taken_away")
    return folder


@pytest.mark.slow
def test_a_command_and_then_the_doctor_name_the_scheduler_that_failed(
    broken: Path, tmp_path: Path, no_environment: None
) -> None:
    sets = ("--profile", "smoke", "--set", f"data_folder={broken}")
    client_of(broken)  # a store, without which there is nothing to roll back
    result = repricer("rollback", "--by", "Ada", "--reason", "test", *sets)
    log = broken / "prefect" / "api.log"
    warnings = [
        line for line in result.stdout.splitlines() if line.startswith("warning: Prefect's service schedule_")
    ]
    assert warnings, result.stdout + log.read_text()[-3000:]
    assert all(
        line.endswith(f"; see {log}") and "no such table: deployment_schedule" in line for line in warnings
    )
    examined = repricer("doctor", *sets, "--json", str(tmp_path / "findings.json"))
    finding = {finding["name"]: finding for finding in json.loads((tmp_path / "findings.json").read_text())}[
        "services of Prefect"
    ]
    assert examined.returncode == 1
    assert not finding["ok"]
    assert "no such table: deployment_schedule" in finding["result"]


@pytest.mark.slow
def test_serve_names_the_scheduler_while_it_runs(broken: Path, tmp_path: Path, no_environment: None) -> None:
    command = [
        sys.executable,
        "-m",
        "flows.cli",
        "serve",
        "--profile",
        "smoke",
        "--set",
        f"data_folder={broken}",
    ]
    log = tmp_path / "serve.log"
    with running(command, environment(), log) as process:
        wait_until(lambda: "warning: Prefect's service schedule_" in log.read_text(), 90, "the warning", log)
        assert process.poll() is None, log.read_text()
