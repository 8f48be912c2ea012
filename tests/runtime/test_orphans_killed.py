"""What a killed process left running in Prefect: flows, the flows below them, and their tasks."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, environment, wait_for

pytestmark = pytest.mark.slow

KILLED = """
import sys, time
from prefect import flow, task
from tasks.runtime.owners import owned_runs

@task(name="deep")
def deep():
    print("deep", flush=True)
    time.sleep(600)

@task(name="flat", persist_result=True)
def flat():
    return 1

@flow(name="killed below")
def below(settings: dict):
    deep()

@flow(name="killed above")
def above(settings: dict):
    flat()
    below(settings)

with owned_runs(sys.argv[1]):
    above({"profile": "smoke", "data_folder": sys.argv[1]})
"""
ALIVE = """
import sys, time
from prefect import flow, task
from tasks.runtime.owners import owned_runs

@task(name="slow")
def slow():
    print("beside", flush=True)
    time.sleep(600)

@flow(name="alive beside")
def beside(settings: dict):
    slow()

with owned_runs(sys.argv[1]):
    beside({"profile": "smoke", "data_folder": sys.argv[1]})
"""
PENDING = """
import os, signal, sys
from prefect import flow
from prefect.flow_engine import FlowRunEngine
from tasks.runtime.owners import owned_runs

@flow(name="killed at birth")
def at_birth(settings: dict):
    pass

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

FlowRunEngine.begin_run = die
with owned_runs(sys.argv[1]):
    at_birth({"profile": "smoke", "data_folder": sys.argv[1]})
"""
NEXT = """
import json, sys, time
from prefect import flow
from prefect.client.orchestration import get_client
from conf import load
from tasks.runtime.orphans import end_orphans

def states():
    with get_client(sync_client=True) as client:
        tasks = {run.name.split("-")[0]: run.state_name for run in client.read_task_runs()}
        flows = {client.read_flow(run.flow_id).name: run.state_name for run in client.read_flow_runs()}
        return tasks, flows

@flow(name="next")
def next_one(settings: dict):
    for _ in range(30):
        if states()[0].get("deep") == states()[0].get("slow") == "Running":
            break
        time.sleep(1)  # the server records the states of tasks some time after it heard of them
    before = states()
    ended = [end_orphans(load("smoke", [f"data_folder={sys.argv[1]}"])) for _ in range(2)]
    time.sleep(3)
    return before, ended, states()

print("answer", json.dumps(next_one({"profile": "smoke", "data_folder": sys.argv[1]})))
"""
SERVED = """
import os, signal, sys
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.states import Pending
from conf import load
from infra.serving import deployments
from tasks.runtime.owners import owned_run
from tasks.runtime.started_by import starter

@flow(name="below a schedule")
def below(settings: dict):
    os.kill(os.getpid(), signal.SIGKILL)

@flow(name="scheduled")
def scheduled(settings: dict):
    with owned_run(sys.argv[1]):
        below(settings)

settings = load("smoke", [f"data_folder={sys.argv[1]}"])
given = {"settings": {"data_folder": sys.argv[1]}}
with starter(sys.argv[1]) as serving, get_client(sync_client=True) as client:
    ours = scheduled.to_deployment(name="now", parameters=given, tags=[serving.mark])
    for deployment in [*deployments(settings, serving.mark), ours]:
        run = client.create_flow_run_from_deployment(deployment.apply(), state=Pending())
    run_flow(scheduled, flow_run=run, parameters=given)
"""
COMMAND = """
import json, sys
from pathlib import Path
from conf import load
from flows.cli.session import flow_session
from tasks.runtime.owners import dead

def states():
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs()
        ours = {"data_folder": sys.argv[1]}.items()
        here = [run for run in runs if ours <= (run.parameters.get("settings") or {}).items()]
        return [run.state_name for run in here if run.state_name != "Scheduled"]

before = len(dead(Path(sys.argv[1])))
with flow_session(load("smoke", [f"data_folder={sys.argv[1]}"])):
    print("answer", json.dumps([before, len(dead(Path(sys.argv[1]))), states()]))
"""


@pytest.fixture(scope="module")
def swept(api: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Kill a flow in a task of a flow below it and another one at birth, beside a third that lives.

    Return the states before and after the next run.
    """
    folder = tmp_path_factory.mktemp("data")
    scripts = {"killed.py": KILLED, "alive.py": ALIVE, "pending.py": PENDING, "next.py": NEXT}
    for name, script in scripts.items():
        (folder / name).write_text(script)
    env = environment(PREFECT_API_URL=api, PREFECT_HOME=str(folder), PREFECT_LOGGING_LEVEL="ERROR")
    started = partial(begun, folder, env)
    with started("alive.py") as living, started("killed.py") as killed, started("pending.py") as pending:
        assert pending.wait() == -signal.SIGKILL, "killed between the making of its run and its start"
        wait_for(living, "beside")
        wait_for(killed, "deep")
        with pytest.raises(subprocess.TimeoutExpired):
            killed.wait(3)  # until it has sent the states of its tasks
        killed.kill()
        killed.wait()
        with started("next.py") as next_one:
            said = next_one.communicate()[0]
    line = next((line for line in said.splitlines() if line.startswith("answer ")), None)
    assert line, said
    return json.loads(line.removeprefix("answer "))


@contextmanager
def begun(folder: Path, env: dict[str, str], script: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script on a folder beside the test, and kill it at the end."""
    command = [sys.executable, str(folder / script), str(folder)]
    process = subprocess.Popen(
        command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_next_run_ends_flows_and_tasks_that_a_killed_process_left_running(swept: Any) -> None:
    (tasks, flows), ended, (tasks_after, flows_after) = swept
    assert (tasks["deep"], flows["killed above"], flows["killed below"]) == ("Running",) * 3, (
        "so the kill left them"
    )
    assert (flows_after["killed above"], flows_after["killed below"]) == ("Crashed", "Crashed")
    assert tasks_after["deep"] == "Crashed"
    assert ended == [3, 0], "three flows, once"


def test_a_flow_that_was_killed_before_it_began_is_ended_too(swept: Any) -> None:
    (_, flows), _, (_, flows_after) = swept
    assert (flows["killed at birth"], flows_after["killed at birth"]) == ("Pending", "Crashed")


@pytest.mark.parametrize(
    ("script", "marks", "runs"), [(PENDING, 1, 1), (SERVED, 2, 4)], ids=["a command", "serve and its run"]
)
def test_any_command_ends_what_another_one_that_was_killed_left(
    script: str, marks: int, runs: int, api: str, tmp_path: Path
) -> None:
    for name, text in {"killed.py": script, "command.py": COMMAND}.items():
        (tmp_path / name).write_text(text)
    env = environment(PREFECT_API_URL=api, PREFECT_HOME=str(tmp_path), PREFECT_LOGGING_LEVEL="ERROR")
    with begun(tmp_path, env, "killed.py") as killed:
        said = killed.communicate()[0]
        assert killed.returncode == -signal.SIGKILL, said
    with begun(tmp_path, env, "command.py") as command:
        said = command.communicate()[0]
    assert f"answer {json.dumps([marks, 0, ['Crashed'] * runs])}" in said


def test_a_command_that_runs_beside_is_left_alone(swept: Any) -> None:
    (tasks, flows), _, (tasks_after, flows_after) = swept
    assert (tasks["slow"], flows["alive beside"]) == ("Running", "Running")
    assert (tasks_after["slow"], flows_after["alive beside"]) == ("Running", "Running")


def test_what_had_ended_and_what_runs_keep_their_states(swept: Any) -> None:
    _, _, (tasks, flows) = swept
    assert tasks["flat"] == "Completed"
    assert flows["next"] == "Running"
