"""A look at the files of a source within seconds, before anything that is slow starts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from expectations.columns import KEY, PERIOD_DAYS
from expectations.pregate import gate
from expectations.refusals import Breach, DataError
from expectations.repeats import conflicting_rows, equal_rows
from expectations.rules import Limits, impossible_values, unplaced
from tasks.sources import files
from tasks.sources.acceptance import LITERAL
from tasks.sources.closed import without_closed
from tasks.sources.gaps import check_stated
from tasks.sources.mapping import Lines
from tasks.sources.meaning import Meaning, without_negative_periods
from tasks.sources.notation import AmbiguousError
from tasks.sources.order_lines import without_copies
from tasks.sources.reading import Source, path_of, read

log = logging.getLogger("repricer")

ROWS = 10_000  # at the beginning of a file that are looked at
FILES = 20  # of a folder that are looked at
SMALL = 10 * 1024**2  # text that is read whole (bytes)
PACKED = 20  # text of a byte of a packed file, at most (bytes/byte)


def check(source: Source, limits: Limits, now: pd.Timestamp, meaning: Meaning = LITERAL) -> None:
    """Refuse files whose beginning breaks a rule; small files are held to every rule of rows.

    Args:
        source: where the sales come from; only files are looked at.
        limits: what is still believed.
        now: current time, without a zone.
        meaning: what a row means, and a row that is not there.

    Raises:
        DataError: a file cannot be read, or a row that was looked at breaks a rule.
    """
    if source.kind != "file":
        return
    paths = files.files(path_of(source))
    if sum(map(_text_bytes, paths)) <= SMALL:
        with _unsaid():
            lines = read(source)
        _check_whole(lines, limits, now, meaning)
        return
    breaches: list[Breach] = []
    for path in paths[:FILES]:
        try:
            lines = files.part(path, path.name, source.columns, source.time_zone, form=source.form, most=ROWS)
        except AmbiguousError:
            continue  # more rows may tell
        except DataError as error:
            breaches += error.breaches
            continue
        breaches += _breaches(lines, limits, now, meaning)
    if breaches:
        raise DataError(breaches)


def _check_whole(lines: Lines, limits: Limits, now: pd.Timestamp, meaning: Meaning) -> None:
    """Refuse rows that break a rule, and gaps of which it matters what they mean and is not stated."""
    rows, closed = without_closed(lines.frame)
    gated = gate(rows, limits, now, keyed=not meaning.sums(lines), reported=lines.breaches)
    sales, _ = without_negative_periods(meaning.one_row_per_key(gated.kept, lines))
    if meaning.missing is None and len(sales):
        check_stated(sales, pd.concat([closed[KEY], gated.set_aside[KEY]]), PERIOD_DAYS[limits.period])


def _breaches(lines: Lines, limits: Limits, now: pd.Timestamp, meaning: Meaning) -> list[Breach]:
    """Return the rules that the first rows of a file break."""
    rows, _ = without_closed(without_copies(lines.frame))
    placed = rows[unplaced(rows) == ""]
    if len(rows) and not len(placed):
        return list(lines.breaches)
    conflicts = [] if meaning.sums(lines) else conflicting_rows(placed[~equal_rows(placed)])
    return [*lines.breaches, *impossible_values(placed, limits, now), *conflicts]


@contextmanager
def _unsaid() -> Iterator[None]:
    """Log nothing of a reading: the retraining reads again and says the same."""
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def _text_bytes(path: Path) -> int:
    plain = path.suffix.lower() in (".csv", ".tsv")
    return path.stat().st_size * (1 if plain else PACKED)
