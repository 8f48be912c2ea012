"""Shops of a closed loop in processes of their own: the same command for a single shop, a few at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_END = 20  # that a process has to end by itself
MESSAGE_LENGTH = 1000  # last characters of a failed command's output that its error quotes


class ProcessError(RuntimeError):
    """A process whose shop could not be measured."""


def command_of(kind: str, seed: int, folder: Path, options: Sequence[str]) -> list[str]:
    """Return the command that measures a single shop and writes ``shop.json`` into its folder.

    Args:
        kind: of the shop.
        seed: of the shop.
        folder: of all shops.
        options: of the command, the same for all shops.
    """
    chosen = ["--shops", "1", "--kind", kind, "--seed", str(seed), "--folder", str(folder)]
    written = ["--json", str(folder / f"{kind}-{seed}" / "shop.json")]
    return [sys.executable, "-m", "flows.cli", "bench", "closed-loop", *chosen, *written, *options]


def in_processes(commands: Sequence[list[str]], jobs: int) -> Generator[Any, None, None]:
    """Yield the result of every command's shop, in the order in which they end.

    However the caller ends, no process is left behind.

    Args:
        commands: as ``command_of`` makes them.
        jobs: processes at a time.

    Raises:
        ProcessError: a command failed.
    """
    waiting, running = list(commands), list[_Running]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(_Running(waiting.pop(0)))
            for process in [process for process in running if process.ended]:
                running.remove(process)
                yield process.result()
            time.sleep(SECONDS_BETWEEN_LOOKS)
    finally:
        for process in running:
            process.end()


class _Running:
    """A command that runs, with a log beside its result."""

    def __init__(self, command: list[str]) -> None:
        """Start the command with a single thread."""
        self._written = Path(command[command.index("--json") + 1])
        self._written.parent.mkdir(parents=True, exist_ok=True)
        self._log = self._written.with_suffix(".log")
        with self._log.open("wb") as output:
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            self._process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)

    @property
    def ended(self) -> bool:
        """Return whether the command has ended."""
        return self._process.poll() is not None

    def result(self) -> Any:
        """Return the shop that the command measured."""
        if self._process.returncode:
            output = self._log.read_text(encoding="utf-8", errors="replace")[-MESSAGE_LENGTH:]
            raise ProcessError(
                f"{self._written.parent.name}: status {self._process.returncode}. "
                f"Its output is in {self._log} and ends: {output}"
            )
        (shop,) = json.loads(self._written.read_text(encoding="utf-8"))["shops"]
        return shop

    def end(self) -> None:
        """End the command, and wait for it."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(SECONDS_TO_END)
        self._process.kill()
        self._process.wait()
