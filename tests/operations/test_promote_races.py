"""Of two people who promote at once one wins, and the other reads who won."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf import Settings
from tests.operations.promotions import check, restored
from tests.operations.races import race

RACES = 20


@pytest.mark.slow
def test_of_two_promoters_at_once_one_wins_and_the_other_reads_who_won(
    warm: Settings, promoted: Path, tmp_path: Path
) -> None:
    people, folder = {"Ada": 1, "Bob": 3}, Path(warm.data_folder)
    for _ in range(RACES):
        restored(warm, promoted)
        answers = race(warm, people, tmp_path)
        (winner,) = [by for by, answer in answers.items() if not answer.startswith("refused")]
        (loser,) = set(people) - {winner}
        assert f"the champion is now version {people[winner]} (by {winner}, 20" in answers[loser]
        assert check(folder)["by"] == winner
