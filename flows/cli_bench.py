"""The commands ``repricer bench ...``: speed, memory and accuracy, measured."""

from __future__ import annotations

from typing import Annotated

import typer

from flows import report
from flows.options import Json, Profile, Sets, settings_of, write_json

bench = typer.Typer(no_args_is_help=True, help="Measure speed, memory and accuracy.")


@bench.command("retrain")
def bench_retrain(
    profile: Profile = "default",
    sets: Sets = None,
    runs: Annotated[int, typer.Option(min=1, help="Retrainings, each in a process and a data folder of its own.")] = 3,
    json_file: Json = None,
) -> None:
    """Time whole retrainings: median and worst seconds of every stage, and peak memory.

    Example: `repricer bench retrain --profile smoke --runs 3 --json bench.json`
    """
    from tasks.bench import bench_retrain as measure

    measured = measure(settings_of(profile, sets), sets or [], runs, report.say)
    write_json(json_file, measured)
    report.show_bench(measured)
