"""A retraining that `repricer serve` starts in a process of its own ends with it, however that ends.

The command holds the Prefect API of the data folder and stops where that dies. A retraining without either
would ask Prefect in vain for minutes, or for ever.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.runtime.interruption import close_all

log = logging.getLogger("repricer")

STARTED_BY = "REPRICER_STARTED_BY"
"""Variable with the id of the process that starts retrainings."""
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_CLOSE = 3.0  # that the runs of the process may take


@contextmanager
def ended_with_starter() -> Iterator[None]:
    """End this process, resumably, where the command that started it ends within the block."""
    starter = int(os.environ.get(STARTED_BY, os.getpid()))
    if starter == os.getpid():  # a person started it
        yield
        return
    left = threading.Event()

    def watch() -> None:
        while not left.wait(SECONDS_BETWEEN_LOOKS):
            if os.getppid() != starter:
                _end()

    watcher = threading.Thread(target=watch, name="starter", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left.set()
        watcher.join()


def _end() -> None:
    """Close what is open and end this process, whatever its main thread waits for."""
    log.error("stopped: the command that started this retraining has ended. The next one goes on from here.")
    closing = threading.Thread(target=close_all, daemon=True)
    closing.start()
    closing.join(SECONDS_TO_CLOSE)
    os._exit(1)
