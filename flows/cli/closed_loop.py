"""The command ``repricer bench closed-loop``: the whole product in shops whose demand is known."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from conf import Settings
from flows.cli import report, report_closed_loop
from flows.cli.options import Json, Profile, Sets, settings_of, write_json
from flows.cli.session import flow_session

FLOWS = ("flows.retrain", "flows.recommend")

Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind", metavar="NAME", help="Only this kind of `tasks/bench/README.md`; may be repeated."
    ),
]

Folder = Annotated[Path | None, typer.Option(help="Keep histories, lists, sales and models here.")]
Plot = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Draw claims beside the truth to this picture; not of --feedback."),
]


@dataclass(frozen=True, kw_only=True)
class Loop:
    """What is measured.

    Attributes:
        settings: of every retraining.
        chosen: kind and seed of every shop.
        weeks: of each shop that are priced.
        folder: of all shops.
        feedback: whether seasons with and without feedback are compared.
    """

    settings: Settings
    chosen: list[tuple[str, int]]
    weeks: int
    folder: Path
    feedback: bool


def closed_loop(
    shops: Annotated[int, typer.Option(min=1, help="Shops, in turn of each kind.")] = 20,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the first round through the kinds; the next has the next.")
    ] = 1,
    seeds: Annotated[int, typer.Option(min=1, help="Times that every shop is drawn anew.")] = 1,
    kinds: Kinds = None,
    weeks: Annotated[int, typer.Option(min=1, max=13, help="Weeks of each shop that are priced.")] = 13,
    feedback: Annotated[
        bool, typer.Option("--feedback", help="Mislead the policy, and price with and without feedback.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Shops at a time, each in a process of its own.")] = 1,
    folder: Folder = None,
    plot: Plot = None,
    profile: Profile = "closed_loop",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Retrain on simulated shops, price the weeks after it, and hold every claim to the shop's true demand.

    Example: `repricer bench closed-loop --shops 20 --seeds 3 --jobs 2 --json out.json --plot out.png`

    Example: `repricer bench closed-loop --shops 3 --kind nested --kind linear_cost --seed 5`

    Example: `repricer bench closed-loop --feedback --shops 8`
    """
    from tasks.bench.closed_loop import shops_of
    from tasks.bench.closed_loop_feedback import KIND

    settings = settings_of(profile, sets)
    chosen = shops_of(shops, seed, kinds or ([KIND] if feedback else []), seeds)
    options = ["--profile", profile, "--weeks", str(weeks), *["--feedback"] * feedback]
    options += [part for value in sets or [] for part in ("--set", value)]
    with TemporaryDirectory() as scratch:
        place = (folder or Path(scratch)).resolve()
        loop = Loop(settings=settings, chosen=chosen, weeks=weeks, folder=place, feedback=feedback)
        with _session(loop, jobs):
            measured = _in_this_process(loop) if jobs == 1 else _in_processes(loop, jobs, options)
    write_json(json_file, measured)
    _show(measured, plot, feedback)


def _session(loop: Loop, jobs: int) -> AbstractContextManager[None]:
    """Give all shops one API; where each has a process of its own, the flows are imported there."""
    shared = loop.settings.model_copy(update={"data_folder": str(loop.folder)})
    return flow_session(shared, FLOWS if jobs == 1 else ())


def _in_this_process(loop: Loop) -> Any:
    """Return what was measured shop by shop."""
    from flows.retrain import retrain
    from tasks.bench.closed_loop import bench_closed_loop
    from tasks.bench.closed_loop_chain import Chain, registered_response
    from tasks.bench.closed_loop_feedback import bench_feedback
    from tasks.bench.misled_policy import mislead_stored

    chain = Chain(retrain=retrain, recommend=_recommend, respond=registered_response, mislead=mislead_stored)
    measure = bench_feedback if loop.feedback else bench_closed_loop
    return measure(loop.settings, loop.chosen, chain, weeks=loop.weeks, folder=loop.folder, say=report.say)


def _recommend(
    settings: Settings, version: int, prices: str, out: str, seed: int, *, sales: str | None = None
) -> None:
    """Write a list as the flow does, whatever the verdict: the loop measures what a verdict is worth."""
    from flows.recommend import ShopTables, recommend

    recommend(settings, version, out, seed, ShopTables(prices=prices, sales=sales), force=True)


def _in_processes(loop: Loop, jobs: int, options: Sequence[str]) -> Any:
    """Return what was measured by the same command, a process for every shop; they share the Prefect API."""
    from tasks.bench.closed_loop import closed_of, line_of
    from tasks.bench.closed_loop_feedback import feedback_line, feedback_of
    from tasks.bench.closed_loop_processes import command_of, in_processes

    begin, results = time.monotonic(), []
    line: Any = feedback_line if loop.feedback else line_of
    commands = [command_of(kind, seed, loop.folder, options) for kind, seed in loop.chosen]
    with closing(in_processes(commands, jobs)) as shops:
        for shop in shops:
            results.append(shop)
            report.say(f"shop {len(results)} of {len(commands)}: {line(shop)}")
    order = [f"{kind}-{seed}" for kind, seed in loop.chosen]
    results.sort(key=lambda shop: order.index(shop["shop"]))
    total = feedback_of if loop.feedback else closed_of
    return total(results, loop.settings.profile, time.monotonic() - begin)


def _show(measured: Any, plot: Path | None, feedback: bool) -> None:
    """Print what was measured, and draw it."""
    if feedback:
        report_closed_loop.show_feedback(measured)
        return
    report_closed_loop.show_closed_loop(measured)
    if plot is not None:
        from tasks.bench.closed_loop_figure import figure_of

        figure_of(measured["shops"]).savefig(plot)
        report.say(f"picture: {plot}")
