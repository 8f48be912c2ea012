"""Who owns a flow run: a file that a living process holds, and that a killed one cannot."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tasks.runtime.owners import OWNERS, living, owner
from tests.operations.promotions import KILLED, forked


def test_an_owner_lives_until_it_ends(tmp_path: Path) -> None:
    with owner(tmp_path) as first, owner(tmp_path) as second:
        assert first != second
        assert living(tmp_path) == {first, second}
    assert living(tmp_path) == set()
    assert list((tmp_path / OWNERS).iterdir()) == []


def test_a_killed_owner_is_dead_and_its_file_is_removed(tmp_path: Path) -> None:
    def killed() -> None:
        with owner(tmp_path):
            os.kill(os.getpid(), signal.SIGKILL)

    assert forked(killed) == KILLED
    assert len(list((tmp_path / OWNERS).iterdir())) == 1, "the kill left it"
    with owner(tmp_path) as alive:
        assert living(tmp_path) == {alive}
    assert list((tmp_path / OWNERS).iterdir()) == []


def test_a_folder_without_owners_stays_as_it_is(tmp_path: Path) -> None:
    assert living(tmp_path / "data") == set()
    assert not (tmp_path / "data").exists()
