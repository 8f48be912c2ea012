"""A deployment retrains on a schedule, on a worker, to a new candidate."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import ROOT, SMALL, aliases, environment, running, wait_until

pytestmark = pytest.mark.slow


def test_the_scheduled_deployment_ends_in_a_new_candidate(
    small_csv: Path, api: str, tmp_path: Path, no_environment: None
) -> None:
    env = environment(
        PREFECT_API_URL=api,
        PREFECT_HOME=str(tmp_path / "prefect"),
        REPRICER_HOME=str(ROOT),
        DO_NOT_TRACK="1",
        PREFECT_WORKER_QUERY_SECONDS="1",
        TF_CPP_MIN_LOG_LEVEL="3",
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )
    prefect = [shutil.which("prefect", path=env["PATH"]) or "prefect"]
    subprocess.run(
        [*prefect, "work-pool", "create", "local", "--type", "process"],
        env=env,
        check=True,
        capture_output=True,
    )
    deploy = ["make", "--no-print-directory", "-o", "setup", "deploy", f"BIN={Path(sys.executable).parent}"]
    told = subprocess.run(deploy, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    with running([*prefect, "worker", "start", "--pool", "local"], env, tmp_path / "worker.log"):
        run = start_run(env, small_csv, tmp_path / "data")
        wait_until(
            lambda: state(env, run) in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"},
            240,
            "the run",
            tmp_path / "worker.log",
        )
    assert state(env, run) == "COMPLETED", (tmp_path / "worker.log").read_text()[-4000:]
    assert aliases(tmp_path / "data")["pricing_policy"] == {"candidate": 1}


def start_run(env: dict[str, str], csv: Path, folder: Path) -> str:
    """Start a run of the deployment, as the schedule would, on the small shop."""
    from conf.layers import assigned

    told = assigned(
        [*SMALL, "forecast.lstm.trials=0", f"data_folder={folder}", "source.kind=file", f"source.path={csv}"]
    )
    script = (
        "import json, sys\nfrom prefect.deployments import run_deployment\n"
        "run = run_deployment('retrain/weekly', parameters=json.load(sys.stdin), timeout=0)\nprint(run.id)"
    )
    given = json.dumps({"settings": {"profile": "smoke", **told}})
    answer = subprocess.run(
        [sys.executable, "-c", script], env=env, input=given, capture_output=True, text=True, check=True
    )
    return answer.stdout.strip().splitlines()[-1]


def state(env: dict[str, str], run: str) -> str:
    with urllib.request.urlopen(f"{env['PREFECT_API_URL']}/flow_runs/{run}", timeout=5) as answer:
        return str(json.load(answer)["state_type"])
