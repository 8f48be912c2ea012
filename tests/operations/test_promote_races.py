"""Of two people who promote at once one wins, and the other reads who won."""

from __future__ import annotations

import json
import multiprocessing
import os
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from conf import Settings
from tasks.governance.approval import Refused
from tasks.runtime import champion_store
from tests.operations.promotions import check, child, promote, restored

RACES = 50


@pytest.mark.slow
def test_of_two_promoters_at_once_one_wins_and_the_other_reads_who_won(
    warm: Settings, promoted: Path, tmp_path: Path
) -> None:
    people, folder = {"Ada": 1, "Bob": 3}, Path(warm.data_folder)
    for race in range(RACES):
        restored(warm, promoted)
        outcomes = {by: tmp_path / f"{race}-{by}" for by in people}
        both = multiprocessing.get_context("fork").Barrier(2)
        racers = [
            os.fork() or child(partial(race_to_promote, warm, version, by, outcomes[by], both))
            for by, version in people.items()
        ]
        assert [os.waitpid(racer, 0)[1] for racer in racers] == [0, 0]
        (winner,) = [by for by, file in outcomes.items() if not file.read_text().startswith("refused")]
        (loser,) = set(people) - {winner}
        assert f"the champion is now version {people[winner]} (by {winner}, 20" in outcomes[loser].read_text()
        assert check(folder)["by"] == winner


def race_to_promote(settings: Settings, version: int, by: str, outcome: Path, both: Barrier) -> None:
    """Promote, but write only once both have seen the same champion; keep the answer, or the refusal."""
    append = champion_store.append

    def together(*arguments: Any, **options: Any) -> None:
        both.wait(60)
        append(*arguments, **options)

    champion_store.append = together
    try:
        outcome.write_text(json.dumps(promote(settings, version, by)))
    except Refused as error:
        outcome.write_text(f"refused: {error}")
