"""Killing a command before any of its writes, and looking at what the next command makes of it."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine

from conf import Settings
from tasks.runtime import champion_aliases
from tests.operations.promotions import KILLED, check, forked, promote, restored, rollback

COMMANDS: dict[str, Callable[[Settings], object]] = {
    "promote": lambda settings: promote(settings, 3, "Bob"),
    "rollback": rollback,
}
KILLS = 15  # of each command, spread over its writes; `make faults` makes more of them
NEXT = [champion_aliases.champion, champion_aliases.champion, *COMMANDS.values()]
"""The command after the kill; recommend, explain, doctor and retrain ask for the champion."""


def torn_by_kills(command: str, settings: Settings, source: Path, count: Path) -> list[tuple[int, str]]:
    """Kill a command at its writes, and return where the next command left no champion.

    Args:
        command: `promote` or `rollback`.
        settings: of the data folder that is killed in.
        source: folder of the database before the command.
        count: file to count the command's writes in.
    """
    work, draw = COMMANDS[command], random.Random(command)
    restored(settings, source)
    assert killed_at(None, lambda: work(settings), count) == 0
    writes = int(count.read_text())
    torn = []
    for kill in range(KILLS):
        restored(settings, source)
        at = kill * writes // KILLS
        assert killed_at(at, lambda: work(settings)) == KILLED
        forked(partial(draw.choice(NEXT), settings))
        try:
            check(Path(settings.data_folder))
        except AssertionError as error:
            torn.append((at, str(error).splitlines()[0]))
    return torn


def killed_at(write: int | None, work: Callable[[], object], count: Path | None = None) -> int:
    """Run work in a forked process that is killed before its n-th write or commit.

    Where it is not killed its writes are counted in the file ``count``.
    """

    def counted() -> None:
        reached = 0

        def step(*_: object) -> None:
            nonlocal reached
            if reached == write:
                os.kill(os.getpid(), signal.SIGKILL)
            reached += 1

        def statement(_connection: object, _cursor: object, text: str, *_: object) -> None:
            if text.startswith(("INSERT", "UPDATE", "DELETE", "CREATE", "BEGIN")):
                step()

        event.listen(Engine, "before_cursor_execute", statement)
        event.listen(Engine, "commit", step)
        work()
        if count is not None:
            count.write_text(str(reached))

    return forked(counted)
