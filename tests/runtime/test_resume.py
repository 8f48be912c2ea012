"""One retraining at a time in a data folder; the other learns who is at it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from conf import Settings
from tasks.runtime.resume import AlreadyRunning, attempt_at


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
