"""Databases that another program holds during a retraining: for a minute, and for ever."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.case import Case, Plan, draw
from tests.faults.comparison import differences
from tests.faults.retraining_kills import resumed
from tests.faults.shop import (
    DATABASES,
    MLFLOW,
    REGISTERING,
    SECONDS_OF_A_RETRAINING,
    Shop,
    fill,
    retraining,
    run_until,
)

FAULT = "locked-database"
SHORT_SECONDS = 60.0
WAITED = "is locked by another process: waiting for"
GIVEN_UP = "another process has kept the database locked for"
RESUME = "the same command goes on where it stopped"
SECONDS_TO_LOCK = 60.0  # that the holder waits for the transactions of the retraining itself


class Lock(NamedTuple):
    """A database, the line of the retraining after which it is held, and for how long (s)."""

    database: Path
    line: int
    seconds: float


def cases(plan: Plan, shop: Shop) -> Iterator[Case]:
    """Yield locks of a minute on each database, then one of MLflow's that never goes."""
    first, last = shop.line_with("stage 1 of"), shop.line_with(REGISTERING)
    for number in range(plan.locks):
        for database in DATABASES:
            line = draw(plan, FAULT, database, number).randint(first, last)
            facts: dict[str, Any] = {}
            lock = Lock(database, line, SHORT_SECONDS)
            name = f"{database.name} for {SHORT_SECONDS:.0f} s, after line {line}"
            yield Case(FAULT, name, partial(waited_for, shop, lock, facts), facts=facts)
        line = draw(plan, FAULT, "long", number).randint(first, last)
        lock = Lock(MLFLOW, line, SECONDS_OF_A_RETRAINING)
        yield Case(FAULT, f"{MLFLOW.name} for ever, after line {line}", partial(given_up, shop, lock))


def waited_for(shop: Shop, lock: Lock, facts: dict[str, Any], folder: Path) -> list[str]:
    """Hold a database for a while: the retraining waits for it, says so, and comes to its end."""
    fill(folder, shop.empty)
    ended = run_until(retraining(shop.sales, folder), lock.line, partial(hold, lock, folder))
    facts["lines of waiting"] = ended.text.count(WAITED)
    if ended.status:
        return [f"a lock of {lock.seconds:.0f} s ended it with {ended.status}: {ended.text[-2000:]}"]
    silent = [] if facts["lines of waiting"] else ["nothing was said of the lock"]
    return [*silent, *differences(shop.reference, folder)]


def given_up(shop: Shop, lock: Lock, folder: Path) -> list[str]:
    """Hold a database for ever: the retraining ends with one line, and goes on when it is free again."""
    fill(folder, shop.empty)
    ended = run_until(retraining(shop.sales, folder), lock.line, partial(hold, lock, folder))
    broken = []
    if ended.status != 1:
        broken.append(f"a lock that stays ended it with {ended.status}: {ended.text[-2000:]}")
    errors = [line for line in ended.text.splitlines() if line.startswith("error: ")]
    if len(errors) != 1 or not all(words in errors[0] for words in (lock.database.name, GIVEN_UP, RESUME)):
        broken.append(f"it does not say in one line what was locked and what to do: {ended.text[-2000:]}")
    if "Traceback" in ended.text:
        broken.append(f"it showed a traceback: {ended.text[-2000:]}")
    return [*broken, *resumed(shop, folder)]


def hold(lock: Lock, folder: Path, process: subprocess.Popen[str]) -> None:
    """Hold a database against readers and writers until the time is over or the command has ended."""
    path = folder / lock.database
    with closing(sqlite3.connect(path, timeout=SECONDS_TO_LOCK, isolation_level=None)) as database:
        database.execute("begin exclusive")
        deadline = time.monotonic() + lock.seconds
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.2)
        database.execute("rollback")
