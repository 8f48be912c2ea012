"""The smallest shop that a retraining takes through all of its stages, and the command run on it."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.conftest import ROOT, environment, outliving, retrain_small, table

PRODUCTS = 8
TINY = (
    "forecast.folds=1",
    "forecast.lstm.epochs=1",
    "forecast.lstm.steps=3",
    "forecast.lstm.units=4",
    "price.seasons=10",
    "price.ladder_low=0.9",
    "price.ladder_high=1.1",
    "price.ladder_steps=3",
    "price.guard.step=0.1",
    "price.dqn.environment_steps=4000",
    "price.dqn.environments=64",
    "price.dqn.evaluations=2",
    "price.dqn.evaluation_draws=3",
    "price.dqn.hidden=[8,8]",
    "evaluate.markets=40",
    "evaluate.max_wape_ratio=2",
    "evaluate.coverage_tolerance=0.4",
    "evaluate.max_median_width=10",
)
"""What makes a retraining as short as it gets, and lets it pass: the figures are not looked at."""
SECONDS_OF_A_RETRAINING = 900.0  # at most, on a machine that does other things too
SECONDS_AFTER_A_KILL = 15.0  # that children of a killed command may live
MLFLOW = Path("mlflow.db")
REGISTERING = ": register"  # in the line that opens the last stage
DATABASES = (MLFLOW, Path("prefect", "prefect.db"))


class Shop(NamedTuple):
    """A shop whose retraining can be repeated: its sales, empty databases, and an undisturbed retraining.

    Attributes:
        sales: file of the sales.
        empty: folder with databases that are migrated and hold nothing.
        reference: data folder of a retraining that nothing was done to.
        lines: what it said, line by line.
        first_start: seconds from the start of a first retraining to its first stage.
    """

    sales: Path
    empty: Path
    reference: Path
    lines: list[str]
    first_start: float

    def line_with(self, words: str) -> int:
        """Return the number of the first line of the undisturbed retraining with some words, from 1."""
        return next(number for number, line in enumerate(self.lines, start=1) if words in line)


def prepared(work: Path, reuse: bool = False) -> Shop:
    """Return the shop in a working folder, with a retraining that is not disturbed.

    Args:
        work: folder of the suite.
        reuse: whether to take the retraining that an earlier run of the suite left there.
    """
    kept = work / "shop.json"
    if reuse and kept.is_file():
        values = json.loads(kept.read_text(encoding="utf-8"))
    else:
        values = new_reference(work)
        kept.write_text(json.dumps(values), encoding="utf-8")
    return Shop(work / "sales.csv", work / "empty", work / "reference", **values)


def new_reference(work: Path) -> dict[str, Any]:
    """Retrain twice, once in an empty folder, and return what was said and how long the first start took."""
    sales, empty, reference = work / "sales.csv", work / "empty", work / "reference"
    for folder in (empty, reference):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    rows = table()
    rows[rows["sku"] < f"{PRODUCTS:03d}"].to_csv(sales, index=False)
    begun = time.monotonic()
    seconds: list[float] = []
    first = run_until(
        retraining(sales, empty), "stage 1 of", lambda _: seconds.append(time.monotonic() - begun)
    )
    if first.status:
        raise RuntimeError(f"the undisturbed retraining ended with {first.status}: {first.text}")
    keep_empty_databases(empty)
    fill(reference, empty)
    second = run_to_its_end(retraining(sales, reference))
    if "verdict PASS" not in second.text:
        raise RuntimeError(f"the undisturbed retraining does not pass: {second.text}")
    return {"lines": second.text.splitlines(), "first_start": seconds[0]}


def keep_empty_databases(folder: Path) -> None:
    """Leave nothing in a data folder but its two databases, without rows of runs."""
    kept = {name: folder.parent / f"{folder.name}-{name.name}" for name in DATABASES}
    for name, copy in kept.items():
        copy.unlink(missing_ok=True)
        with closing(sqlite3.connect(folder / name)) as here, closing(sqlite3.connect(copy)) as there:
            here.backup(there)
            clear(there)
    shutil.rmtree(folder)
    for name, copy in kept.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy.rename(folder / name)


def clear(database: sqlite3.Connection) -> None:
    """Delete all rows but those that migrations wrote."""
    database.execute("pragma foreign_keys = off")
    tables = database.execute(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
    ).fetchall()
    kept = {"alembic_version", "configuration", "block_type", "block_schema", "workspaces"}
    for (name,) in tables:
        if name not in kept:
            database.execute(f'delete from "{name}"')
    database.commit()
    database.execute("vacuum")


def fill(folder: Path, empty: Path) -> None:
    """Put migrated, empty databases in a data folder."""
    for name in DATABASES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(empty / name, folder / name)


def retraining(sales: Path, folder: Path) -> list[str]:
    """Return the command of the smallest retraining."""
    return command(*retrain_small(sales, folder, TINY, folder / "summary.json"))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flows.cli", *arguments]


def store(folder: Path) -> list[str]:
    """Return the options that lead a command to a data folder of the shop."""
    sets = (f"data_folder={folder}", "price.guard.step=0.1", "price.guard.band=0.5")
    return ["--profile", "smoke", *(part for value in sets for part in ("--set", value))]


class Ended(NamedTuple):
    """A command that ended: its exit status, negative for a signal, and what it said."""

    status: int
    text: str


def begin(arguments: list[str]) -> subprocess.Popen[str]:
    """Start a command, as a user does, in a session of its own."""
    return subprocess.Popen(
        arguments,
        env=environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run_to_its_end(arguments: list[str]) -> Ended:
    """Run a command to its end; one that takes far too long is killed."""
    process = begin(arguments)
    try:
        text, _ = process.communicate(timeout=SECONDS_OF_A_RETRAINING)
    except subprocess.TimeoutExpired:
        process.kill()
        text, _ = process.communicate()
        text += "\nkilled: it did not end"
    return Ended(process.returncode, text)


def run_until(
    arguments: list[str], line: int | str, fault: Callable[[subprocess.Popen[str]], object]
) -> Ended:
    """Run a command, do something to it once it has said a line, and wait for its end.

    Args:
        arguments: of the command.
        line: number of the lines that it has said by then, or a part of the last of them.
        fault: what is done.
    """
    process, said = begin(arguments), []
    assert process.stdout is not None
    while not reached(said, line) and (text := process.stdout.readline()):
        said.append(text)
    fault(process)
    said += process.stdout.readlines()
    return Ended(process.wait(), "".join(said))


def reached(said: list[str], line: int | str) -> bool:
    return len(said) >= line if isinstance(line, int) else any(line in text for text in said[-1:])


def kill(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Kill a command with -9 and return those of its children that outlive it."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    process.send_signal(signal.SIGKILL)
    process.wait()
    return list(outliving(children, SECONDS_AFTER_A_KILL))
