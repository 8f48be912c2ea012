"""One process holds the lock; every holder has a larger token, and one that was paused loses it."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tasks.governance.ledger import Overtaken
from tasks.runtime import writer_lock
from tasks.runtime.writer_lock import held
from tests.operations.promotions import child


def test_every_holder_has_a_larger_token_than_all_before_and_than_the_ledger(tmp_path: Path) -> None:
    tokens = []
    for least in (0, 0, 7, 3):
        with held(tmp_path, least) as writer:
            writer.require_newest()
            tokens.append(writer.token)
    assert tokens == [1, 2, 8, 9]
    assert [path.name for path in tmp_path.iterdir()] == ["9"], "what holders before left is swept"


def test_many_at_once_hold_it_one_after_the_other(tmp_path: Path) -> None:
    inside, tokens = [], []

    def work() -> None:
        with held(tmp_path) as writer:
            inside.append(1)
            assert len(inside) == 1, "two hold it"
            time.sleep(0.01)
            tokens.append(writer.token)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert tokens == sorted(set(tokens))
    assert len(tokens) == 6


def holding(folder: Path, signal_number: int, answer: Path) -> int:
    """Fork a process that takes the lock, sends itself a signal and then asks whether it still holds it."""

    def work() -> None:
        with held(folder) as writer:
            os.kill(os.getpid(), signal_number)
            try:
                writer.require_newest()
                answer.write_text("holds")
            except Overtaken as error:
                answer.write_text(str(error))

    process = os.fork() or child(work)
    os.waitpid(process, os.WUNTRACED)
    return process


def test_a_holder_that_was_killed_leaves_the_lock_free(tmp_path: Path) -> None:
    holding(tmp_path / "lock", signal.SIGKILL, tmp_path / "answer")
    with held(tmp_path / "lock") as writer:
        assert writer.token == 2


def test_a_paused_holder_is_replaced_after_a_while_and_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_lock, "PAUSED_SECONDS", 0.2)
    process, began = holding(tmp_path / "lock", signal.SIGSTOP, tmp_path / "answer"), time.monotonic()
    with held(tmp_path / "lock") as writer:
        assert time.monotonic() - began > 0.2
        assert writer.token == 2
        os.kill(process, signal.SIGCONT)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
        writer.require_newest()
    words = "another command has taken over (its token is 2) while this one, of token 1, was paused"
    assert (tmp_path / "answer").read_text().startswith(words)
