"""What commands share: their options, the settings these make, and the JSON they write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from conf import Settings, load
from tasks.runtime.disk import written_whole

Profile = Annotated[str, typer.Option("--profile", help="Name of a profile, or path of a `.yaml` file.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Overrule a setting; may be repeated.")
]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON to this file.")
]


def settings_of(
    profile: str, sets: list[str] | None, options: dict[str, str | None] | None = None
) -> Settings:
    """Return the settings of a profile, overruled by ``--set`` and by named options."""
    overrules = [f"{key}={value}" for key, value in (options or {}).items() if value is not None]
    return load(profile, [*(sets or []), *overrules])


def check_source(settings: Settings) -> None:
    """Refuse what no source can have before servers and frameworks start.

    Raises:
        DataError: a name in ``source.columns`` is unknown, or one column has two names.
    """
    from tasks.stages.source import check_columns

    check_columns(settings.source)


def write_json(path: Path | None, value: Any) -> None:
    """Write a result to the file of ``--json``, if there is one, whole or not at all."""
    if path is not None:
        text = json.dumps(value, indent=2, allow_nan=False) + "\n"
        with written_whole(path) as part:
            part.write_text(text, encoding="utf-8")
