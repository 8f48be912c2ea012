"""A command in a terminal of its own: what a person sees, and the keys that they press."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from tests.conftest import ROOT, environment

CTRL_C = b"\x03"
SECONDS_BETWEEN_LOOKS = 0.05
SECONDS_TO_READ = 5.0


def _in_foreground() -> None:
    """Take the terminal, and hear it, also if the tests were started by `nohup` or in the background."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A command in a pseudo-terminal, whose lines are read all the time."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Start the command as the foreground process of a new terminal."""
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            arguments,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env or environment(),
            cwd=ROOT,
            start_new_session=True,
            preexec_fn=_in_foreground,
        )
        os.close(slave)
        self.text = ""
        self._closed = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """Keep what is said; never wait in a read, which would hold the terminal open when it is closed."""
        with suppress(OSError):  # the terminal of a command that ended
            while not self._closed.is_set():
                if select.select([self._master], [], [], 0.1)[0]:
                    self.text += os.read(self._master, 65536).decode(errors="replace")

    def wait_for_line(self, number: int, seconds: float) -> None:
        """Wait until the command has said a number of lines, or has ended."""
        self._wait_until(lambda: self.text.count("\n") >= number, seconds)

    def wait_for(self, words: str, seconds: float) -> str:
        """Return the rest of the line with some words once the command has said it.

        Raises:
            TimeoutError: it ended, or the time was over, before it did.
        """
        self._wait_until(lambda: "\n" in self.text.partition(words)[2], seconds)
        rest, end, _ = self.text.partition(words)[2].partition("\n")
        if not end:
            raise TimeoutError(f"{words!r} was never said: {self.text[-3000:]}")
        return rest.strip()

    def _wait_until(self, said: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not said() and self.process.poll() is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"it was not said within {seconds:.0f} s: {self.text[-3000:]}")
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def wait(self, seconds: float) -> int:
        """Wait for the end of the command and for its last words, and return its status."""
        status = self.process.wait(seconds)
        self._reader.join(SECONDS_TO_READ)  # it ends when nobody is left who could say more
        return status

    def press(self, keys: bytes) -> None:
        """Type; nobody hears it where the command has ended."""
        with suppress(OSError):
            os.write(self._master, keys)

    def close(self) -> None:
        """Close the terminal, as the window of it would."""
        if not self._closed.is_set():
            self._closed.set()
            self._reader.join()  # who reads keeps it open
            os.close(self._master)
