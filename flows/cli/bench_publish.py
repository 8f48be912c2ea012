"""The command ``repricer bench publish``, and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from flows.cli.options import Json, Profile, Sets, settings_of, write_json
from flows.cli.report import print_table, say


def bench_publish(
    products: Annotated[
        int, typer.Option(min=1, help="Products of stores in the list: the market is repeated.")
    ] = 1_000_000,
    version: Annotated[
        int | None,
        typer.Option(min=1, help="Version of the policy; by default the champion, else the candidate."),
    ] = None,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Recommend, guard and publish a list of any size, as Parquet and CSV, and time every step.

    Example: `repricer bench publish --products 100000 --profile smoke --json out.json`
    """
    from tasks.bench.publish import bench_publish as measure

    settings = settings_of(profile, sets)
    with TemporaryDirectory() as scratch:
        measured = measure(settings, version, products, Path(scratch), say)
    write_json(json_file, measured)
    show_publishing(measured)


def show_publishing(measured: Mapping[str, Any]) -> None:
    """Print what the steps of a list take."""
    steps = [*measured["steps"].items(), ("together", measured)]
    print_table(
        f"{measured['products']:,} prices, {measured['moved']:,} of them moved",
        ("step", "s", "s of the processors"),
        [(name, f"{step['seconds']:.1f}", f"{step['cpu_seconds']:.1f}") for name, step in steps],
    )
    say(
        f"peak memory {measured['peak_memory_mb']:,.0f} MB, Parquet {measured['parquet_mb']:.0f} MB, "
        f"CSV {measured['csv_mb']:.0f} MB"
    )
