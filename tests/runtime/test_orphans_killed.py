"""What a killed process left running in Prefect: flows, the flows below them, and their tasks."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT, environment, wait_for

pytestmark = pytest.mark.slow

KILLED = """
import sys, time
from prefect import flow, task

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

above({"profile": "smoke", "data_folder": sys.argv[1]})
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
        if states()[0].get("deep") == "Running":
            break
        time.sleep(1)  # the server records the states of tasks some time after it heard of them
    before = states()
    ended = [end_orphans(load("smoke", [f"data_folder={sys.argv[1]}"])) for _ in range(2)]
    time.sleep(3)
    return before, ended, states()

print("answer", json.dumps(next_one({"profile": "smoke", "data_folder": sys.argv[1]})))
"""


@pytest.fixture(scope="module")
def swept(api: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Kill a flow in a task of a flow below it, and return the states before and after the next run."""
    folder = tmp_path_factory.mktemp("data")
    for name, script in (("killed.py", KILLED), ("next.py", NEXT)):
        (folder / name).write_text(script)
    env = environment(PREFECT_API_URL=api, PREFECT_HOME=str(folder), PREFECT_LOGGING_LEVEL="ERROR")
    process = subprocess.Popen(
        [sys.executable, str(folder / "killed.py"), str(folder)],
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(process, "deep")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(3)  # until it has sent the states of its tasks
    process.send_signal(signal.SIGKILL)
    process.wait()
    command = [sys.executable, str(folder / "next.py"), str(folder)]
    finished = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    line = next((line for line in finished.stdout.splitlines() if line.startswith("answer ")), None)
    assert line, finished.stdout + finished.stderr
    return json.loads(line.removeprefix("answer "))


def test_the_next_run_ends_flows_and_tasks_that_a_killed_process_left_running(swept: Any) -> None:
    (tasks, flows), ended, (tasks_after, flows_after) = swept
    assert (tasks["deep"], flows["killed above"], flows["killed below"]) == ("Running",) * 3, (
        "so the kill left them"
    )
    assert (flows_after["killed above"], flows_after["killed below"]) == ("Crashed", "Crashed")
    assert tasks_after["deep"] == "Crashed"
    assert ended == [2, 0], "two flows, once"


def test_what_had_ended_and_what_runs_keep_their_states(swept: Any) -> None:
    _, _, (tasks, flows) = swept
    assert tasks["flat"] == "Completed"
    assert flows["next"] == "Running"
