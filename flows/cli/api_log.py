"""The log of the Prefect API: a service of it that fails is one line for the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from flows.cli import report
from tasks.runtime.service_errors import describe, read_errors

SECONDS_BETWEEN_LOOKS = 5  # at the log of the API; its scheduler runs as often


class ApiLog:
    """The log of the API from here on, and the services that the user was warned of."""

    def __init__(self, path: Path) -> None:
        """Read what is appended to this file from now on."""
        self.path = path
        self.path.touch()
        self._read = self.path.stat().st_size
        self._warned: set[str] = set()

    def clear(self) -> None:
        """Empty the log for a new API; what is written is appended, for another command may empty it too."""
        self.path.write_bytes(b"")
        self._read = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Warn of a service as soon as it fails."""
        ended = Event()

        def watch() -> None:
            while not ended.wait(SECONDS_BETWEEN_LOOKS):
                self.warn()

        watcher = Thread(target=watch, name="api-log", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def warn(self) -> None:
        """Print one line for every service that failed since the last look, once a service."""
        if self.path.stat().st_size < self._read:
            self._read = 0
        with self.path.open("rb") as log:
            log.seek(self._read)
            news = log.read()
        self._read += len(news)
        errors = [
            error
            for error in read_errors(news.decode(errors="replace").splitlines())
            if error.service not in self._warned
        ]
        for line in describe(errors, self.path):
            report.say(f"warning: {line}")
        self._warned |= {error.service for error in errors}
