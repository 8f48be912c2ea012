"""The command ``repricer bench serve``, and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from flows.cli.options import Json, Profile, Sets, settings_of, write_json
from flows.cli.report import print_table, say


def bench_serve(
    version: Annotated[
        int | None,
        typer.Option(min=1, help="Version of the policy; by default the champion, else the candidate."),
    ] = None,
    requests: Annotated[int, typer.Option(min=100, help="Requests of one product, in each way.")] = 1000,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Time one price: in process, and from `mlflow models serve` beside a bare server of an empty model.

    Example: `repricer bench serve --profile smoke --json out.json`
    """
    from tasks.bench.serve import bench_serve as measure

    settings = settings_of(profile, sets)
    with TemporaryDirectory() as scratch:
        measured = measure(settings, version, requests, Path(scratch), say)
    write_json(json_file, measured)
    show_serving(measured)


def show_serving(measured: Mapping[str, Any]) -> None:
    """Print the times of one price, and what its server takes to start and to hold."""
    ways = (
        ("in this process", "in_process_ms"),
        ("mlflow models serve", "served_ms"),
        ("bare server", "bare_ms"),
        ("bare, no signature", "unchecked_ms"),
    )
    rows = [(name, *(f"{measured[key][figure]:.3f}" for figure in ("p50", "p99"))) for name, key in ways]
    rows.append(("served over bare", *(f"{measured['ratio'][figure]:.2f}" for figure in ("p50", "p99"))))
    print_table(f"One price, {measured['requests']} requests", ("way", "p50 ms", "p99 ms"), rows)
    say(
        f"ready in {measured['ready_seconds']:.1f} s (bare {measured['bare_ready_seconds']:.1f} s), "
        f"{measured['megabytes']:.0f} MB (bare {measured['bare_megabytes']:.0f} MB)"
    )
