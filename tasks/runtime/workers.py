"""A few processes for work that is many small fits: whole chunks are sent, never one series."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tasks.runtime.interruption import interrupted
from tasks.runtime.memory import memory_kills

if TYPE_CHECKING:
    from threadpoolctl import threadpool_limits

log = logging.getLogger("repricer")

Result = TypeVar("Result")

CHUNK = 40  # series in a chunk
SECONDS_BETWEEN_LOOKS = 1.0
OF_TERMINAL = (signal.SIGINT, signal.SIGHUP)
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


class WorkerError(RuntimeError):
    """A worker process that ended in the middle of its work; what was finished before is kept."""


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
    """Start a process per core, and end them all; they end by themselves if this process is killed.

    Raises:
        WorkerError: a process was killed, for want of memory for instance, or left by itself.
    """
    cores = len(os.sched_getaffinity(0))
    fresh, killed_before = _Spawn(), memory_kills()
    pool = ProcessPoolExecutor(cores, mp_context=fresh, initializer=_begin, initargs=(os.getpid(),))
    try:
        yield Workers(pool, cores)
    except BrokenProcessPool as error:
        pool.shutdown(wait=True)  # until every process has its exit code
        raise WorkerError(
            f"{_cause(fresh.exit_codes, memory_kills() > killed_before)}. "
            "What was finished is kept: the same command goes on where it stopped."
        ) from error
    except BaseException as error:
        if interrupted(error):
            fresh.kill()  # what they compute is needed no more, and may take long
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Worker(SpawnProcess):
    """A process whose parent answers the terminal that both share, also while it has hardly begun."""

    def start(self) -> None:
        """Start with the signals of the terminal blocked: a new process takes over what is blocked."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, OF_TERMINAL)
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Spawn(SpawnContext):
    """Starts processes anew (a fork would copy the locks of the threads that run here) and remembers them."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[SpawnProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802  a context's name for it
        process = _Worker(*args, **kwargs)
        self._started.append(process)
        return process

    def kill(self) -> None:
        """End the processes at once."""
        for process in self._started:
            process.kill()

    @property
    def exit_codes(self) -> list[int]:
        """Return the status of the processes that did not end in order, the negative signal where killed."""
        return [process.exitcode for process in self._started if process.exitcode]


def _cause(exit_codes: Sequence[int], short_of_memory: bool) -> str:
    """Say why a worker ended; the pool ends the others with SIGTERM."""
    code = next((code for code in exit_codes if code != -signal.SIGTERM), -signal.SIGTERM)
    if code != -signal.SIGKILL:
        return f"a worker process ended with {signal.Signals(-code).name if code < 0 else f'status {code}'}"
    remedy = "Free memory, or use fewer processes: `taskset --cpu-list 0 repricer ...` uses one"
    if short_of_memory:
        return f"a worker process ran out of memory: the system killed it with SIGKILL. {remedy}"
    return f"a worker process was killed with SIGKILL, as Linux does when memory runs out. {remedy}"


def _here(function: Callable[..., Result], *arguments: object) -> Result:
    """Do in this process what is not worth the start of another, on one thread as there: the same numbers."""
    with _one_thread():
        return function(*arguments)


def _one_thread() -> threadpool_limits:
    import scipy.linalg  # noqa: F401  SciPy brings a BLAS of its own, which must be loaded to be limited
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def _begin(parent: int) -> None:
    _one_thread()
    os.environ |= ONE_THREAD
    for number in OF_TERMINAL:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)
