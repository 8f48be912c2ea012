"""Benchmark: seconds and memory from a large CSV to the features of the modelled products."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import DATE, PRODUCT
from tasks.bench.cases.sales_table import write_sales
from tasks.demand.chosen_features import chosen_features
from tasks.runtime.memory import cpu_seconds, peak_memory
from tasks.runtime.seeds import seed_of
from tasks.sources.acceptance import accept, most_sold, table_hash
from tasks.sources.reading import read
from tasks.stages.sales import feature_choice_of
from tasks.stages.source import check_files, limits_of, meaning_of, now, source_of

KNOWN = 0.7  # share of the days that the selection of features may read

Steps = dict[str, dict[str, float]]


def bench_prepare(
    settings: Settings, rows: int, days: int, folder: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure every step of the preparation on a table of its own.

    Args:
        settings: of source and features; the source becomes the table.
        rows: rows of the table, about (rows).
        days: days from its first row to its last (days).
        folder: where the table lies meanwhile.
        say: shows a line about every step.
    """
    path = folder / "sales.csv"
    written = write_sales(path, rows, days, np.random.default_rng(seed_of(settings.seed, "bench.prepare")))
    say(f"{written:,} rows, {path.stat().st_size / 1024**2:,.0f} MB")
    source = settings.source.model_copy(update={"kind": "file", "path": str(path)})
    settings = settings.model_copy(update={"source": source})
    return {"rows": written, "days": days, **_prepared(settings, say)}


def _prepared(settings: Settings, say: Callable[[str], None]) -> dict[str, Any]:
    """Take the steps from the file to the features, and return what each took."""
    steps: Steps = {}
    with _measured(steps, "check", say):
        check_files(settings)
    with _measured(steps, "read", say):
        lines = read(source_of(settings.source))
    with _measured(steps, "accept", say):
        accepted = accept(lines, limits_of(settings), now(), meaning_of(settings.source))
        del lines
    with _measured(steps, "hash", say):
        data_hash = table_hash(accepted.sales)
    with _measured(steps, "features", say):
        modelled = most_sold(accepted.sales, settings.source.products)
        dates = np.sort(modelled[DATE].unique())
        until = pd.Timestamp(dates[int(KNOWN * len(dates))])
        features = chosen_features(modelled, feature_choice_of(settings), until)
    return {
        "rows_accepted": len(accepted.sales),
        "products": int(accepted.sales[PRODUCT].nunique()),
        "rows_modelled": len(modelled),
        "cells": len(features.table.frame),
        "data_hash": data_hash,
        "steps": {**steps, "total": _total(steps)},
    }


@contextmanager
def _measured(steps: Steps, name: str, say: Callable[[str], None]) -> Iterator[None]:
    begin, spent = time.monotonic(), cpu_seconds()
    with peak_memory() as peak:
        yield
        memory = peak.sample()
    seconds = time.monotonic() - begin
    steps[name] = {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds() - spent,
        "peak_memory_mb": memory,
    }
    say(f"{name}: {seconds:.1f} s, peak {memory:,.0f} MB")


def _total(steps: Steps) -> dict[str, float]:
    """Return the sums of seconds and the largest memory."""
    return {
        "seconds": sum(step["seconds"] for step in steps.values()),
        "cpu_seconds": sum(step["cpu_seconds"] for step in steps.values()),
        "peak_memory_mb": max(step["peak_memory_mb"] for step in steps.values()),
    }
