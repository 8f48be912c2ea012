"""The commands ``repricer experiment ...``: real price experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli import report
from flows.cli.options import Json, Profile, Sets, check_source, settings_of, write_json
from flows.cli.session import flow_session

experiment = typer.Typer(
    no_args_is_help=True,
    help="Design and analyse price experiments, and evaluate policies on logged decisions.",
)

Data = Annotated[
    Path, typer.Option("--data", help="Table of the trial (CSV, Parquet), or the moments of its arms (JSON).")
]
SpecFile = Annotated[Path, typer.Option("--spec", help="Specification of the trial (YAML).")]


History = Annotated[Path, typer.Option("--data", metavar="FILE", help="Sales history (CSV, Parquet).")]
Folder = Annotated[Path, typer.Option(help="Where `assignment.csv` and `trial.yaml` are written.")]
Unit = Annotated[
    str, typer.Option(help="`cluster` (substitute groups), `store` or `time` (blocks that switch).")
]
RelativeEffect = Annotated[float, typer.Option(help="Relative effect to be detected, such as 0.05.")]
Metric = Annotated[
    str | None, typer.Option(help="`profit`, `revenue` or `units`; profit where every row has a cost.")
]
Power = Annotated[float, typer.Option(help="Probability of detecting the effect.")]
Alpha = Annotated[float, typer.Option(help="Probability of a false positive.")]
Guard = Annotated[
    list[str] | None,
    typer.Option(metavar="METRIC=SHARE", help="Guardrail and the loss it tolerates; units=0.05."),
]
Groups = Annotated[str | None, typer.Option(help="Substitutes by `category` or by `cross` elasticities.")]
Share = Annotated[float, typer.Option(help="Share of the units that the candidate prices.")]
Length = Annotated[int | None, typer.Option(help="Periods of the trial, if not the shortest that suffices.")]
Block = Annotated[int | None, typer.Option(help="Periods between two switches: 7 days, or 4 weeks.")]
BurnIn = Annotated[int, typer.Option(help="Periods left out after a switch.")]
Start = Annotated[str | None, typer.Option(metavar="DATE", help="First date; the period after the history.")]
Seed = Annotated[int, typer.Option(help="Seed of the assignment.")]


@experiment.command("design")
def design(
    data: History,
    folder: Folder,
    unit: Unit = "cluster",
    effect: RelativeEffect = 0.05,
    metric: Metric = None,
    power: Power = 0.8,
    alpha: Alpha = 0.05,
    guard: Guard = None,
    groups: Groups = None,
    share: Share = 0.5,
    length: Length = None,
    block: Block = None,
    burn_in: BurnIn = 1,
    start: Start = None,
    seed: Seed = 7,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Design an experiment: who gets which price when, for how long, and the specification that analyses it.

    Example: `repricer experiment design --data sales.csv --effect 0.05 --folder trial --json design.json`
    """
    guards = {"units": 0.05} if guard is None else dict(map(_guardrail, guard))
    goal: dict[str, Any] = {"effect": effect, "metric": metric, "power": power, "alpha": alpha}
    units: dict[str, Any] = {"unit": unit, "groups": groups, "share": share, "seed": seed}
    calendar: dict[str, Any] = {"length": length, "block": block, "burn_in": burn_in, "start": start}
    settings = settings_of(profile, sets)
    check_source(settings)
    with flow_session(settings):
        from flows.experiment import design as flow
        from tasks.operations.experiment_design import DesignRequest

        request = DesignRequest(guards=guards, **goal, **units, **calendar)
        figures = flow(str(data), request, str(folder), settings)
    write_json(json_file, figures)
    report.show_design(figures)


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
    """Analyse an experiment: sample ratio, effects with intervals, guardrails, then ship, keep or continue.

    Example: `repricer experiment analyze --data trial.csv --spec trial.yaml --report trial.html`
    """
    settings = settings_of(profile, sets)
    check_source(settings)
    with flow_session(settings):
        from flows.experiment import analyze as flow

        analysis = flow(str(data), str(spec), settings, str(page) if page else None)
    write_json(json_file, analysis)
    if analysis["verdict"] is None:
        raise ValueError(analysis["reasons"][0])
    report.say(f"verdict: {analysis['verdict']}")
    for reason in analysis["reasons"]:
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
    """Estimate what another policy would have earned on logged decisions, or say which prices lack data.

    Example: `repricer experiment off-policy --log decisions.parquet --policy candidate --plot overlap.png`
    """
    settings = settings_of(profile, sets)
    with flow_session(settings):
        from flows.experiment import off_policy as flow

        figures = flow(str(log), policy, settings, str(plot) if plot else None)
    write_json(json_file, figures)
    if "refused" in figures:
        raise ValueError(figures["refused"])
    report.show_off_policy(figures)


def _guardrail(text: str) -> tuple[str, float]:
    """Return metric and tolerated loss of ``METRIC=SHARE``."""
    name, _, share = text.partition("=")
    try:
        return name, float(share)
    except ValueError:
        raise ValueError(f"--guard must be METRIC=SHARE, such as units=0.05. Received: {text}.") from None
