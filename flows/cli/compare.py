"""The command ``repricer compare``: a candidate beside the champion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import report_compare
from flows.cli.hints import require_store
from flows.cli.options import Json, Profile, Sets, settings_of, write_json
from flows.cli.session import flow_session

Version = Annotated[int | None, typer.Option(help="Version of `pricing_policy`; none: the candidate.")]
Champion = Annotated[
    int | None, typer.Option(help="Version to compare it with; none: the champion, else the prices in force.")
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the report as one HTML page.")
]


def compare(
    version: Version = None,
    champion: Champion = None,
    html: Html = None,
    profile: Profile = "default",
    sets: Sets = None,
    json_file: Json = None,
) -> None:
    """Compare a candidate with the champion before somebody promotes it.

    It shows which gates both passed, their figures on the same data, how many prices of the catalogue would
    move, where and by how much, and what that is expected to bring. The report is kept with the version's run
    in MLflow, and its description links to it.

    Example: `repricer compare --version 3 --html report.html`
    """
    settings = settings_of(profile, sets)
    require_store(settings)
    with flow_session(settings):
        from flows.compare import compare as flow

        compared = flow(settings, version, champion, None if html is None else str(html))
    write_json(json_file, compared)
    report_compare.show_compared(compared, settings)
