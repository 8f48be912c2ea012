"""One retraining at a time in a data folder, taken up where it was killed; the other learns who is at it."""

from __future__ import annotations

import logging
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from tasks.runtime import resume, track
from tasks.runtime.attempt import Attempt
from tasks.runtime.resume import AlreadyRunning, attempt_at
from tests.operations.promotions import KILLED, forked


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(profile="smoke", data_folder=str(tmp_path))


def stopped(settings: Settings) -> Attempt:
    """Return the attempt of a retraining that was stopped."""
    with pytest.raises(KeyboardInterrupt), attempt_at(settings) as attempt:
        raise KeyboardInterrupt
    return attempt


def test_a_second_retraining_learns_which_process_holds_the_folder_and_since_when(tmp_path: Path) -> None:
    settings = Settings(profile="smoke", data_folder=str(tmp_path))
    who = rf"process {os.getpid()} since 20.* Try again later\."
    with attempt_at(settings), pytest.raises(AlreadyRunning, match=who) as refused:
        attempt_at(settings).__enter__()
    holder = refused.value.holder
    assert holder["process"] == os.getpid()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", holder["since"] or "")


def test_a_holder_that_has_not_written_yet_is_another_process(tmp_path: Path) -> None:
    import fcntl

    settings = Settings(profile="smoke", data_folder=str(tmp_path))
    with (tmp_path / "retrain.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(
            AlreadyRunning, match=r"is already running as another process\. Try again"
        ) as refused:
            attempt_at(settings).__enter__()
    assert refused.value.holder == {"process": None, "since": None}


def test_any_command_ends_the_runs_of_a_killed_retraining_unless_another_one_is_at_work(
    settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume.sweep_killed(settings)
    assert not Path(settings.data_folder, "mlflow.db").exists(), "where nothing was trained nothing is made"
    run = track.start_run(settings, {})
    with resume._held(settings):
        resume.sweep_killed(settings)
    assert track.open_store(settings).get_run(run).info.status == "RUNNING", "its retraining holds the folder"
    resume.sweep_killed(settings)
    assert track.open_store(settings).get_run(run).info.status == "KILLED"

    def down(_: Settings) -> int:
        raise track.StoreError("http://store: no answer")

    monkeypatch.setattr(track, "sweep", down)
    resume.sweep_killed(settings)
    assert "is ended by the next retraining: http://store: no answer" in caplog.text


def unreadable(file: Path) -> None:
    file.unlink()
    file.mkdir()


SPOILT: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "torn": lambda file: file.write_bytes(file.read_bytes()[:-20]),
    "no text": lambda file: file.write_bytes(b"\xff\xfe\x00"),
    "a list": lambda file: file.write_text("[]"),
    "of another shape": lambda file: file.write_text('{"attempt": {"id": 3}, "key": "k"}'),
    "no file": unreadable,
}


@pytest.mark.parametrize("how", list(SPOILT))
def test_an_attempt_that_cannot_be_read_is_lost_alone(
    how: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    lost = stopped(settings)
    SPOILT[how](lost.path("attempt.json"))
    with caplog.at_level(logging.WARNING, "repricer"):
        begun = stopped(settings)
    assert begun.id != lost.id
    line = rf"{lost.path('attempt.json')}: the attempt cannot be read and is not resumed .* delete its folder"
    assert re.search(line, caplog.text)
    assert stopped(settings).id == begun.id, "the next one is resumed"


def test_an_attempt_whose_run_was_deleted_is_lost_alone(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    lost = stopped(settings)
    client = track.open_store(settings)
    client.delete_run(lost.run_id)
    with caplog.at_level(logging.WARNING, "repricer"):
        begun = stopped(settings)
    assert begun.id != lost.id
    assert f"attempt {lost.id} is not resumed: its MLflow run {lost.run_id} was deleted" in caplog.text
    assert client.get_run(begun.run_id).info.status == "KILLED"


def test_what_a_fresh_start_gave_up_is_not_resumed_after_it(settings: Settings) -> None:
    given_up = stopped(settings)
    with attempt_at(settings, fresh=True) as fresh:
        assert fresh.id != given_up.id
    assert stopped(settings).id not in {given_up.id, fresh.id}


def test_what_a_fresh_start_gave_up_is_not_resumed_where_that_start_was_stopped_before_its_attempt(
    settings: Settings,
) -> None:
    given_up = stopped(settings)

    def killed_early() -> None:
        resume.track.start_run = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        attempt_at(settings, fresh=True).__enter__()

    assert forked(killed_early) == KILLED
    assert stopped(settings).id != given_up.id


def test_a_fresh_start_with_other_settings_gives_nothing_up(settings: Settings) -> None:
    left = stopped(settings)
    with attempt_at(settings.model_copy(update={"seed": settings.seed + 1}), fresh=True):
        pass
    assert stopped(settings).id == left.id


def test_an_attempt_that_was_killed_behind_its_last_write_is_finished_in_mlflow_too(
    settings: Settings,
) -> None:
    def killed_at_the_end() -> None:
        write = resume._write

        def deadly(*given: Any, **named: Any) -> None:
            write(*given, **named)
            if named["finished"]:
                os.kill(os.getpid(), signal.SIGKILL)

        resume._write = deadly
        with attempt_at(settings):
            pass

    assert forked(killed_at_the_end) == KILLED
    next_one = stopped(settings)
    client = track.open_store(settings)
    experiment = client.get_run(next_one.run_id).info.experiment_id
    runs = {run.info.run_id: run.info.status for run in client.search_runs([experiment])}
    assert runs.pop(next_one.run_id) == "KILLED"
    assert list(runs.values()) == ["FINISHED"]
