"""How a command ends that is to stop: in order where that is soon, and soon in any case.

The first signal is a `KeyboardInterrupt` in the main thread: what is open is closed on the way out. Prefect
may be asked for nothing more by then, or the main thread be deep in native code. So a thread counts the
seconds from the arrival of the signal, and when they are over it closes the runs itself and ends the process.
A second Ctrl-C only shortens them: as another error in the midst of the first it would leave runs open.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import psutil

from flows.cli import report
from tasks.runtime.disk import shortage
from tasks.runtime.interruption import close_all

SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_AFTER_SECOND = 1.0  # that a second Ctrl-C leaves to what the first began
SECONDS_FOR_CHILDREN = 4.0  # that end by themselves
SECONDS_TO_CLOSE = 2.0  # runs of a process that does not end in order
SECONDS_TO_SAY = 2.0  # a line; a terminal that is held by Ctrl-S takes none
RESUME = "The same command goes on where it stopped."
STANDARD_STREAMS = (1, 2)
INTERRUPTED = 130  # the status after Ctrl-C


class Cause(NamedTuple):
    """Why a command stops, its exit status, and how long it may take to end in order (s)."""

    line: str
    status: int
    seconds: float


CAUSES = {
    signal.SIGINT: Cause("interrupted by Ctrl-C", INTERRUPTED, 6.0),
    signal.SIGTERM: Cause("interrupted by SIGTERM", 143, 6.0),
    signal.SIGHUP: Cause("interrupted: its terminal was closed", 129, 6.0),
}
"""What stops a command from outside; the status is 128 and the number of the signal, as in a shell."""
WAKE = signal.SIGUSR1  # from a thread of this process to its main thread


class Stop:
    """What stops this process: a signal, or a thread of it with a cause of its own."""

    def __init__(self) -> None:
        """Know of no cause."""
        self.cause: Cause | None = None
        self.kept: set[int] = set()  # children that outlive this process: others use them
        self.first: list[Callable[[], object]] = []  # what is done before anything is interrupted
        self._deadline: float | None = None
        self._raised = self._said = self._listening = False
        self._terminals: list[int] = []
        self._lock, self._saying = threading.Lock(), threading.Lock()

    def listen(self) -> None:
        """Answer signals from now on; those that whoever started the command has switched off stay so."""
        if self._listening:
            return
        self._listening = True
        self._terminals = [stream for stream in STANDARD_STREAMS if os.isatty(stream)]
        arrivals, sender = socket.socketpair()
        sender.setblocking(False)
        for number in (*CAUSES, WAKE):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._answer)
        # Python runs a handler between two of its own instructions, but writes here at once.
        signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._count, args=(arrivals, sender), name="stop", daemon=True).start()

    def request(self, cause: Cause) -> None:
        """Stop for a cause that a thread has noticed, unless there is one already."""
        with self._lock:
            if self.cause is not None:
                return
            self.cause = cause
        signal.pthread_kill(threading.main_thread().ident or 0, WAKE)

    def conclude(self) -> int:
        """Say once why the command stops and how it goes on, and return its exit status.

        Two threads may conclude: the one that comes second ends the process, so it waits for the line.
        """
        cause = self.cause or CAUSES[signal.SIGINT]
        if self._saying.acquire(timeout=SECONDS_TO_SAY):
            try:
                if not self._said:
                    self._said = True
                    with suppress(OSError):  # a terminal that was closed
                        report.say(f"{cause.line}. {RESUME}")
            finally:
                self._saying.release()
        return cause.status

    def _answer(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._leave_terminal()
        if self._raised or (number == WAKE and self.cause is None):
            return
        self._raised = True
        for act in self.first:
            act()
        raise KeyboardInterrupt

    def _leave_terminal(self) -> None:
        """Write elsewhere what would be an error in a terminal that was closed."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in self._terminals:
            os.dup2(nowhere, stream)
        os.close(nowhere)

    def _count(self, arrivals: socket.socket, _sender: socket.socket) -> None:
        """Count the seconds from the first signal; the sender is kept open meanwhile."""
        while True:
            left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
            if select.select([arrivals], [], [], left)[0]:
                self._note(arrivals.recv(1)[0])
            else:
                self._end()

    def _note(self, number: int) -> None:
        with self._lock:
            self.cause = self.cause or CAUSES.get(signal.Signals(number))
        if self.cause is None:
            return
        if self._deadline is None:
            self._deadline = time.monotonic() + self.cause.seconds
        elif number == signal.SIGINT:
            self._deadline = min(self._deadline, time.monotonic() + SECONDS_AFTER_SECOND)

    def _end(self) -> None:
        """End this process, with its runs and its children, whatever its main thread does."""
        closing = threading.Thread(target=close_all, daemon=True)
        closing.start()
        closing.join(SECONDS_TO_CLOSE)
        for child in self.children():
            with suppress(psutil.NoSuchProcess):
                child.terminate()
        os._exit(self.conclude())

    def children(self) -> list[psutil.Process]:
        """Return the processes that end with this one."""
        return [child for child in psutil.Process().children(recursive=True) if child.pid not in self.kept]


STOP = Stop()
"""Of this process, to which signals come."""


@contextmanager
def ended_first(release: Callable[[], object]) -> Iterator[None]:
    """Let the children of this process end by themselves before a stop interrupts it.

    Args:
        release: what they end for.
    """

    def end() -> None:
        release()
        psutil.wait_procs(STOP.children(), SECONDS_FOR_CHILDREN)

    STOP.first.append(end)
    try:
        yield
    finally:
        STOP.first.remove(end)


@contextmanager
def stopped_without(alive: Callable[[], bool], log: Path) -> Iterator[None]:
    """Stop the process when the Prefect API of its data folder ends within the block.

    Args:
        alive: whether it lives.
        log: where it says why it ended.
    """
    left = threading.Event()

    def watch() -> None:
        while not left.wait(SECONDS_BETWEEN_LOOKS):
            if not alive():
                line = f"error: {shortage(log) or f'the Prefect API of this data folder ended; see {log}'}"
                STOP.request(Cause(line, 1, 2.0))  # whoever asks Prefect for something now waits for nothing
                return

    watcher = threading.Thread(target=watch, name="api", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left.set()
        watcher.join()
