"""Flow: a candidate beside the champion."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from conf import Settings
from tasks.operations import compare as operation
from tasks.operations.comparison.pages import as_markdown
from tasks.operations.comparison.records import Compared
from tasks.operations.comparison.words import title


def run_name() -> str:
    """Return which versions a flow run compares."""
    version, champion = (flow_run.parameters.get(name) for name in ("version", "champion"))
    ours = f"version {version}" if version else "candidate"
    return f"{ours} beside {f'version {champion}' if champion else 'champion'}"


@flow(name="compare", flow_run_name=run_name)
def compare(
    settings: Settings, version: int | None = None, champion: int | None = None, html: str | None = None
) -> Compared:
    """Compare a version, else the candidate, with the champion: gates, figures, prices that would move."""
    compared = operation.compare(settings, version, champion, html)
    show(compared)
    return compared


def show(compared: Compared) -> None:
    """Show a comparison on the page of the flow run, as its artifact ``comparison``."""
    create_markdown_artifact(as_markdown(compared), key="comparison", description=title(compared))
