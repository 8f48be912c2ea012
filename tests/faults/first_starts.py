"""First starts: killed in the midst of making the databases, eight in one folder, eight in eight."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.faults.case import Case, Plan, draw
from tests.faults.checker import violations
from tests.faults.comparison import differences
from tests.faults.retraining_kills import resumed
from tests.faults.shop import SECONDS_OF_A_RETRAINING, Shop, begin, kill, retraining

FAULT = "first-start"
AT_ONCE = 8
TRY_AGAIN_LATER = 75


def cases(plan: Plan, shop: Shop) -> Iterator[Case]:
    """Yield the kills in the first seconds in an empty folder, then the starts at once."""
    for number in range(plan.first_kills):
        delay = draw(plan, FAULT, number).uniform(0, shop.first_start)
        yield Case(FAULT, f"killed {delay:.2f} s after its start", partial(killed, shop, delay))
    if plan.first_kills:
        yield Case(FAULT, f"{AT_ONCE} in one folder", partial(in_one_folder, shop))
        yield Case(FAULT, f"{AT_ONCE} in {AT_ONCE} folders", partial(in_folders, shop), checked=False)


def killed(shop: Shop, delay: float, folder: Path) -> list[str]:
    """Kill a first retraining some seconds after its start, and run it again."""
    process = begin(retraining(shop.sales, folder))
    time.sleep(delay)
    outliving = kill(process)
    return [*(f"process {child.pid} outlives the kill" for child in outliving), *resumed(shop, folder)]


def in_one_folder(shop: Shop, folder: Path) -> list[str]:
    """Start eight retrainings in one empty folder at once: one runs, the others say so and end."""
    statuses = sorted(ends([retraining(shop.sales, folder)] * AT_ONCE, folder))
    if statuses != [0] + [TRY_AGAIN_LATER] * (AT_ONCE - 1):
        return [f"one should have run and the others should try again later; they ended with {statuses}"]
    return differences(shop.reference, folder)


def in_folders(shop: Shop, folder: Path) -> list[str]:
    """Start eight retrainings in eight empty folders at once: all run."""
    folders = [folder / str(number) for number in range(AT_ONCE)]
    for data in folders:
        data.mkdir()
    statuses = ends([retraining(shop.sales, data) for data in folders], folder)
    broken = [f"they ended with {statuses}, and all should have run"] if any(statuses) else []
    for data in folders:
        broken += [*differences(shop.reference, data), *violations(data)]
    return broken


def ends(commands: list[list[str]], folder: Path) -> list[int]:
    """Start commands at once, keep what they say beside their data, and return their exit statuses."""
    processes = [begin(arguments) for arguments in commands]
    statuses = []
    for number, process in enumerate(processes):
        text, _ = process.communicate(timeout=AT_ONCE * SECONDS_OF_A_RETRAINING)
        (folder / f"said-{number}.txt").write_text(text, encoding="utf-8")
        statuses.append(process.returncode)
    return statuses
