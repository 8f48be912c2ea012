"""A person promotes: aliases move, tags say who and why, and what failed is refused. A deployment does the same on a schedule."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MODELS, ROOT, SMALL, client_of, environment, repricer, retrain_small, running, wait_until

pytestmark = pytest.mark.slow

SIGNED = ("--by", "Ada Lovelace", "--reason", "lift checked")


@pytest.fixture(scope="module")
def shop(twice: tuple[Path, dict[str, Any], dict[str, Any]], small_csv: Path, api: str) -> tuple[Path, list[str]]:
    """Return a data folder with two versions that passed and a third that failed, and the options that point to it."""
    told = repricer(*retrain_small(small_csv, twice[0], ["evaluate.min_lift=9"]), PREFECT_API_URL=api)
    assert told.returncode == 0, told.stdout + told.stderr
    return twice[0], ["--profile", "smoke", "--set", f"data_folder={twice[0]}"]


def aliases(folder: Path) -> dict[str, dict[str, int]]:
    client = client_of(folder)
    return {name: {k: int(v) for k, v in client.get_registered_model(name).aliases.items()} for name in MODELS}


def test_promotion_and_rollback_move_the_aliases_and_a_fail_is_refused(
    shop: tuple[Path, list[str]], api: str, tmp_path: Path, no_environment: None
) -> None:
    folder, options = shop

    def decide(command: str, *given: str) -> subprocess.CompletedProcess[str]:
        return repricer(command, *given, *options, PREFECT_API_URL=api)

    assert aliases(folder)["pricing_policy"] == {"candidate": 2}, "a version that failed is registered, and is no candidate"

    refused = decide("promote", "--version", "3", *SIGNED)
    assert refused.returncode == 1
    assert "its verdict is FAIL, only PASS is promotable. policy_over_hold: the lower end" in refused.stdout
    assert "champion" not in aliases(folder)["pricing_policy"]
    assert "there is no such version" in decide("promote", "--version", "99", *SIGNED).stdout
    assert "--reason is blank" in decide("promote", "--version", "1", "--by", "Ada", "--reason", " ").stdout

    for version in ("1", "2"):
        told = decide("promote", "--version", version, *SIGNED, "--json", str(tmp_path / "p.json"))
        assert told.returncode == 0, told.stdout + told.stderr
    assert json.loads((tmp_path / "p.json").read_text()) == {"champion": dict.fromkeys(MODELS, 2), "previous": dict.fromkeys(MODELS, 1)}
    for told_aliases in aliases(folder).values():
        assert told_aliases == {"candidate": 2, "champion": 2, "previous": 1}
    tags = client_of(folder).get_model_version("pricing_policy", "2").tags
    assert (tags["promoted_by"], tags["promoted_reason"]) == ("Ada Lovelace", "lift checked")
    assert "promoted_at" in tags
    assert "is champion already" in decide("promote", "--version", "2", *SIGNED).stdout

    told = decide("rollback", *SIGNED)
    assert told.returncode == 0, told.stdout + told.stderr
    for told_aliases in aliases(folder).values():
        assert (told_aliases["champion"], told_aliases["previous"]) == (1, 2)


def test_the_scheduled_deployment_ends_in_a_new_candidate(small_csv: Path, api: str, tmp_path: Path, no_environment: None) -> None:
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
    subprocess.run([*prefect, "work-pool", "create", "local", "--type", "process"], env=env, check=True, capture_output=True)
    deploy = ["make", "--no-print-directory", "-o", "setup", "deploy", f"BIN={Path(sys.executable).parent}"]
    told = subprocess.run(deploy, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    with running([*prefect, "worker", "start", "--pool", "local"], env, tmp_path / "worker.log"):
        run = start_run(env, small_csv, tmp_path / "data")
        wait_until(lambda: state(env, run) in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}, 240, "the run", tmp_path / "worker.log")
    assert state(env, run) == "COMPLETED", (tmp_path / "worker.log").read_text()[-4000:]
    assert aliases(tmp_path / "data")["pricing_policy"] == {"candidate": 1}


def start_run(env: dict[str, str], csv: Path, folder: Path) -> str:
    """Start a run of the deployment, as the schedule would, on the small shop."""
    from conf.layers import assigned

    told = assigned([*SMALL, f"data_folder={folder}", "source.kind=file", f"source.path={csv}"])
    script = (
        "import json, sys\nfrom prefect.deployments import run_deployment\n"
        "run = run_deployment('retrain/weekly', parameters=json.load(sys.stdin), timeout=0)\nprint(run.id)"
    )
    given = json.dumps({"settings": {"profile": "smoke", **told}})
    answer = subprocess.run([sys.executable, "-c", script], env=env, input=given, capture_output=True, text=True, check=True)
    return answer.stdout.strip().splitlines()[-1]


def state(env: dict[str, str], run: str) -> str:
    with urllib.request.urlopen(f"{env['PREFECT_API_URL']}/flow_runs/{run}", timeout=5) as answer:
        return str(json.load(answer)["state_type"])
