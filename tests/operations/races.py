"""People who promote at once, each in a process, when all have seen the same champion."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Mapping
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from conf import Settings
from tasks.governance.approval import Refused
from tasks.governance.ledger import Entry
from tasks.runtime import champion_store
from tests.operations.promotions import child, promote


def race(settings: Settings, people: Mapping[str, int], folder: Path) -> dict[str, str]:
    """Let people promote versions at once and return what they were answered; a refusal begins so.

    Args:
        settings: of the data folder.
        people: name -> version that they promote.
        folder: for their answers.
    """
    together = multiprocessing.get_context("fork").Barrier(len(people))
    racers = [
        os.fork() or child(partial(race_to_promote, settings, version, by, folder / by, together))
        for by, version in people.items()
    ]
    assert [os.waitpid(racer, 0)[1] for racer in racers] == [0] * len(people)
    return {by: (folder / by).read_text() for by in people}


def race_to_promote(settings: Settings, version: int, by: str, answer: Path, together: Barrier) -> None:
    """Promote, but write only once all have seen the same champion; keep the answer, or the refusal."""
    decide = champion_store.decide

    def decide_together(*arguments: Any, **options: Any) -> Entry:
        together.wait(60)
        return decide(*arguments, **options)

    champion_store.decide = decide_together
    try:
        answer.write_text(json.dumps(promote(settings, version, by)))
    except Refused as error:
        answer.write_text(f"refused: {error}")
