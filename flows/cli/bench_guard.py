"""The command ``repricer bench guard``: adversarial rows against the guard of price lists."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli import report
from flows.cli.options import Json, write_json


def bench_guard(
    rows: Annotated[int, typer.Option(min=1, help="Adversarial rows: nan, inf, 1e300, no cost.")] = 1_000_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the rows.")] = 1,
    json_file: Json = None,
) -> None:
    """Guard adversarial rows, and let a checker that shares no code with the guard look for violations.

    Example: `repricer bench guard --rows 1000000 --json out.json`
    """
    from tasks.bench.guard import bench_guard as measure

    measured = measure(rows, seed, report.say)
    write_json(json_file, measured)
    report.print_table(
        f"{rows:,} adversarial rows, peak memory {measured['peak_mb']:,.0f} MB",
        ("rows", "count"),
        [(name, f"{count:,}") for name, count in measured["actions"].items()],
    )
    for claim, count in measured["violations"].items():
        report.say(f"violated {count} times: {claim}")
    broken = sum(measured["violations"].values())
    report.say(f"violations: {broken}; rows that a second pass changes: {measured['changed_again']}")
    if broken or measured["changed_again"]:
        raise typer.Exit(1)
