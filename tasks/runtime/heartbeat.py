"""A line of progress where long work says nothing itself."""

from __future__ import annotations

import contextvars
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

log = logging.getLogger("repricer")

QUIET_SECONDS = 8.0  # without a line before one is said: a reader is never without one for 10 s
OUTER_QUIET_SECONDS = 9.0  # of work that consists of other work, which says so before
SECONDS_BETWEEN_LOOKS = 0.5


class _LastLine(logging.Handler):
    """When the last line of progress was said."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.moment = time.monotonic()

    def silence(self) -> float:
        """Return for how long nothing was said (s)."""
        return time.monotonic() - self.moment

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - that there is one is enough
        """Note that there is a line."""
        self.moment = time.monotonic()


def _last_line() -> _LastLine:
    """Return what listens to the progress; it stays, for one work begins in the silence of another."""
    listeners = [handler for handler in log.handlers if isinstance(handler, _LastLine)]
    if not listeners:
        listeners = [_LastLine()]
        log.addHandler(listeners[0])
    return listeners[0]


@contextmanager
def heartbeat(
    what: str, expected: float | None = None, quiet: float = QUIET_SECONDS
) -> Iterator[Callable[[], float]]:
    """Say that the work of the block goes on whenever it was silent for a while; nothing where it speaks.

    Args:
        what: name of the work.
        expected: how long it took the last time (s), if that is known.
        quiet: silence before a line (s).

    Yields:
        What returns the time since the block began (s).
    """
    begin, ended, last = time.monotonic(), Event(), _last_line()

    def elapsed() -> float:
        return time.monotonic() - begin

    def beat() -> None:
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            if last.silence() >= quiet:
                log.info("%s: at work for %s%s", what, clock(elapsed()), of_expected(expected))

    # In the context of the block: Prefect keeps a line with the run whose context it is said in.
    beater = Thread(target=contextvars.copy_context().run, args=(beat,), name="heartbeat", daemon=True)
    beater.start()
    try:
        yield elapsed
    finally:
        ended.set()
        beater.join()


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, of more than an hour as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def of_expected(expected: float | None) -> str:
    """Return how long it took the last time, for the end of a line; nothing where that is not known."""
    return "" if expected is None else f" of about {clock(expected)}"
