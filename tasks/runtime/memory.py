"""Peak memory of this process and its children, sampled, their processor time, and what the system killed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

SECONDS_BETWEEN_SAMPLES = 0.5
MEGABYTE = 1024**2
SYSTEM_COUNTS = Path("/proc/vmstat")  # of Linux, since it was started


class PeakMemory:
    """The largest sum of resident memory seen so far (MB)."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.megabytes = 0.0

    def sample(self) -> float:
        """Look once and return the peak so far (MB)."""
        this = psutil.Process()
        self.megabytes = max(
            self.megabytes, sum(map(_resident, [this, *this.children(recursive=True)])) / MEGABYTE
        )
        return self.megabytes


def cpu_seconds() -> float:
    """Return the processor time of this process and its children, those that ended included (s)."""
    this = psutil.Process()
    return sum(map(_spent, [this, *this.children(recursive=True)]))


def memory_kills() -> int:
    """Return how many processes the system has killed for want of memory; 0 where it does not count them."""
    if not SYSTEM_COUNTS.exists():
        return 0
    counts = dict(line.split() for line in SYSTEM_COUNTS.read_text().splitlines())
    return int(counts.get("oom_kill", 0))


@contextmanager
def peak_memory() -> Iterator[PeakMemory]:
    """Sample in the background while the block runs."""
    peak, stop = PeakMemory(), threading.Event()

    def watch() -> None:
        while not stop.wait(SECONDS_BETWEEN_SAMPLES):
            peak.sample()

    thread = threading.Thread(target=watch, daemon=True, name="peak-memory")
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _spent(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
