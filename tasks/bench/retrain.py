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
from typing import Any

from typing_extensions import TypedDict

from conf import Settings


class Figure(TypedDict):
    """One figure over all runs."""

    median: float
    worst: float


class Measured(TypedDict):
    """Figures of a benchmark: seconds of every stage, of the whole, and MB of memory."""

    profile: str
    runs: int
    figures: dict[str, Figure]


class BenchError(RuntimeError):
    """A benchmarked command that failed."""


def bench_retrain(settings: Settings, sets: list[str], runs: int, say: Callable[[str], None]) -> Measured:
    """Retrain ``runs`` times and return median and worst of every figure; larger is worse."""
    seen: dict[str, list[float]] = {}
    for run in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            result = _retrain(settings, sets, Path(folder))
            wall = time.monotonic() - start
        figures = {
            "command s": wall,
            **{f"{name} s": value for name, value in result["seconds"].items()},
            "peak memory MB": result["peak_memory_mb"],
        }
        say(f"run {run + 1} of {runs}: {wall:.0f} s, {figures['peak memory MB']:.0f} MB, {result['verdict']}")
        for name, value in figures.items():
            seen.setdefault(name, []).append(value)
    return Measured(
        profile=settings.profile,
        runs=runs,
        figures={
            name: Figure(median=statistics.median(values), worst=max(values)) for name, values in seen.items()
        },
    )


def _retrain(settings: Settings, sets: list[str], folder: Path) -> dict[str, Any]:
    target = folder / "out.json"
    options = [part for value in [*sets, f"data_folder={folder / 'data'}"] for part in ("--set", value)]
    command = [
        sys.executable,
        "-m",
        "flows",
        "retrain",
        "--profile",
        settings.profile,
        "--json",
        str(target),
        *options,
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode:
        raise BenchError(
            f"retrain failed with status {told.returncode}: {(told.stdout + told.stderr)[-1000:]}"
        )
    return json.loads(target.read_text(encoding="utf-8"))
