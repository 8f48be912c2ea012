"""Benchmarks: whole commands, each in a process and a data folder of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from typing_extensions import TypedDict

from conf import Settings
from tasks.runtime.summary import Summary

MESSAGE_LENGTH = 1000  # last characters of a failed command's output that its error quotes


class Figure(TypedDict):
    """One figure over all runs."""

    median: float
    worst: float


class Measured(TypedDict):
    """Figures of a benchmark: seconds of every stage and of the whole, and memory (MB)."""

    profile: str
    runs: int
    figures: dict[str, Figure]


class BenchError(RuntimeError):
    """A benchmarked command that failed."""


def bench_retrain(settings: Settings, sets: list[str], runs: int, say: Callable[[str], None]) -> Measured:
    """Retrain ``runs`` times and return median and worst of every figure; larger is worse."""
    samples: dict[str, list[float]] = {}
    for run in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            summary = _retrain(settings, sets, Path(folder))
            wall = time.monotonic() - start
        figures = {
            "command s": wall,
            **{f"{name} s": value for name, value in summary["seconds"].items()},
            "peak memory MB": summary["peak_memory_mb"],
        }
        say(
            f"run {run + 1} of {runs}: {wall:.0f} s, {figures['peak memory MB']:.0f} MB, {summary['verdict']}"
        )
        for name, value in figures.items():
            samples.setdefault(name, []).append(value)
    return Measured(
        profile=settings.profile,
        runs=runs,
        figures={
            name: Figure(median=statistics.median(values), worst=max(values))
            for name, values in samples.items()
        },
    )


def _retrain(settings: Settings, sets: list[str], folder: Path) -> Summary:
    target = folder / "out.json"
    options = [part for value in [*sets, f"data_folder={folder / 'data'}"] for part in ("--set", value)]
    command = [
        sys.executable,
        "-m",
        "flows.cli",
        "retrain",
        "--profile",
        settings.profile,
        "--json",
        str(target),
        *options,
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise BenchError(
            f"retrain failed with status {finished.returncode}: "
            f"{(finished.stdout + finished.stderr)[-MESSAGE_LENGTH:]}"
        )
    summary: Summary = json.loads(target.read_text(encoding="utf-8"))
    return summary
