"""What a user reads of a server that did not come up."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from conf.urls import masked
from flows.cli.prefect_database import DATABASES
from tasks.runtime.service_errors import last_error


def start_error(server: str, status: int | None, seconds: float, log: Path) -> str:
    """Return what happened to a server, why, and where to read more.

    Args:
        server: name and address.
        status: with which it ended, negative for a signal; none: it runs, or its status is unknown.
        seconds: for which it ran.
        log: of the server.
    """
    with log.open(encoding="utf-8", errors="replace") as lines:
        cause = masked(last_error(lines))
    end = "did not answer" if status is None else _ending(status)
    return f"{server} {end} after {seconds:.0f} s{f': {cause}' if cause else ''}; see {log}"


def named_database() -> str:
    """Return what to do about a database of Prefect that the user named, nothing where none was named."""
    for name in DATABASES:
        if os.environ.get(name):
            return (
                f". {name} names its database, {masked(os.environ[name])}: start that, correct the address, "
                "or unset the variable to keep the database in the data folder"
            )
    return ""


def _ending(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"
