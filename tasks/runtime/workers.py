"""A few processes for work that is many small fits: whole chunks are sent, never one series."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from threadpoolctl import threadpool_limits

log = logging.getLogger("repricer")

Result = TypeVar("Result")

CHUNK = 40  # series in a chunk
SECONDS_BETWEEN_LOOKS = 1.0
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


class Workers:
    """Processes that end with this one."""

    def __init__(self, pool: ProcessPoolExecutor, cores: int) -> None:
        """Use the processes of a pool, one a core."""
        self._pool, self.cores = pool, cores

    def over_rows(
        self, what: str, function: Callable[..., Result], rows: tuple[np.ndarray, ...], *fixed: object
    ) -> list[Result]:
        """Return ``function(*chunks, *fixed)`` for chunks of the rows, in their order, and say how far it is.

        Args:
            what: name for the progress.
            function: a module's function.
            rows: arrays of the same length (rows, ...).
            fixed: further arguments, the same for every chunk.
        """
        total = len(rows[0])
        parts = [slice(start, start + CHUNK) for start in range(0, total, CHUNK)]
        if len(parts) == 1:
            return [_here(function, *rows, *fixed)]
        futures = [self._pool.submit(function, *(array[part] for array in rows), *fixed) for part in parts]
        results = []
        for number, future in enumerate(futures):
            results.append(future.result())
            log.debug("%s: %d of %d series", what, min(total, (number + 1) * CHUNK), total)
        return results

    def over_items(
        self, what: str, function: Callable[..., Result], items: Sequence[object], *fixed: object
    ) -> list[Result]:
        """Return ``function(item, *fixed)`` for the items, in their order, and say how far it is."""
        if len(items) == 1:
            return [_here(function, items[0], *fixed)]
        futures = [self._pool.submit(function, item, *fixed) for item in items]
        for number, _ in enumerate(as_completed(futures), start=1):
            log.info("%s: %d of %d", what, number, len(items))
        return [future.result() for future in futures]


@contextmanager
def workers() -> Iterator[Workers]:
    """Start a process per core, and end them all; they end by themselves if this process is killed."""
    cores = len(os.sched_getaffinity(0))
    fresh = multiprocessing.get_context("spawn")  # a fork would copy the locks of the threads that run here
    pool = ProcessPoolExecutor(cores, mp_context=fresh, initializer=_begin, initargs=(os.getpid(),))
    try:
        yield Workers(pool, cores)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _here(function: Callable[..., Result], *arguments: object) -> Result:
    """Do in this process what is not worth the start of another, on one thread as there: the same numbers."""
    with _one_thread():
        return function(*arguments)


def _one_thread() -> threadpool_limits:
    import scipy.linalg  # noqa: F401  SciPy brings a BLAS of its own, which must be loaded to be limited
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def _begin(parent: int) -> None:
    import signal

    _one_thread()
    os.environ |= ONE_THREAD
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)
