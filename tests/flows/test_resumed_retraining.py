"""A retraining that was killed and run again is the one that was not, and its versions are promoted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from tests.conftest import (
    MODELS,
    ROOT,
    aliases,
    client_of,
    environment,
    outliving,
    repricer,
    retrain_small,
    wait_for,
)
from tests.faults import comparison
from tests.faults.checker import violations
from tests.faults.databases import rows

pytestmark = pytest.mark.slow
SIGNED = ("--by", "Ada Lovelace", "--reason", "lift checked")


class Resumed(NamedTuple):
    """A retraining that was killed and run again.

    Its data folder, the runs that its database began with, the processes that outlived the kill, the output
    of the second command and its JSON.
    """

    folder: Path
    before: set[str]
    outlived: list[psutil.Process]
    said: str
    summary: dict[str, Any]


@pytest.fixture(scope="module")
def resumed(small_csv: Path, migrated: Callable[[], Path]) -> Resumed:
    """Kill a retraining in the middle of forecast, and run it again."""
    folder = migrated()
    tables = ("flow_run", "task_run")
    before = {
        run for name in tables for (run,) in rows(folder / "prefect" / "prefect.db", f"select id from {name}")
    }
    arguments = retrain_small(small_csv, folder, json_file=folder / "out.json")
    command = [sys.executable, "-m", "flows.cli", *arguments]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    )
    wait_for(process, "lstm trial 1")
    children = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    outlived = list(outliving(children, 10))
    again = repricer(*arguments)
    assert again.returncode == 0, again.stdout + again.stderr
    return Resumed(folder, before, outlived, again.stdout, json.loads((folder / "out.json").read_text()))


def test_killed_in_the_middle_of_forecast_it_goes_on_and_leaves_nothing_running(
    resumed: Resumed, no_environment: None
) -> None:
    assert not resumed.outlived, "no server and no worker outlives a killed command"
    assert "resuming attempt" in resumed.said
    assert "prepare ..." not in resumed.said
    assert "arima trial" not in resumed.said
    assert "ended what a dead process had left open" in resumed.said
    client = client_of(resumed.folder)
    runs = client.search_runs([client.get_experiment_by_name("retrain").experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len([run for run in runs if "mlflow.parentRunId" not in run.data.tags]) == 1


def test_the_same_seed_twice_is_the_same_even_if_it_was_killed(
    retrained: tuple[Path, dict[str, Any]], resumed: Resumed
) -> None:
    for key in ("data", "forecast", "response", "policy", "trial", "verdict"):
        assert resumed.summary[key] == retrained[1][key], key


def test_a_resumed_retraining_leaves_the_files_of_one_that_was_not_killed(
    retrained: tuple[Path, dict[str, Any]], resumed: Resumed
) -> None:
    names = comparison.contents(comparison.attempt_of(retrained[0]))
    assert {Path(name).suffix for name in names} >= {".npz", ".parquet", ".json"}
    assert comparison.differences(retrained[0], resumed.folder) == []


def test_a_retraining_violates_no_invariant_even_if_it_was_killed(
    retrained: tuple[Path, dict[str, Any]], resumed: Resumed
) -> None:
    for folder in (retrained[0], resumed.folder):
        assert violations(folder, allowed=resumed.before) == []


@pytest.fixture(scope="module")
def reseeded(resumed: Resumed, small_csv: Path, api: str) -> dict[str, Any]:
    """Return the JSON of a second retraining in the folder of the first, with another seed."""
    finished = repricer(
        *retrain_small(small_csv, resumed.folder, ["seed=8"], resumed.folder / "other.json"),
        PREFECT_API_URL=api,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return json.loads((resumed.folder / "other.json").read_text())


def test_a_changed_seed_changes_scores_policy_and_trial_and_not_the_data(
    resumed: Resumed, reseeded: dict[str, Any]
) -> None:
    assert reseeded["data"] == resumed.summary["data"]
    assert reseeded["forecast"]["scores"]["lstm"] != resumed.summary["forecast"]["scores"]["lstm"]
    assert reseeded["policy"]["dqn"] != resumed.summary["policy"]["dqn"]
    assert reseeded["trial"]["lift"] != resumed.summary["trial"]["lift"]


@pytest.fixture(scope="module")
def shop(resumed: Resumed, reseeded: dict[str, Any], small_csv: Path, api: str) -> tuple[Path, list[str]]:
    """Return a data folder with two versions that passed and a third that failed, and its options."""
    assert reseeded["versions"] == dict.fromkeys(MODELS, 2)
    finished = repricer(
        *retrain_small(small_csv, resumed.folder, ["evaluate.min_lift=9", "forecast.lstm.trials=0"]),
        PREFECT_API_URL=api,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return resumed.folder, ["--profile", "smoke", "--set", f"data_folder={resumed.folder}"]


def test_promotion_and_rollback_move_the_aliases_and_a_fail_is_refused(
    shop: tuple[Path, list[str]], api: str, tmp_path: Path, no_environment: None
) -> None:
    folder, options = shop

    def decide(command: str, *given: str) -> subprocess.CompletedProcess[str]:
        return repricer(command, *given, *options, PREFECT_API_URL=api)

    assert aliases(folder)["pricing_policy"] == {"candidate": 2}, (
        "a version that failed is registered, and is no candidate"
    )

    refused = decide("promote", "--version", "3", *SIGNED)
    assert refused.returncode == 1
    assert "its verdict is FAIL, only PASS is promotable. policy_over_hold: the lower end" in refused.stdout
    assert "champion" not in aliases(folder)["pricing_policy"]

    for version in ("1", "2"):
        finished = decide("promote", "--version", version, *SIGNED, "--json", str(tmp_path / "p.json"))
        assert finished.returncode == 0, finished.stdout + finished.stderr
    entry = json.loads((tmp_path / "p.json").read_text())
    assert (entry["champion"], entry["previous"]) == (dict.fromkeys(MODELS, 2), dict.fromkeys(MODELS, 1))
    assert (entry["number"], entry["by"], entry["reason"]) == (2, "Ada Lovelace", "lift checked")
    for pointers in aliases(folder).values():
        assert pointers == {"candidate": 2, "champion": 2, "previous": 1}
    tags = client_of(folder).get_model_version("pricing_policy", "2").tags
    assert (tags["promoted_by"], tags["promoted_reason"]) == ("Ada Lovelace", "lift checked")
    assert "promoted_at" in tags
    assert "is champion already" in decide("promote", "--version", "2", *SIGNED).stdout

    finished = decide("rollback", *SIGNED)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    for pointers in aliases(folder).values():
        assert (pointers["champion"], pointers["previous"]) == (1, 2)
