"""A look at the files of a source within seconds, before anything that is slow starts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from expectations.pregate import gate
from expectations.refusals import Breach, DataError
from expectations.rules import Limits, conflicting_rows, impossible_values
from tasks.sources import files
from tasks.sources.notation import AmbiguousError
from tasks.sources.reading import Source, path_of, read

ROWS = 10_000  # at the beginning of a file that are looked at
FILES = 20  # of a folder that are looked at
SMALL = 10 * 1024**2  # text that is read whole (bytes)
PACKED = 20  # text of a byte of a packed file, at most (bytes/byte)


def check(source: Source, limits: Limits, now: pd.Timestamp) -> None:
    """Refuse files whose beginning breaks a rule; small files are held to every rule of rows.

    Args:
        source: where the sales come from; only files are looked at.
        limits: what is still believed.
        now: current time, without a zone.

    Raises:
        DataError: a file cannot be read, or a row that was looked at breaks a rule.
    """
    if source.kind != "file":
        return
    paths = files.files(path_of(source))
    if sum(map(_text_bytes, paths)) <= SMALL:
        lines = read(source)
        gate(lines.frame, limits, now, keyed=not lines.stamped, reported=lines.breaches)
        return
    breaches = [breach for path in paths[:FILES] for breach in _breaches(path, source, limits, now)]
    if breaches:
        raise DataError(breaches)


def _breaches(path: Path, source: Source, limits: Limits, now: pd.Timestamp) -> list[Breach]:
    """Return the rules that the first rows of a file break; what more rows may tell is left to them."""
    try:
        lines = files.part(path, path.name, source.columns, source.time_zone, form=source.form, most=ROWS)
    except AmbiguousError:
        return []
    except DataError as error:
        return list(error.breaches)
    conflicts = [] if lines.stamped else conflicting_rows(lines.frame.drop_duplicates(_content(lines.frame)))
    return [*lines.breaches, *impossible_values(lines.frame, limits, now), *conflicts]


def _content(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame.columns if name not in ("file", "row")]


def _text_bytes(path: Path) -> int:
    plain = path.suffix.lower() in (".csv", ".tsv")
    return path.stat().st_size * (1 if plain else PACKED)
