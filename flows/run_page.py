"""What Prefect shows of a retraining: its name, its progress, the summary with figures, and the verdict."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from prefect.artifacts import create_markdown_artifact
from prefect.logging.handlers import APILogHandler
from prefect.runtime import flow_run
from prefect.states import Completed

from conf import Settings, SettingsError, profile_name, stored
from tasks.runtime import track
from tasks.runtime.attempt import Attempt
from tasks.runtime.heartbeat import OUTER_QUIET_SECONDS, heartbeat
from tasks.runtime.summary import Summary
from tasks.stages.summary_page import as_markdown, headline

FIGURES = {
    "gates.png": "Every gate with its value",
    "trial_lift.png": "The season of price lists against the price in force",
    "forecast_bands.png": "Forecasts with their intervals, and the units that were sold",
}
"""The figures of a retraining that stand on its page, and what they show."""
NOTE = "note: "  # what a reason begins with that decides nothing
MESSAGE_LENGTH = 1000  # characters of a state's message: more would push the run off the screen


def run_name() -> str:
    """Return the name of a retraining's flow run: its profile and when it was due, as here on the clock."""
    given = flow_run.parameters.get("settings")
    try:
        settings = given if isinstance(given, Settings) else stored(given)
    except SettingsError:  # the run fails for it; it needs a name all the same
        return f"{flow_run.flow_name} {flow_run.scheduled_start_time.astimezone():%Y-%m-%d %H:%M}"
    return f"{profile_name(settings.profile)} {flow_run.scheduled_start_time.astimezone():%Y-%m-%d %H:%M}"


@contextmanager
def progress_shown() -> Iterator[None]:
    """Show every line of progress on the retraining's own page, also those of the flows below it."""
    logger, handler = logging.getLogger("repricer"), _PageLog(flow_run.id)
    level = logger.level
    if logger.getEffectiveLevel() > logging.INFO:  # a process that a schedule started has set no level
        logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        with heartbeat("retraining", quiet=OUTER_QUIET_SECONDS):
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _PageLog(APILogHandler):
    """Hands lines that belong to the flows below a run to that run too."""

    def __init__(self, run: str) -> None:
        super().__init__(logging.INFO)
        self._run = run

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a line to the run, unless it is a line of the run already."""
        if flow_run.id != self._run:
            super().emit(logging.makeLogRecord({**record.__dict__, "flow_run_id": self._run}))


def show(attempt: Attempt, settings: Settings, summary: Summary) -> None:
    """Put the summary and the main figures on the page of the flow run, and into its artifact ``summary``."""
    parts = [as_markdown(summary, profile_name(settings.profile))]
    for name, what in FIGURES.items():
        image = track.figure_of(attempt, name)
        if image:
            parts.append(f"![{what}](data:image/png;base64,{b64encode(image).decode()})")
    parts.append(f"All figures, models and trials: run `{summary['run_id']}` in MLflow (`repricer ui`).")
    create_markdown_artifact("\n\n".join(parts), key="summary", description=headline(summary))


def conclusion(summary: Summary, reasons: Sequence[str]) -> Any:
    """Return the final state of a retraining, which says the verdict and its reasons.

    Prefect hands callers the summary that is in it. A FAIL is no failure of the run: the state has the name
    FAIL and the type of one that is completed.

    Args:
        summary: of the retraining.
        reasons: of the verdict; notes among them stand in the summary alone.
    """
    of_gates = [reason for reason in reasons if not reason.startswith(NOTE)]
    message = ". ".join((headline(summary), *of_gates))
    if len(message) > MESSAGE_LENGTH:
        message = message[: MESSAGE_LENGTH - 4] + " ..."
    name = "FAIL" if summary["verdict"] == "FAIL" else "Completed"
    return Completed(name=name, message=message, data=summary)
