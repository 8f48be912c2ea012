"""A retraining says how far it is, and promises a time only where one was measured."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from tasks.runtime.progress import STAGES, last_seconds, opening, reported

LAST = dict(zip(STAGES, (10.0, 30.0, 60.0, 5.0, 20.0, 40.0, 1.0, 8.0, 6.0), strict=True))


def attempt(folder: Path, profile: str, stages: dict[str, float], finished: bool = True) -> Path:
    """Keep an attempt and the seconds of its stages."""
    folder.mkdir(parents=True)
    (folder / "attempt.json").write_text(json.dumps({"finished": finished}))
    (folder / "seconds.json").write_text(json.dumps({"profile": profile, "stages": stages}))
    return folder


def test_the_first_retraining_is_promised_no_time() -> None:
    line = opening("fit_lstm", {"prepare": 10.0, "fit_arima": 35.0}, {})
    assert line == "stage 3 of 9: forecast, LSTM ... 0:45 elapsed"


def test_the_next_one_knows_what_is_left() -> None:
    line = opening("fit_lstm", {"prepare": 10.0, "fit_arima": 35.0}, LAST)
    assert line == "stage 3 of 9: forecast, LSTM ... 0:45 elapsed, about 2:20 to go"
    assert opening("register", {}, LAST).endswith("about 0:06 to go")


def test_a_stage_without_a_time_takes_the_promise_away() -> None:
    unknown = {name: seconds for name, seconds in LAST.items() if name != "evaluate"}
    assert "to go" not in opening("fit_lstm", {}, unknown)
    assert "to go" in opening("register", {}, unknown), "what lies behind does not matter"


def test_only_the_newest_finished_attempt_of_the_profile_counts(tmp_path: Path) -> None:
    attempt(tmp_path / "20260101", "smoke", {"prepare": 1.0})
    attempt(tmp_path / "20260102", "smoke", {"prepare": 2.0})
    attempt(tmp_path / "20260103", "default", {"prepare": 3.0})
    attempt(tmp_path / "20260104", "smoke", {"prepare": 4.0}, finished=False)
    assert last_seconds(tmp_path, "smoke") == {"prepare": 2.0}
    assert last_seconds(tmp_path, "mine") == {}
    assert last_seconds(tmp_path / "none", "smoke") == {}


def test_a_stage_that_was_stopped_counts_all_its_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = attempt(tmp_path / "20260101", "smoke", {"fit_lstm": 100.0, "prepare": 7.0})
    with pytest.raises(KeyboardInterrupt), reported(folder, "smoke", "fit_lstm"):
        raise KeyboardInterrupt
    with reported(folder, "smoke", "fit_lstm"):
        pass
    stages = last_seconds(tmp_path, "smoke")
    assert stages["prepare"] == 7.0
    assert 100.0 < stages["fit_lstm"] < 101.0


def test_a_stage_says_how_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("repricer"), "propagate", True)
    caplog.set_level(logging.INFO, logger="repricer")
    attempt(tmp_path / "20260101", "smoke", LAST)
    with reported(tmp_path / "20260102", "smoke", "price"):
        pass
    with pytest.raises(ValueError, match="bad"), reported(tmp_path / "20260102", "smoke", "claim"):
        raise ValueError("bad")
    assert caplog.messages == [
        "stage 6 of 9: price ... 0:00 elapsed, about 0:55 to go",
        "price finished after 0:00 of about 0:40",
        "stage 7 of 9: claim ... 0:00 elapsed, about 0:15 to go",
        "claim failed after 0:00 of about 0:01",
    ]


def test_the_stages_are_the_tasks_that_the_flows_of_a_retraining_run() -> None:
    import importlib

    from prefect import Task

    flows = ("prepare", "forecast", "respond", "price", "evaluate", "retrain")
    held = [value for name in flows for value in vars(importlib.import_module(f"flows.{name}")).values()]
    held += [value for module in held if hasattr(module, "__file__") for value in vars(module).values()]
    tasks = {task.name: task for task in held if isinstance(task, Task)}
    assert set(tasks) == set(STAGES)
    assert {task.task_run_name for task in tasks.values()} == set(STAGES.values()), "each has a name to read"
