"""The commands ``repricer bench ...``: speed, memory and accuracy, measured."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from flows.cli import report, report_bench
from flows.cli.bench_guard import bench_guard
from flows.cli.bench_publish import bench_publish
from flows.cli.bench_serve import bench_serve
from flows.cli.closed_loop import closed_loop
from flows.cli.options import Json, Profile, Sets, settings_of, write_json
from flows.cli.session import show_progress
from flows.cli.slow_movers import bench_slow_movers

bench = typer.Typer(no_args_is_help=True, help="Measure speed, memory and accuracy.")
bench.command("slow-movers")(bench_slow_movers)
bench.command("guard")(bench_guard)
bench.command("publish")(bench_publish)
bench.command("serve")(bench_serve)


@bench.command("retrain")
def bench_retrain(
    profile: Profile = "default",
    sets: Sets = None,
    runs: Annotated[
        int, typer.Option(min=1, help="Retrainings, each in a process and a data folder of its own.")
    ] = 3,
    json_file: Json = None,
) -> None:
    """Time whole retrainings: median and worst seconds of every stage, and peak memory.

    Example: `repricer bench retrain --profile smoke --runs 3 --json bench.json`
    """
    from tasks.bench.retrain import bench_retrain as measure

    measured = measure(settings_of(profile, sets), sets or [], runs, report.say)
    write_json(json_file, measured)
    report_bench.show_bench(measured)


@bench.command("forecast")
def bench_forecast(
    data: Annotated[str, typer.Option(help="File or folder of the sales.")],
    protocol: Annotated[
        str, typer.Option(help="Protocol of the benchmark; its profile maps the columns.")
    ] = "orange_juice",
    rounds: Annotated[str, typer.Option(help="Rounds, such as 1-6 or 3.")] = "1-6",
    trials: Annotated[
        int,
        typer.Option(
            min=0, help="Trials of a new search on what the first round knows; 0: the profile's choice."
        ),
    ] = 0,
    folder: Annotated[
        str | None, typer.Option(help="Where the search keeps its trials, to go on after a kill.")
    ] = None,
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Forecast the rounds of a published benchmark from the past of each, and score them by its protocol.

    Example: `repricer bench forecast --data sales.parquet --protocol orange_juice --rounds 1-6`
    """
    from tasks.bench.forecast import bench_forecast as measure

    show_progress()
    budget = [f"forecast.{member}.trials={trials}" for member in ("arima", "lstm")]
    settings = settings_of(protocol, [*budget, *(sets or [])], {"source.kind": "file", "source.path": data})
    first, _, last = rounds.partition("-")
    with TemporaryDirectory() as scratch:
        measured = measure(
            settings, protocol, int(first), int(last or first), folder=Path(folder or scratch), say=report.say
        )
    write_json(json_file, measured)
    report_bench.show_forecast_bench(measured)


@bench.command("scale")
def bench_scale(
    series: Annotated[
        str, typer.Option(help="Series of each simulated chain, with commas between them.")
    ] = "1000,10000",
    fitted: Annotated[int, typer.Option(min=1, help="Series whose ARIMA is fitted, at most.")] = 1000,
    profile: Annotated[
        str, typer.Option(help="Profile of weekly sales in `conf/profiles`.")
    ] = "orange_juice",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Measure seconds and memory of features, ARIMA, LSTM and blend on simulated chains of 120 weeks.

    Example: `repricer bench scale --series 1000,10000,100000 --json out.json`
    """
    from tasks.bench.scale import bench_scale as measure

    sizes = series.split(",")
    if not all(size.isdigit() for size in sizes):
        raise typer.BadParameter(f"--series takes whole numbers with commas between them. Received: {series}")
    show_progress()
    with TemporaryDirectory() as scratch:
        measured = measure(
            settings_of(profile, sets), [int(size) for size in sizes], fitted, Path(scratch), report.say
        )
    write_json(json_file, measured)
    report_bench.show_scale(measured)


@bench.command("prepare")
def bench_prepare(
    rows: Annotated[int, typer.Option(min=1, help="Rows of the table, about.")] = 5_000_000,
    days: Annotated[int, typer.Option(min=10, help="Days from its first row to its last.")] = 30,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Measure seconds and memory from a CSV of 2,000 products in 83 stores to features.

    Example: `repricer bench prepare --rows 5000000 --json out.json`
    """
    from tasks.bench.prepare import bench_prepare as measure

    with TemporaryDirectory() as scratch:
        measured = measure(settings_of(profile, sets), rows, days, Path(scratch), report.say)
    write_json(json_file, measured)
    report_bench.show_prepare(measured)


@bench.command("cold-start")
def bench_cold_start(
    profile: Profile = "default",
    data: Annotated[
        str | None, typer.Option(help="File or folder of the sales, if not those of the profile.")
    ] = None,
    products: Annotated[int, typer.Option(min=1, help="Products that are held out in a draw.")] = 30,
    draws: Annotated[int, typer.Option(min=1, help="Draws of other products; each trains anew.")] = 1,
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Hold out whole products and forecast them from category, store, price and promotions.

    The mean of their category stands beside it.

    Example: `repricer bench cold-start --products 30 --draws 3 --json out.json`
    """
    from tasks.bench.cold_start import bench_cold_start as measure

    show_progress()
    given = {"source.kind": "file" if data else None, "source.path": data}
    measured = measure(settings_of(profile, sets, given), products, draws, report.say)
    write_json(json_file, measured)
    report_bench.show_cold_start(measured)


@bench.command("policy")
def bench_policy(
    cases: Annotated[
        Path,
        typer.Option(
            "--cases", metavar="FILE", exists=True, dir_okay=False, help="Cases with their parameters, JSON."
        ),
    ],
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of every case.")] = 10,
    only: Annotated[
        list[str] | None, typer.Option("--case", metavar="NAME", help="Only this case; may be repeated.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Environment steps of a training, if not as planned.")
    ] = None,
    json_file: Json = None,
) -> None:
    """Train the pricing agent on cases with an exact solution: percent of the optimum, seed by seed.

    Example: `repricer bench policy --cases known_optimum.json --seeds 10 --json out.json`
    """
    from tasks.bench.policy import bench_policy as measure

    measured = measure(cases, seeds, only or [], steps, report.say)
    write_json(json_file, measured)
    report_bench.show_policy_bench(measured)
    if any("refused" in case for case in measured["cases"].values()):
        raise typer.Exit(1)


@bench.command("groups")
def bench_groups(
    seeds: Annotated[int, typer.Option(min=1, help="Trainings in every market.")] = 3,
    markets: Annotated[
        list[str] | None, typer.Option("--market", metavar="NAME", help="Only this market; may be repeated.")
    ] = None,
    variants: Annotated[
        list[str] | None,
        typer.Option("--variant", metavar="NAME", help="Only this variant of the markets; may be repeated."),
    ] = None,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Train the agent in markets of 2 to 60 substitutes: its share of what the joint optimum gains over hold.

    Example: `repricer bench groups --market groups_of_60 --variant memory --seeds 3 --json out.json`
    """
    from tasks.bench.groups import bench_groups as measure
    from tasks.stages.market import plan_of

    plan = plan_of(settings_of(profile, sets)).training
    measured = measure(plan, seeds, markets or [], variants or [], report.say)
    write_json(json_file, measured)
    report_bench.show_groups(measured)


@bench.command("elasticity")
def bench_elasticity(
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", exists=True, dir_okay=False, help="Sales, CSV or Parquet."),
    ] = None,
    simulated: Annotated[
        int, typer.Option(min=0, help="Simulated shops of each kind, instead of a table or beside it.")
    ] = 0,
    memory: Annotated[
        int, typer.Option(min=0, help="Shops whose buyers remember prices, and as many whose do not.")
    ] = 0,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Estimate own and cross elasticities of a sales table, with or without stores, promotions and costs.

    Example: `repricer bench elasticity --data sales.parquet --set source.columns.price=net_price`
    """
    from tasks.bench.elasticity import bench_elasticity as measure
    from tasks.bench.elasticity import bench_memory, bench_simulated

    if data is None and not simulated and not memory:
        raise typer.BadParameter("give --data FILE, --simulated N or --memory N")
    show_progress()
    settings = settings_of(profile, sets)
    measured = measure(data, settings) if data else {}
    if simulated:
        measured["simulated"] = bench_simulated(simulated, settings)
    if memory:
        measured["memory"] = bench_memory(memory, settings)
    write_json(json_file, measured)
    report_bench.show_elasticities(measured)


bench.command("closed-loop")(closed_loop)


@bench.command("experiment")
def bench_experiment(
    cases: Annotated[
        Path | None,
        typer.Option("--cases", metavar="FILE", exists=True, dir_okay=False, help="Known answers, JSON."),
    ] = None,
    logs: Annotated[
        Path | None,
        typer.Option("--off-policy", metavar="FILE", exists=True, dir_okay=False, help="Known values, JSON."),
    ] = None,
    calibrations: Annotated[
        bool, typer.Option("--calibrations", help="Simulate A/A trials, coverage, power and interference.")
    ] = False,
    rows: Annotated[int, typer.Option(min=0, help="Rows of a log that is analysed against the clock.")] = 0,
    json_file: Json = None,
) -> None:
    """Hold the analysis of experiments to known answers, to simulations whose truth is known, and to a clock.

    Example: `repricer bench experiment --cases experiments.json --calibrations --rows 10000000`
    """
    import json

    from tasks.bench import experiment as measure
    from tasks.bench.experiment_calibration import calibrate

    if not (cases or logs or calibrations or rows):
        raise typer.BadParameter("give --cases FILE, --off-policy FILE, --calibrations or --rows N")
    measured: dict[str, object] = {}
    if rows:
        with TemporaryDirectory() as scratch:
            measured["clock"] = measure.clock(rows, Path(scratch), report.say)
    if cases:
        measured["reproduced"] = measure.reproduce(json.loads(cases.read_text(encoding="utf-8")))
    if calibrations:
        measured["calibrations"] = calibrate(report.say)
    if logs:
        measured["off_policy"] = measure.known_policies(
            json.loads(logs.read_text(encoding="utf-8")), report.say
        )
    write_json(json_file, measured)
    report_bench.show_experiment_bench(measured)
