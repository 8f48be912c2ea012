"""What MLflow's pages say of retrainings: names, origin, the prepared view, tables, trials while they run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest

from conf import Settings
from tasks.runtime import track
from tasks.runtime.attempt import Attempt
from tasks.runtime.track import stage as stage_module
from tasks.runtime.track import view
from tasks.runtime.track.labels import origin_tags
from tasks.runtime.tune import Trial
from tasks.stages.search import journal_of

# --- names and origin ---


@pytest.mark.parametrize(
    ("status", "verdict", "state"),
    [
        ("FINISHED", "PASS", "PASS"),
        ("FINISHED", "FAIL", "FAIL"),
        ("FAILED", None, "error"),
        ("KILLED", None, "stopped"),
    ],
)
def test_the_name_of_a_retraining_ends_with_its_verdict_or_how_it_ended(
    attempt: Attempt, client: Any, status: str, verdict: str | None, state: str
) -> None:
    began = client.get_run(attempt.run_id).info.run_name
    assert re.fullmatch(r"smoke · running · \d{4}-\d\d-\d\d \d\d:\d\d", began)
    if verdict:
        track.note(attempt, "", {"verdict": verdict})
    track.finish_run(attempt.run_id, status)
    assert client.get_run(attempt.run_id).info.run_name == began.replace("running", state)
    track.resume_run(attempt.run_id)
    assert client.get_run(attempt.run_id).info.run_name == began


def test_a_retraining_whose_process_died_is_named_stopped(
    settings: Settings, attempt: Attempt, client: Any
) -> None:
    track.sweep(settings)
    assert "smoke · stopped · " in client.get_run(attempt.run_id).info.run_name


def test_a_commit_is_named_and_a_hash_of_installed_code_is_not_taken_for_one() -> None:
    assert origin_tags("0123abcd")["mlflow.source.git.commit"] == "0123abcd"
    installed = origin_tags("sha256:0123abcd")
    assert "mlflow.source.git.commit" not in installed
    assert (installed["mlflow.source.name"], installed["mlflow.source.type"]) == ("repricer retrain", "LOCAL")


def test_an_account_without_a_name_starts_a_retraining_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert origin_tags("0123abcd")["mlflow.user"] == "unknown"


def test_stages_and_trials_name_the_origin_of_their_retraining(settings: Settings, client: Any) -> None:
    run_id = track.start_run(settings, {"attempt": "o", "code_version": "0123abcd"})
    attempt = Attempt(id="o", folder=settings.data_folder, run_id=run_id)
    with track.stage_run(attempt, "forecast") as stage:
        pass
    origin = origin_tags("0123abcd")
    for run in (run_id, stage.id):
        assert origin.items() <= client.get_run(run).data.tags.items()


# --- the prepared view ---


def test_the_address_of_the_view_names_a_state_that_the_experiment_keeps(
    settings: Settings, client: Any
) -> None:
    path = track.runs_view_path(settings)
    experiment = client.get_experiment_by_name(settings.track.experiment)
    found = re.fullmatch(
        r"/#/experiments/(\d+)/runs\?workflowType=machine_learning&viewStateShareKey=(\w+)", path
    )
    assert found, path
    assert found[1] == experiment.experiment_id
    shared = json.loads(experiment.tags[f"mlflow.sharedViewState.{found[2]}"])
    assert shared["name"] == "Retrainings"
    state = json.loads(shared["state"])
    assert {"tags.`verdict`", "metrics.`list.lift`", "metrics.`gain.over_hold`", "tags.`versions`"} <= set(
        state["selectedColumns"]
    )
    sections = {section["uuid"] for section in state["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} <= sections
    track.runs_view_path(settings)
    again = client.get_experiment(experiment.experiment_id).tags[f"mlflow.sharedViewState.{found[2]}"]
    assert json.loads(again) == shared, "it is written once"


def test_a_view_of_an_older_version_is_replaced(settings: Settings, client: Any) -> None:
    track.runs_view_path(settings)
    experiment = client.get_experiment_by_name(settings.track.experiment)
    client.set_experiment_tag(experiment.experiment_id, view.TAG, '{"name": "Old", "state": "{}"}')
    track.runs_view_path(settings)
    assert json.loads(client.get_experiment(experiment.experiment_id).tags[view.TAG])["name"] == "Retrainings"


def test_the_view_lists_retrainings_without_their_stages(attempt: Attempt, client: Any) -> None:
    with track.stage_run(attempt, "forecast") as stage:
        stage.trial("arima", 0, {"p": 1}, {}, "COMPLETE")
    experiment = client.get_run(attempt.run_id).info.experiment_id
    listed = {run.info.run_id for run in client.search_runs([experiment], view.RETRAININGS)}
    assert attempt.run_id in listed
    assert stage.id not in listed
    tags = [client.get_run(run_id).data.tags for run_id in listed]
    assert not [tag for tag in tags if "retraining" in tag], "neither stages nor trials"


def test_the_installed_mlflow_ui_knows_shared_views() -> None:
    scripts = Path(mlflow.__file__).parent / "server" / "js" / "build" / "static" / "js"
    pages = "".join(script.read_text(encoding="utf-8") for script in scripts.glob("*.js"))
    for word in ("mlflow.sharedViewState.", "viewStateShareKey", *view.state()):
        assert word in pages, f"MLflow {mlflow.__version__} has no {word}: the view must be prepared anew"


# --- tables ---


def test_a_table_is_shown_on_stage_and_retraining_and_is_listed_once(attempt: Attempt, client: Any) -> None:
    frame = pd.DataFrame({"product_id": ["007", "8"], "units": [3.0, None]})
    for _ in range(2):
        with track.stage_run(attempt, "respond") as stage:
            stage.preview(frame, "elasticities")
            stage.preview(frame.head(0), "nothing")
    for run_id in (stage.id, attempt.run_id):
        assert json.loads(client.get_run(run_id).data.tags["mlflow.loggedArtifacts"]) == [
            {"path": "tables/elasticities.json", "type": "table"}
        ]
        file = Path(client.download_artifacts(run_id, "tables/elasticities.json"))
        assert json.loads(file.read_text()) == {
            "columns": ["product_id", "units"],
            "data": [["007", 3.0], ["8", None]],
        }


def test_a_long_table_is_cut_and_its_name_says_so(
    attempt: Attempt, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_module, "PREVIEW_ROWS", 2)
    with track.stage_run(attempt, "price") as stage:
        stage.preview(pd.DataFrame({"price": [3.0, 2.0, 1.0]}), "market")
    (table,) = client.list_artifacts(attempt.run_id, "tables")
    assert table.path == "tables/market-first-2-of-3.json"
    assert json.loads(Path(client.download_artifacts(attempt.run_id, table.path)).read_text())["data"] == [
        [3.0],
        [2.0],
    ]


# --- trials ---


def test_trials_are_a_curve_on_the_stage_while_its_search_runs(
    attempt: Attempt, client: Any, tmp_path: Path
) -> None:
    def scores() -> list[tuple[int, float]]:
        history = client.get_metric_history(stage.id, "forecast.arima.trial_wape")
        return [(metric.step, metric.value) for metric in history]

    with track.stage_run(attempt, "forecast") as stage:
        journal = journal_of(stage, "arima", tmp_path / "arima.journal")
        journal.show(Trial(0, {"p": 1}, 0.5, "COMPLETE"))
        assert scores() == [(0, 0.5)], "before the search has ended"
        journal.show(Trial(1, {"p": 2}, None, "FAIL"))
        journal.show(Trial(2, {"p": 3}, 0.4, "PRUNED"))
        journal.show(Trial(0, {"p": 1}, 0.5, "COMPLETE"))
    assert scores() == [(0, 0.5), (2, 0.4)], "once, though a resumed search shows its trials again"
