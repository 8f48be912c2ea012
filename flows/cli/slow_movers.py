"""The command ``repricer bench slow-movers``, and what it prints."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json, Profile, Sets, settings_of, write_json
from flows.cli.report import print_table, say

if TYPE_CHECKING:
    from tasks.bench.slow_movers import SlowResults


def bench_slow_movers(
    shops: Annotated[int, typer.Option(min=1, help="Shops, from 80 % to 95 % zeros.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the shops.")] = 1,
    profile: Profile = "slow_movers",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Forecast simulated shops whose products rarely sell, and score the 80 % interval on held-out days.

    Counts have atoms at the ends of an interval, so the coverage is randomised; 75 % to 85 % is right.

    Example: `repricer bench slow-movers --shops 20 --json out.json`
    """
    from tasks.bench.slow_movers import bench_slow_movers as measure

    settings = settings_of(profile, sets)
    with TemporaryDirectory() as scratch:
        measured = measure(settings, shops, seed, folder=Path(scratch), say=say)
    write_json(json_file, measured)
    show_slow_movers(measured)


def show_slow_movers(measured: SlowResults) -> None:
    """Print the randomised coverage of every shop of slow movers."""
    rows = [
        (
            f"{shop['zeros']:.1%}",
            f"{shop['coverage']['value']:.1%}",
            f"{shop['coverage']['low']:.1%} to {shop['coverage']['high']:.1%}",
            f"{shop['pinball']:.4f}",
            f"{shop['pinball_of_truth']:.4f}",
            f"{shop['bias']:+.2f}",
        )
        for shop in measured["shops"]
    ]
    columns = ("zeros", "covered by 80 %", "interval", "pinball", "of the truth", "bias")
    print_table("Slow movers, held-out days", columns, rows)
    low, high = measured["target"]
    say(
        f"{measured['within']} of {len(rows)} shops within {low:.0%} to {high:.0%}, "
        f"mean {measured['mean_coverage']:.1%}, {measured['seconds']:.0f} s"
    )
