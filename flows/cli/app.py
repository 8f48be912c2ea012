"""The command ``repricer``."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Annotated

import typer

from conf.urls import masked
from flows.cli import report
from flows.cli.bench import bench
from flows.cli.compare import compare
from flows.cli.decide import adopt, ledger, promote, reject, rollback, verify
from flows.cli.experiment import experiment
from flows.cli.explain import explain
from flows.cli.options import Json, Profile, Sets, check_source, settings_of, write_json
from flows.cli.publish import diff, publish, withdraw
from flows.cli.recommend import recommend
from flows.cli.session import flow_session, prefect_api, quiet_environment, show_progress
from flows.cli.stops import INTERRUPTED, STOP, ended_first
from flows.cli.ui import ui
from infra.command.packages import clashing
from tasks.runtime.heartbeat import OUTER_QUIET_SECONDS, heartbeat
from tasks.runtime.interruption import interrupted
from tasks.runtime.started_by import starter

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)
app.add_typer(bench, name="bench")
app.add_typer(experiment, name="experiment")
app.add_typer(explain, name="explain")

HEAVY = (
    "flows.retrain",
    "mlflow",
    "great_expectations",
    "keras",
    "optuna",
    "statsmodels.tsa.arima.model",
    "sklearn.ensemble",
    "matplotlib.figure",
)
"""What a retraining imports sooner or later: best while the API starts on another core."""

TRY_AGAIN_LATER = 75  # EX_TEMPFAIL of sysexits.h
FAILED_GATES = 3  # of `retrain --fail-on-verdict`; 1 and 2 are errors

FailOnVerdict = Annotated[
    bool, typer.Option("--fail-on-verdict", help="Exit with 3 where the verdict is FAIL.")
]


def main() -> None:
    """Run the command; an error is one message and status 1, a stop by a signal is 128 and its number."""
    try:
        status = app(standalone_mode=False)
        # Typer answers a KeyboardInterrupt with a status, Prefect's `serve` with none.
        sys.exit(STOP.conclude() if STOP.cause or status == INTERRUPTED else status)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(STOP.conclude())
    except Exception as error:  # the last line of defence: one message instead of a traceback
        if STOP.cause or interrupted(error):
            sys.exit(STOP.conclude())
        if os.environ.get("REPRICER_TRACEBACK"):
            raise
        report.say(f"error: {masked(str(error) or repr(error))}")
        sys.exit(1)


def _show_version(wanted: bool) -> None:
    if wanted:
        report.say(installed("repricer"))
        raise typer.Exit


@app.callback()
def repricer(
    version: Annotated[  # noqa: ARG001 - its callback shows it
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show the traceback of an error.")] = False,
) -> None:
    """Retrain, test, approve and publish prices.

    Example: `repricer retrain --profile smoke`
    """
    quiet_environment()
    if traceback:
        os.environ["REPRICER_TRACEBACK"] = "1"


@app.command()
def retrain(
    profile: Profile = "default",
    sets: Sets = None,
    source: Annotated[str | None, typer.Option(help="`completejourney`, `file` or `sql`.")] = None,
    data: Annotated[str | None, typer.Option(help="File or folder of `--source file`.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start anew where a stopped run could go on.")
    ] = False,
    fail_on_verdict: FailOnVerdict = False,
    json_file: Json = None,
) -> None:
    """Retrain on the sales table and leave a candidate in MLflow.

    Exit status: 0 done, whatever the `verdict` in the JSON says, 1 error, 2 an unknown option, 3 `FAIL` with
    `--fail-on-verdict`, 75 another retraining is running (try again later), 130 Ctrl-C, 143 SIGTERM.

    Example: `repricer retrain --profile smoke --set forecast.lstm.units=32 --json out.json`
    """
    settings = settings_of(profile, sets, {"source.kind": source, "source.path": data})
    from tasks.stages.source import check_files

    check_source(settings)
    check_files(settings)
    show_progress()
    working = heartbeat("retraining", quiet=OUTER_QUIET_SECONDS)
    with flow_session(settings, HEAVY), working:
        from flows.retrain import retrain as flow
        from tasks.runtime.records import AlreadyRunningResult
        from tasks.runtime.resume import AlreadyRunning

        try:
            summary = flow(settings, fresh)
        except AlreadyRunning as running:
            write_json(json_file, AlreadyRunningResult(already_running=running.holder))
            report.say(str(running))
            raise typer.Exit(TRY_AGAIN_LATER) from None
    write_json(json_file, summary)
    report.show_summary(summary, settings)
    if fail_on_verdict and summary["verdict"] == "FAIL":
        raise typer.Exit(FAILED_GATES)


for decision in (compare, promote, rollback, adopt, reject, publish, withdraw, diff, verify, ledger):
    app.command()(decision)
app.command()(recommend)


@app.command()
def serve(profile: Profile = "default", sets: Sets = None) -> None:
    """Keep the weekly retraining and the approval form going on this machine, until Ctrl-C.

    In the Prefect UI (`repricer ui`), the deployment `approve/candidate` compares the candidate with the
    champion and waits for the decision of a person. No work pool is needed.

    Example: `repricer serve --set schedule.cron="0 3 * * 1"`
    """
    settings = settings_of(profile, sets)
    clash = clashing(Path.cwd())
    if clash:
        raise ImportError(f"the scheduled runs start in this folder: {clash}")
    show_progress()
    with (
        prefect_api(settings, log_level="WARNING", at_once=True),
        starter(settings.data_folder) as served,
        ended_first(served.release),
    ):
        from prefect import serve as serve_deployments

        from infra.serving import AT_ONCE, deployments

        report.say(
            f"retraining at {settings.schedule.cron} ({settings.schedule.time_zone}); stop with Ctrl-C"
        )
        serve_deployments(*deployments(settings, served.mark), limit=AT_ONCE, print_starting_message=False)


app.command()(ui)


@app.command()
def doctor(profile: Profile = "default", sets: Sets = None, json_file: Json = None) -> None:
    """Check this machine: packages, disk, memory, the data folder and the MLflow store.

    Example: `repricer doctor --profile smoke`
    """
    from tasks.operations.doctor import examine

    findings = examine(settings_of(profile, sets))
    write_json(json_file, findings)
    report.show_findings(findings)
    if not all(finding["ok"] for finding in findings):
        raise typer.Exit(1)
