"""The commands ``repricer experiment ...``: real price experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import report
from flows.cli.options import Json, Profile, Sets, check_source, settings_of, write_json
from flows.cli.session import prefect_api

experiment = typer.Typer(
    no_args_is_help=True,
    help="Design and analyse price experiments, and evaluate policies on logged decisions.",
)

Data = Annotated[
    Path, typer.Option("--data", help="Table of the trial (CSV, Parquet), or the moments of its arms (JSON).")
]
SpecFile = Annotated[Path, typer.Option("--spec", help="Specification of the trial (YAML).")]


@experiment.command("design")
def design(
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help="Sales history (CSV, Parquet).")],
    folder: Annotated[
        Path, typer.Option("--folder", help="Where `assignment.csv` and `trial.yaml` are written.")
    ],
    unit: Annotated[
        str, typer.Option(help="`cluster` (substitute groups), `store` or `time` (blocks that switch).")
    ] = "cluster",
    effect: Annotated[float, typer.Option(help="Relative effect to be found, such as 0.05.")] = 0.05,
    metric: Annotated[
        str | None, typer.Option(help="`profit`, `revenue` or `units`; profit where every row has a cost.")
    ] = None,
    power: Annotated[float, typer.Option(help="Probability of finding the effect.")] = 0.8,
    alpha: Annotated[float, typer.Option(help="Probability of a false find.")] = 0.05,
    guard: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC=SHARE", help="Guardrail and the loss it tolerates; units=0.05."),
    ] = None,
    groups: Annotated[
        str | None, typer.Option(help="Substitutes by `category` or by `cross` elasticities.")
    ] = None,
    share: Annotated[float, typer.Option(help="Share of the units that the candidate prices.")] = 0.5,
    length: Annotated[
        int | None, typer.Option(help="Periods of the trial, if not the shortest that suffices.")
    ] = None,
    block: Annotated[
        int | None, typer.Option(help="Periods between two switches: 7 days, or 4 weeks.")
    ] = None,
    burn_in: Annotated[int, typer.Option(help="Periods left out after a switch.")] = 1,
    start: Annotated[
        str | None, typer.Option(metavar="DATE", help="First date; the period after the history.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the assignment.")] = 7,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Design an experiment: who gets which price when, for how long, and the specification that analyses it.

    Example: `repricer experiment design --data sales.csv --unit cluster --effect 0.05 --folder trial --json design.json`
    """
    settings = settings_of(profile, sets)
    check_source(settings)
    with prefect_api(settings.data_folder):
        from flows.experiment import design as flow
        from tasks.operations.experiment_design import Asked

        guards = {"units": 0.05} if guard is None else dict(map(_guarded, guard))
        asked = Asked(
            unit, effect, metric, power, alpha, guards, groups, share, length, block, burn_in, start, seed
        )
        told = flow(str(data), asked, str(folder), settings)
    write_json(json_file, told)
    report.show_design(told)


@experiment.command("analyze")
def analyze(
    data: Data,
    spec: SpecFile,
    page: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Write the one-page report (HTML) to this file."),
    ] = None,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Read an experiment: sample ratio first, effects with intervals, guardrails, and ship, keep or continue.

    Example: `repricer experiment analyze --data trial.csv --spec trial.yaml --report trial.html --json out.json`
    """
    settings = settings_of(profile, sets)
    check_source(settings)
    with prefect_api(settings.data_folder):
        from flows.experiment import analyze as flow

        told = flow(str(data), str(spec), settings, str(page) if page else None)
    write_json(json_file, told)
    if told["verdict"] is None:
        raise ValueError(told["reasons"][0])
    report.say(f"verdict: {told['verdict']}")
    for reason in told["reasons"]:
        report.say(f"- {reason}")


@experiment.command("off-policy")
def off_policy(
    log: Annotated[
        Path,
        typer.Option(
            "--log", metavar="FILE", help="Logged decisions with their probabilities (CSV, Parquet)."
        ),
    ],
    policy: Annotated[
        str, typer.Option("--policy", help="`champion`, `candidate`, or a table of prices and probabilities.")
    ],
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw how the log covers the policy (PNG).")
    ] = None,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Say what another policy would have earned on logged decisions, or which prices lack data.

    Example: `repricer experiment off-policy --log decisions.parquet --policy candidate --plot overlap.png --json out.json`
    """
    settings = settings_of(profile, sets)
    with prefect_api(settings.data_folder):
        from flows.experiment import off_policy as flow

        told = flow(str(log), policy, settings, str(plot) if plot else None)
    write_json(json_file, told)
    if "refused" in told:
        raise ValueError(told["refused"])
    report.show_off_policy(told)


def _guarded(text: str) -> tuple[str, float]:
    name, _, share = text.partition("=")
    try:
        return name, float(share)
    except ValueError:
        raise ValueError(f"--guard must be METRIC=SHARE, such as units=0.05. Received: {text}.") from None
