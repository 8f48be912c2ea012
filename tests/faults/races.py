"""Two people who promote at once: one wins, the other reads who won, and the ledger has one entry more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.faults.case import Case, Plan
from tests.faults.checked_registry import ledger
from tests.faults.registry_kills import begin_from
from tests.faults.shop import Shop
from tests.operations.promotions import close_connections, settings_of
from tests.operations.races import race
from tests.operations.template import made_registry

FAULT = "race-of-promotions"
PEOPLE = {"Ada": 1, "Bob": 3}


def cases(plan: Plan, _shop: Shop) -> Iterator[Case]:
    """Yield the races; which of the two wins is up to the machine."""
    folder = plan.work / "races"
    shutil.rmtree(folder, ignore_errors=True)
    template, promoted = made_registry(folder)
    for number in range(plan.races):
        yield Case(FAULT, f"race {number + 1}", partial(raced, template, promoted))


def raced(template: Path, promoted: Path, folder: Path) -> list[str]:
    """Let two people promote, and return what they should not have been answered."""
    settings = settings_of(folder)
    begin_from(template, promoted, settings)
    close_connections()
    (folder / "answers").mkdir()
    answers = race(settings, PEOPLE, folder / "answers")
    winners = [by for by, answer in answers.items() if not answer.startswith("refused")]
    if len(winners) != 1:
        return [f"{len(winners)} of two promotions at once were accepted: {answers}"]
    (loser,) = set(PEOPLE) - set(winners)
    broken = []
    if f"the champion is now version {PEOPLE[winners[0]]} (by {winners[0]}, 20" not in answers[loser]:
        broken.append(f"{loser} lost and does not read to whom: {answers[loser]}")
    if [entry["by"] for entry in ledger(folder)][2:] != winners:
        broken.append(f"the ledger has other entries than the one of {winners[0]}")
    return broken
