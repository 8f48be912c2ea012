"""Benchmark of the guard: adversarial rows, checked by a checker that shares no code with it."""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
from typing_extensions import TypedDict

from tasks.bench.cases.adversarial_rows import Rows, adversarial_rows
from tasks.bench.cases.price_checker import violations
from tasks.governance.breaker import Breaker
from tasks.governance.guard import Guard
from tasks.governance.guard_reasons import binding_rules, reasons
from tasks.governance.list_guard import ACTIONS, Guarded
from tasks.governance.list_rules import guard_list
from tasks.governance.rules import HouseRules, Limits, Shelf

CHUNK = 20_000  # rows that are plain Python at a time; families of packs have 4 of them
HOUSE = HouseRules(
    guard=Guard(
        step=0.05, band=0.2, reference_weeks=52, reference_year=0.1, index_week=0.01, index_season=0.03
    ),
    change_share=0.3,
    breaker=Breaker(mean=0.03, median=0.05, percentile_95=0.1),
)
"""Rules of the lists; the rows have rules of their own."""
INDEX = (float(np.log1p(-0.01)), float(np.log1p(0.01)))


class GuardMeasured(TypedDict):
    """What the guard did to adversarial rows."""

    rows: int
    """Rows, in lists of `CHUNK`."""
    seconds: float
    """Seconds of the guard with its reasons, without the checker (s)."""
    cpu_seconds: float
    """The same of processor time (s)."""
    peak_mb: float
    """Peak memory of the process (MB)."""
    actions: dict[str, int]
    """Rows by action."""
    violations: dict[str, int]
    """Claims that the checker found broken; empty where all hold."""
    changed_again: int
    """Rows that a second pass of the guard changes."""


def bench_guard(rows: int, seed: int, say: Callable[[str], None]) -> GuardMeasured:
    """Guard one list of so many rows against the clock, and lists of ``CHUNK`` rows against the checker.

    Args:
        rows: adversarial rows.
        seed: of the rows.
        say: takes a line of progress.
    """
    table = adversarial_rows(rows, np.random.default_rng(seed))
    start, cpu = time.perf_counter(), time.process_time()
    whole = _guarded(table)
    reasons(whole)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    say(f"{rows:,} rows guarded in {seconds:.1f} s, {cpu_seconds:.1f} s of processor time")
    broken: Counter[str] = Counter()
    again = 0
    for begin in range(0, rows, CHUNK):
        chunk = {name: values[begin : begin + CHUNK] for name, values in table.items()}
        chunk["weight"] = np.full(len(chunk["wanted"]), 1 / len(chunk["wanted"]))
        result = _guarded(chunk)
        again += _changed(result, _guarded({**chunk, "wanted": result.price}))
        broken += violations(_as_rows(chunk, result), HOUSE.change_share, INDEX)
    counts = np.bincount(whole.action, minlength=len(ACTIONS)).tolist()
    return GuardMeasured(
        rows=rows,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        actions=dict(zip(ACTIONS, counts, strict=True)),
        violations=dict(broken),
        changed_again=again,
    )


def _guarded(table: Rows) -> Guarded:
    known: dict[str, Any] = {field.name: table[field.name] for field in fields(Shelf) if field.name in table}
    limits = Limits(**{field.name: table[field.name] for field in fields(Limits)})
    return guard_list(table["wanted"], Shelf(**known), limits, HOUSE)


def _changed(first: Guarded, second: Guarded) -> int:
    """Return how many rows differ in price or action."""
    same = np.array_equal
    if same(first.price, second.price, equal_nan=True) and same(first.action, second.action):
        return 0
    equal = (first.price == second.price) | (np.isnan(first.price) & np.isnan(second.price))
    return int((~equal | (first.action != second.action)).sum())


def _as_rows(table: Rows, result: Guarded) -> list[dict[str, object]]:
    """Return rows of plain Python values with what the guard returned."""
    columns = {name: values.tolist() for name, values in table.items()}
    columns["price"] = result.price.tolist()
    columns["action"] = [ACTIONS[action] for action in result.action.tolist()]
    columns["binding"] = binding_rules(result).tolist()
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
