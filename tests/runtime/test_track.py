"""MLflow on a real store of SQLite: what is logged is read back, and a store that does not answer says so."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conf import Settings
from tasks.runtime import track
from tasks.runtime.artifacts import save_table
from tasks.runtime.attempt import Attempt
from tests.runtime.stores import attempt_in


def below(client: Any, run_id: str) -> list[Any]:
    """Return the runs below a run."""
    experiment = client.get_run(run_id).info.experiment_id
    return list(client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run_id}'"))


# --- runs ---


def test_a_retraining_is_a_run_with_its_settings_and_tags(
    settings: Settings, attempt: Attempt, client: Any
) -> None:
    run = client.get_run(attempt.run_id)
    assert run.info.status == "RUNNING"
    assert re.fullmatch(r"smoke · running · 20\d\d-\d\d-\d\d \d\d:\d\d", run.info.run_name)
    assert run.data.tags["attempt"] == attempt.id
    assert run.data.params["forecast.lstm.units"] == str(settings.forecast.lstm.units)


def test_no_run_lasts_less_than_nothing_where_the_clock_was_set_back(
    settings: Settings, attempt: Attempt, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    with track.stage_run(attempt, "forecast"):
        monkeypatch.setattr("time.time", lambda: now - 86_400)
    track.finish_run(attempt.run_id, "FINISHED")
    for run in (*below(client, attempt.run_id), client.get_run(attempt.run_id)):
        assert run.info.end_time >= run.info.start_time
        assert run.data.metrics.get("seconds", 0.0) >= 0.0


def test_names_of_the_shop_on_the_page_of_a_run_are_shown_as_text(attempt: Attempt, client: Any) -> None:
    track.note(attempt, "# PASS\n\n- category <script>alert('x')</script> holds", {})
    page = client.get_run(attempt.run_id).data.tags["mlflow.note.content"]
    assert page == "# PASS\n\n- category &lt;script>alert('x')&lt;/script> holds"


def test_a_finished_retraining_ends_what_is_still_open_below_it_and_nothing_else(
    settings: Settings, attempt: Attempt, client: Any
) -> None:
    other = attempt_in(settings, "other")
    with track.stage_run(attempt, "forecast") as stage:
        track.finish_run(attempt.run_id, "FAILED")
        assert client.get_run(stage.id).info.status == "FAILED"
    assert client.get_run(attempt.run_id).info.status == "FAILED"
    assert client.get_run(other.run_id).info.status == "RUNNING"
    track.resume_run(attempt.run_id)
    assert client.get_run(attempt.run_id).info.status == "RUNNING"


def test_what_a_dead_process_left_running_is_shown_as_killed(
    settings: Settings, attempt: Attempt, client: Any
) -> None:
    assert track.sweep(settings) >= 1
    assert client.get_run(attempt.run_id).info.status == "KILLED"
    assert track.sweep(settings) == 0


def test_a_folder_that_shares_a_store_ends_no_run_of_another(
    settings: Settings, attempt: Attempt, client: Any, tmp_path: Path
) -> None:
    shared = settings.track.model_copy(update={"uri": track.store_uri(settings)})
    other = settings.model_copy(update={"data_folder": str(tmp_path), "track": shared})
    killed = attempt_in(other)
    with track.stage_run(killed, "forecast"):
        assert track.sweep(other) == 2, "a retraining and its stage"
    assert client.get_run(killed.run_id).info.status == "KILLED"
    assert client.get_run(attempt.run_id).info.status == "RUNNING"


def test_headlines_and_the_summary_stand_on_the_page_of_the_retraining(attempt: Attempt, client: Any) -> None:
    track.log_headlines(attempt, {"trial.lift": 0.04})
    track.note(attempt, "# PASS", {"verdict": "PASS"})
    run = client.get_run(attempt.run_id)
    assert run.data.metrics == {"trial.lift": 0.04}
    assert (run.data.tags["mlflow.note.content"], run.data.tags["verdict"]) == ("# PASS", "PASS")


# --- stages ---


def test_a_resumed_stage_goes_on_in_its_run_and_its_seconds_add_up(attempt: Attempt, client: Any) -> None:
    with pytest.raises(KeyboardInterrupt, match="stopped"), track.stage_run(attempt, "forecast") as stage:
        raise KeyboardInterrupt("stopped")
    assert client.get_run(stage.id).info.status == "KILLED"
    client.log_metric(stage.id, "seconds", 100.0)
    with track.stage_run(attempt, "forecast") as resumed:
        assert client.get_run(stage.id).info.status == "RUNNING"
    assert resumed.id == stage.id
    assert client.get_run(stage.id).info.status == "FINISHED"
    with track.stage_run(attempt, "price"):
        pass
    seconds = track.stage_seconds(attempt)
    assert list(seconds) == ["forecast", "price"], "in the order in which the stages began"
    assert 100.0 < seconds["forecast"] < 160.0
    assert [run.info.run_name for run in below(client, attempt.run_id)] == ["price", "forecast"]


def test_a_stage_that_fails_is_shown_as_failed_and_its_error_goes_on(attempt: Attempt, client: Any) -> None:
    with pytest.raises(ValueError, match="no sales"), track.stage_run(attempt, "prepare") as stage:
        raise ValueError("no sales")
    assert client.get_run(stage.id).info.status == "FAILED"


def test_headline_metrics_stand_on_the_retraining_too(attempt: Attempt, client: Any) -> None:
    with track.stage_run(attempt, "forecast") as stage:
        stage.params({"window": 14})
        stage.tags({"kind": 3})
        stage.metrics({"plain": 1.0})
        stage.metrics({"forecast.blend.wape": 0.25}, headline=True)
    data, parent = client.get_run(stage.id).data, client.get_run(attempt.run_id).data
    assert data.params == {"window": "14"}
    assert data.tags["kind"] == "3"
    assert (data.metrics["plain"], data.metrics["forecast.blend.wape"]) == (1.0, 0.25)
    assert parent.metrics == {"forecast.blend.wape": 0.25}


def test_a_curve_longer_than_one_call_of_mlflow_is_logged_whole(attempt: Attempt, client: Any) -> None:
    values = [step / 4 for step in range(2001)]
    with track.stage_run(attempt, "price") as stage:
        stage.curve("return", values)
    history = sorted(client.get_metric_history(stage.id, "return"), key=lambda metric: metric.step)
    assert [metric.step for metric in history] == list(range(2001))
    assert [metric.value for metric in history] == values


def test_a_trial_is_logged_once_though_its_search_is_resumed(attempt: Attempt, client: Any) -> None:
    for _ in range(2):
        with track.stage_run(attempt, "forecast") as stage:
            stage.trial("arima", 0, {"p": 1}, {"wape": 0.5}, "COMPLETE")
            stage.trial("arima", 1, {"p": 2}, {}, "PRUNED")
            stage.trial("lstm", 0, {"units": 8}, {"wape": 0.4}, "COMPLETE")
    trials = {run.info.run_name: run for run in below(client, stage.id)}
    assert sorted(trials) == ["arima-0", "arima-1", "lstm-0"]
    assert len(below(client, stage.id)) == 3
    first, pruned = trials["arima-0"], trials["arima-1"]
    assert (first.data.params, first.data.metrics) == ({"p": "1"}, {"wape": 0.5})
    assert (first.data.tags["study"], first.data.tags["state"]) == ("arima", "COMPLETE")
    assert first.data.tags["retraining"] == attempt.run_id
    assert (first.info.status, pruned.info.status) == ("FINISHED", "KILLED")


def test_a_data_set_stands_on_stage_and_retraining_with_the_hash_of_its_bytes(
    attempt: Attempt, client: Any, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"product_id": ["007"], "units": [3.0]})
    artifact = save_table(frame, tmp_path / "sales.parquet")
    with track.stage_run(attempt, "prepare") as stage:
        stage.table(frame, "sales", artifact)
    for run_id in (stage.id, attempt.run_id):
        (logged,) = client.get_run(run_id).inputs.dataset_inputs
        assert (logged.dataset.name, logged.dataset.digest) == ("sales", artifact["sha256"][:8])
        assert artifact["path"] in logged.dataset.source
        assert {tag.key: tag.value for tag in logged.tags}["sha256"] == artifact["sha256"]


def test_a_figure_stands_on_stage_and_retraining_and_a_file_on_the_stage(
    attempt: Attempt, client: Any, tmp_path: Path
) -> None:
    from matplotlib.figure import Figure

    artifact = save_table(pd.DataFrame({"x": [1]}), tmp_path / "x.parquet")
    with track.stage_run(attempt, "evaluate") as stage:
        stage.figure(Figure(), "gates.png")
        stage.file(artifact, "tables")
    for run_id in (stage.id, attempt.run_id):
        assert [file.path for file in client.list_artifacts(run_id, "figures")] == ["figures/gates.png"]
    assert [file.path for file in client.list_artifacts(stage.id, "tables")] == ["tables/x.parquet"]
