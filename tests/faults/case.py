"""A case of a fault: what is done to a data folder of its own, and the violations that it leaves."""

from __future__ import annotations

import random
import shutil
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.checker import violations


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run of the suite does.

    Attributes:
        work: folder of everything that it writes.
        seed: that every random draw is made from.
        kills: retrainings that are killed at random moments, besides those at the boundaries of stages.
        registry_kills: kills in registrations, promotions and rollbacks.
        first_kills: kills in the first start in an empty data folder.
        races: promotions by two people at once.
        signals: how often every signal is sent.
        locks: how often every database is held by another program.
        disk_kilobytes: by which a full disk grows at a time.
    """

    work: Path
    seed: int
    kills: int
    registry_kills: int
    first_kills: int
    races: int
    signals: int
    locks: int
    disk_kilobytes: int


@dataclass
class Case:
    """One fault, in a data folder that is made for it.

    Attributes:
        fault: the kind.
        name: what is done, so that a person can read it.
        work: does it to an empty folder and returns what it violated besides the invariants of the folder.
        checked: whether the invariants of the folder must hold afterwards.
    """

    fault: str
    name: str
    work: Callable[[Path], list[str]]
    checked: bool = True
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a case; ``folder`` is that of a violation, kept to be looked at."""

    fault: str
    name: str
    number: int
    seconds: float
    violations: list[str]
    folder: str | None
    facts: dict[str, Any]


def run(case: Case, number: int, work: Path) -> Outcome:
    """Run a case in a new folder, check it, and remove the folder of a case that violated nothing."""
    folder = (work / f"{number:04d}-{case.fault}").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begin = time.monotonic()
    try:
        broken = [*case.work(folder), *(violations(folder) if case.checked else [])]
    except Exception:  # noqa: BLE001 - a case that cannot be run has shown nothing: it counts as violated
        broken = [f"the case itself failed: {traceback.format_exc()}"]
    if not broken:
        shutil.rmtree(folder)
    return Outcome(
        fault=case.fault,
        name=case.name,
        number=number,
        seconds=round(time.monotonic() - begin, 1),
        violations=broken,
        folder=str(folder) if broken else None,
        facts=case.facts,
    )


def draw(plan: Plan, *key: object) -> random.Random:
    """Return the random numbers of one case, which do not depend on how many cases run before it."""
    return random.Random("-".join(map(str, (plan.seed, *key))))
