"""The commands ``repricer experiment ...``: real price experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows import report
from flows.options import Json, Profile, Sets, settings_of, write_json
from flows.session import prefect_api

experiment = typer.Typer(no_args_is_help=True, help="Analyse price experiments.")

Data = Annotated[Path, typer.Option("--data", help="Table of the trial (CSV, Parquet), or the moments of its arms (JSON).")]
SpecFile = Annotated[Path, typer.Option("--spec", help="Specification of the trial (YAML).")]


@experiment.command("analyze")
def analyze(
    data: Data,
    spec: SpecFile,
    page: Annotated[Path | None, typer.Option("--report", metavar="FILE", help="Write the one-page report (HTML) to this file.")] = None,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Read an experiment: sample ratio first, effects with intervals, guardrails, and ship, keep or continue.

    Example: `repricer experiment analyze --data trial.csv --spec trial.yaml --report trial.html --json out.json`
    """
    with prefect_api(settings_of(profile, sets).data_folder):
        from flows.experiment import analyze as flow

        told = flow(str(data), str(spec), str(page) if page else None)
    write_json(json_file, told)
    if told["verdict"] is None:
        raise ValueError(told["reasons"][0])
    report.say(f"verdict: {told['verdict']}")
    for reason in told["reasons"]:
        report.say(f"- {reason}")
