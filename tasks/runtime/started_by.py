"""A retraining that `repricer serve` starts in a process of its own ends with it, however that ends.

The command holds the Prefect API of the data folder and stops where that dies. A retraining without either
would ask Prefect in vain for minutes, or for ever.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tasks.runtime.interruption import close_all
from tasks.runtime.owners import is_living, owner

log = logging.getLogger("repricer")

STARTED_BY = "REPRICER_STARTED_BY"
"""Variable with the name that the command holds in the data folder."""
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_CLOSE = 3.0  # that the runs of the process may take


class Starter(NamedTuple):
    """A command that starts runs in processes of their own.

    Attributes:
        mark: name that it holds in the data folder.
        release: lets go of it, so that the runs end before the command does.
    """

    mark: str
    release: Callable[[], None]


@contextmanager
def starter(data_folder: str) -> Iterator[Starter]:
    """Let the retrainings that this process starts end with the block, and yield what ends them before."""
    with ExitStack() as held:
        mark = os.environ[STARTED_BY] = held.enter_context(owner(Path(data_folder)))
        try:
            yield Starter(mark, held.close)
        finally:
            del os.environ[STARTED_BY]


@contextmanager
def ended_with_starter(data_folder: str) -> Iterator[None]:
    """End this process, resumably, where the command that started it ends within the block."""
    mark = os.environ.get(STARTED_BY)
    if mark is None:  # a person or another scheduler started it
        yield
        return
    left = threading.Event()

    def watch() -> None:
        while not left.wait(SECONDS_BETWEEN_LOOKS):
            if not is_living(Path(data_folder), mark):
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
