"""Work that is stopped, not failed: by Ctrl-C, by a signal, for want of its servers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger("repricer")

_closers: list[Callable[[], object]] = []
"""Of this process, the innermost last, like those of `atexit`."""


def interrupted(error: BaseException) -> bool:
    """Say whether an error is a stop, or arose while one was answered.

    Who stops a process raises no `Exception`: `KeyboardInterrupt`, or Prefect's signal of a termination. On
    the way out, libraries in the midst of a write, or without their server, raise errors of their own.
    """
    cause: BaseException | None = error
    while cause is not None:
        if not isinstance(cause, Exception):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


@contextmanager
def closed_without_unwinding(close: Callable[[], object]) -> Iterator[None]:
    """Have something closed also where this process ends within the block, without leaving it.

    A block that is interrupted may be left in time, and what is around it not: it is then closed once more.

    Args:
        close: is called from another thread; closing twice must do no harm.
    """
    _closers.append(close)
    try:
        yield
    except BaseException as error:
        if not interrupted(error):
            _closers.remove(close)
        raise
    else:
        _closers.remove(close)


def close_all() -> None:
    """Close what is open, the innermost first, before this process ends in the midst of its work."""
    for close in reversed(_closers):
        try:
            close()
        except Exception as error:  # noqa: BLE001  the process ends: the others are still to be closed
            log.debug("not closed at the end, so the next start does it: %r", error)
