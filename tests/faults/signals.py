"""What a terminal or an operator does to a retraining: Ctrl-C, SIGTERM, a closed terminal, a killed API."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.faults.case import Case, Plan, draw
from tests.faults.databases import rows
from tests.faults.retraining_kills import resumed
from tests.faults.shop import REGISTERING, SECONDS_OF_A_RETRAINING, Shop, fill, retraining
from tests.terminals import CTRL_C, Terminal

FAULT = "signal"
SECONDS_TO_STOP = 10.0
ROOM = 3  # times as long, on a machine that does other things too


def ctrl_c(terminal: Terminal, _random: random.Random) -> None:
    terminal.press(CTRL_C)


def ctrl_c_twice(terminal: Terminal, random: random.Random) -> None:
    terminal.press(CTRL_C)
    time.sleep(random.uniform(0.1, 2.0))
    terminal.press(CTRL_C)


def sigterm(terminal: Terminal, _random: random.Random) -> None:
    terminal.process.terminate()


def closed_terminal(terminal: Terminal, _random: random.Random) -> None:
    terminal.close()


def killed_api(terminal: Terminal, _random: random.Random) -> None:
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(terminal.process.pid).children(recursive=True):
            if any("infra" in part and "api" in part for part in child.cmdline()):
                child.send_signal(signal.SIGKILL)


STOPS: dict[str, tuple[Callable[[Terminal, random.Random], None], tuple[int, ...]]] = {
    "Ctrl-C": (ctrl_c, (130,)),
    "Ctrl-C twice": (ctrl_c_twice, (130,)),
    "SIGTERM": (sigterm, (143, 130)),
    "closed terminal": (closed_terminal, (129, 130)),
    "killed API": (killed_api, (1,)),
}
"""What is done, and the exit statuses that are an answer to it."""


class Moment(NamedTuple):
    """A stop, the number of lines after which it comes, and the random numbers of its delays."""

    stop: str
    line: int
    random: random.Random


def cases(plan: Plan, shop: Shop) -> Iterator[Case]:
    """Yield every stop at seeded moments of a retraining."""
    first, last = shop.line_with("stage 1 of"), shop.line_with(REGISTERING)
    for number in range(plan.signals):
        for stop in STOPS:
            random = draw(plan, FAULT, stop, number)
            line = random.randint(first, last)
            facts: dict[str, Any] = {}
            work = partial(stopped, shop, Moment(stop, line, random), facts)
            yield Case(FAULT, f"{stop}, after line {line}", work, facts=facts)


def stopped(shop: Shop, moment: Moment, facts: dict[str, Any], folder: Path) -> list[str]:
    """Stop a retraining, look at what it leaves, run it again and compare it with the undisturbed one."""
    fill(folder, shop.empty)
    terminal = Terminal(retraining(shop.sales, folder))
    terminal.wait_for_line(moment.line, SECONDS_OF_A_RETRAINING)
    time.sleep(moment.random.uniform(0, 1))
    if terminal.process.poll() is not None:
        terminal.close()
        facts["stopped"] = "too late"
        return resumed(shop, folder)
    do, statuses = STOPS[moment.stop]
    begin = time.monotonic()
    do(terminal, moment.random)
    broken = list(answer(terminal, statuses, begin, facts))
    terminal.close()
    return [*broken, *interrupted(folder, facts), *resumed(shop, folder)]


def answer(
    terminal: Terminal, statuses: tuple[int, ...], begin: float, facts: dict[str, Any]
) -> Iterator[str]:
    """Yield what is wrong with how a command ended."""
    try:
        status = terminal.wait(ROOM * SECONDS_TO_STOP)
        facts["ended after s"] = round(time.monotonic() - begin, 1)
    except subprocess.TimeoutExpired:
        terminal.process.kill()
        status = terminal.process.wait()
        yield f"it did not end within {ROOM * SECONDS_TO_STOP:.0f} s: {terminal.text[-1000:]}"
    facts["status"] = status
    if status not in (0, *statuses):  # 0 where it came to its end first
        yield f"it ended with {status}, not with {statuses[0]}: {terminal.text[-1000:]}"
    if "Traceback" in terminal.text:
        yield f"it showed a traceback: {terminal.text[-2000:]}"


def interrupted(folder: Path, facts: dict[str, Any]) -> Iterator[str]:
    """Yield the runs of MLflow that are not shown as interrupted, or as finished before the stop."""
    allowed = {"KILLED", "FINISHED"}
    query = "select name, status from runs where lifecycle_stage = 'active'"
    for name, status in rows(folder / "mlflow.db", query):
        if status not in allowed:
            yield f"after the stop MLflow shows the run {name} as {status}, not as KILLED"
    facts["flows left open"] = len(
        rows(
            folder / "prefect" / "prefect.db",
            "select 1 from flow_run where state_type in ('RUNNING', 'PENDING')",
        )
    )
