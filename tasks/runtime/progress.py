"""How far a retraining is: stage k of n, the time so far, and what is left by the last retraining."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tasks.runtime.artifacts import save_json
from tasks.runtime.heartbeat import clock, heartbeat, of_expected
from tasks.runtime.interruption import interrupted

log = logging.getLogger("repricer")

STAGES = {
    "prepare": "prepare",
    "fit_arima": "forecast, ARIMA",
    "fit_lstm": "forecast, LSTM",
    "blend": "forecast, blend",
    "respond": "respond",
    "price": "price",
    "claim": "claim",
    "evaluate": "evaluate",
    "register": "register",
}
"""The tasks of a retraining in their order, and what a person reads of them."""

Seconds = Mapping[str, float]


@contextmanager
def reported(folder: Path, profile: str, task: str) -> Iterator[None]:
    """Say when a stage begins, that it goes on, and when it ends; keep its seconds with the attempt.

    Args:
        folder: of the attempt.
        profile: of the settings; only another retraining of the same profile says what to expect.
        task: a name of `STAGES`.
    """
    expected, outcome = last_seconds(folder.parent, profile), "finished"
    log.info(opening(task, _stored(folder, profile), expected))
    with heartbeat(STAGES[task], expected.get(task)) as elapsed:
        try:
            yield
        except BaseException as error:
            outcome = "stopped" if interrupted(error) else "failed"
            raise
        finally:
            seconds = elapsed()
            if outcome != "failed":  # what failed will be done anew, and leaves nothing behind
                _add(folder, profile, task, seconds)
            took = clock(seconds) + of_expected(expected.get(task))
            log.info("%s %s after %s", STAGES[task], outcome, took)


def opening(task: str, spent: Seconds, expected: Seconds) -> str:
    """Return the line that opens a stage.

    Args:
        task: a name of `STAGES`.
        spent: seconds of the stages of this attempt so far.
        expected: seconds of all stages the last time; empty where there was none.
    """
    number = list(STAGES).index(task)
    left = [expected.get(name) for name in list(STAGES)[number:]]
    known = [seconds for seconds in left if seconds is not None]
    to_go = f", about {clock(sum(known))} to go" if len(known) == len(left) else ""
    spent_so_far = clock(sum(seconds for name, seconds in spent.items() if name != task))
    return f"stage {number + 1} of {len(STAGES)}: {STAGES[task]} ... {spent_so_far} elapsed{to_go}"


def last_seconds(attempts: Path, profile: str) -> Seconds:
    """Return the seconds of the stages of the newest finished attempt with a profile; empty without one."""
    for folder in sorted(attempts.glob("*/"), reverse=True):
        state = folder / "attempt.json"
        if state.is_file() and json.loads(state.read_text(encoding="utf-8")).get("finished"):
            seconds = _stored(folder, profile)
            if seconds:
                return seconds
    return {}


def _stored(folder: Path, profile: str) -> dict[str, float]:
    """Return the seconds that are kept with an attempt, none where it has another profile."""
    file = folder / "seconds.json"
    if not file.is_file():
        return {}
    kept = json.loads(file.read_text(encoding="utf-8"))
    return dict(kept["stages"]) if kept["profile"] == profile else {}


def _add(folder: Path, profile: str, task: str, seconds: float) -> None:
    """Add the seconds of a stage; one that was stopped goes on where it was, so all its times count."""
    stages = _stored(folder, profile)
    stages[task] = stages.get(task, 0.0) + seconds
    save_json({"profile": profile, "stages": stages}, folder / "seconds.json")
