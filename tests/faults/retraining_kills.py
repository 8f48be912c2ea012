"""Retrainings that are killed with -9: at every boundary of stages, and at random moments between lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.faults.case import Case, Plan, draw
from tests.faults.comparison import differences
from tests.faults.shop import Shop, fill, kill, retraining, run_to_its_end, run_until

FAULT = "kill-retraining"
BOUNDARIES = ("stage ", " finished after")
LONGEST_DELAY = 1.5  # seconds after a line, about as long as a stage of the smallest retraining takes
SECOND_KILLS = 0.2  # share of the cases in which the resumed retraining is killed as well
Moment = tuple[int, float]
"""Lines that the command has said, and seconds after the last of them."""


def cases(plan: Plan, shop: Shop) -> Iterator[Case]:
    """Yield a kill right after every line that begins or ends a stage, then the random ones."""
    for number, line in enumerate(shop.lines, start=1):
        if any(words in line for words in BOUNDARIES):
            yield case(shop, f"at the line {line[10:].strip()!r}", [(number, 0.0)])
    for number in range(plan.kills):
        random = draw(plan, FAULT, number)
        kills = 2 if random.random() < SECOND_KILLS else 1
        moments = [
            (random.randint(0, len(shop.lines)), random.uniform(0, LONGEST_DELAY)) for _ in range(kills)
        ]
        yield case(shop, " and ".join(f"{delay:.2f} s after line {line}" for line, delay in moments), moments)


def case(shop: Shop, name: str, moments: list[Moment]) -> Case:
    return Case(FAULT, name, partial(killed, shop, moments), facts={"kills": len(moments)})


def killed(shop: Shop, moments: list[Moment], folder: Path) -> list[str]:
    """Kill a retraining, once or twice, run it once more, and compare it with the undisturbed one."""
    fill(folder, shop.empty)
    broken: list[str] = []
    for line, delay in moments:
        run_until(
            retraining(shop.sales, folder), line, lambda process, delay=delay: stop(process, delay, broken)
        )
    return [*broken, *resumed(shop, folder)]


def stop(process: object, delay: float, broken: list[str]) -> None:
    time.sleep(delay)
    broken += [f"process {child.pid} outlives the kill" for child in kill(process)]


def resumed(shop: Shop, folder: Path) -> list[str]:
    """Run a retraining to its end and return in what it differs from the undisturbed one."""
    ended = run_to_its_end(retraining(shop.sales, folder))
    if ended.status:
        return [f"the retraining after the fault ended with {ended.status}: {ended.text[-2000:]}"]
    return differences(shop.reference, folder)
