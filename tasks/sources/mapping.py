"""From the columns of a source to typed rows with their origin; no value is guessed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from expectations.columns import (
    ALL_STORES,
    DATE,
    LINE,
    NAME,
    NUMERIC,
    OPEN,
    ORDER,
    ROW,
    SERIES,
    STORE,
    promotions,
)
from expectations.ids import BLANKS, note_on_pairs, read_ids
from expectations.refusals import FILE, Breach, broken
from expectations.rules import NUMBER_RULE
from expectations.tax import wrong_rates
from tasks.sources.closed import open_marks, sold_while_closed
from tasks.sources.names import listed, missing_columns, named_columns
from tasks.sources.order_lines import COPY, INSTANT, fingerprint, overlapping_files, without_copies
from tasks.sources.switches import shares
from tasks.sources.times import texts, times_of

log = logging.getLogger("repricer")

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf|Inf|INF|[Ii]nfinity)"


@dataclass(frozen=True, kw_only=True)
class Lines:
    """What a source holds, in the vocabulary of the sales table.

    Attributes:
        frame: typed rows with ``file`` and ``row``.
        breaches: rules that the rows break.
        stamped: rows are order lines with a time of day, to be summed with ``summed``.
        rows: rows in the source (rows).
        repeated: copies of numbered lines and rows of a file given again (rows).
        ignored: columns of the source that the sales table has no use for.
        padded: column of ids -> ids with blanks around them, taken off (rows).
        notes: what people should know of the ids, in sentences.
        complete: the source writes a row for every period without a sale.
    """

    frame: pd.DataFrame
    breaches: tuple[Breach, ...]
    stamped: bool
    rows: int
    repeated: int
    ignored: tuple[str, ...]
    padded: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    complete: bool = False


def lines_of(raw: pd.DataFrame, file: str, columns: Mapping[str, str], time_zone: str | None) -> Lines:
    """Return the rows of one file or query, typed strictly.

    Args:
        raw: columns as the source calls them; text where the source has no types.
        file: name for messages.
        columns: name in the sales table -> name in the source, where they differ.
        time_zone: IANA zone in which time stamps become local dates; none: a time of day is refused.
    """
    named = named_columns(raw, file, columns)
    frame = _origins(raw, file)
    breaches = missing_columns(named, raw, file, columns)
    stamped = False
    padded: dict[str, int] = {}
    for name, values in named.items():
        if name == DATE:
            times, of_column = times_of(values, frame, time_zone)
            frame[name], stamped = times.date, times.stamped
        elif name in SERIES:
            frame[name], of_column, padded[name] = _ids(values, frame, name)
        else:
            frame[name], of_column = _typed(values, frame, name)
        breaches += of_column
    if STORE not in frame:
        frame[STORE] = pd.Series(ALL_STORES, index=frame.index, dtype="str")
    if stamped:
        frame[INSTANT] = times.instant
    if ORDER in named or LINE in named:
        frame[COPY] = fingerprint(raw)
    used = {columns.get(name, name) for name in named}
    return Lines(
        frame=frame,
        breaches=(*breaches, *sold_while_closed(frame), *wrong_rates(frame)),
        stamped=stamped,
        rows=len(raw),
        repeated=0,
        ignored=tuple(str(name) for name in raw.columns if name not in used),
        padded=padded,
    )


def _origins(raw: pd.DataFrame, file: str) -> pd.DataFrame:
    """Return file and row of every row, for messages."""
    origins = {FILE: pd.Series(file, index=raw.index, dtype="str"), ROW: np.arange(1, len(raw) + 1)}
    return pd.DataFrame(origins, index=raw.index)


def joined(parts: Sequence[Lines]) -> Lines:
    """Put the rows of several files below each other; a numbered line that was copied is kept once."""
    everything = pd.concat([part.frame for part in parts], ignore_index=True)
    frame = without_copies(everything)
    ignored = tuple(dict.fromkeys(name for part in parts for name in part.ignored))
    if ignored:
        log.info("columns of the source that are not used: %s", listed(ignored))
    notes = _notes(frame, parts)
    for note in notes:
        log.warning(note)
    breaches = [breach for part in parts for breach in part.breaches]
    if len(parts) > 1 and INSTANT in everything and COPY not in everything:
        breaches += overlapping_files(frame)
    return Lines(
        frame=frame,
        breaches=tuple(breaches),
        stamped=any(part.stamped for part in parts),
        rows=sum(part.rows for part in parts),
        repeated=sum(part.repeated for part in parts) + len(everything) - len(frame),
        ignored=ignored,
        notes=notes,
    )


def _notes(frame: pd.DataFrame, parts: Sequence[Lines]) -> tuple[str, ...]:
    """Return what people should know of the ids: how many had blanks around them, and which look alike."""
    padded = {name: sum(part.padded.get(name, 0) for part in parts) for name in SERIES}
    trimmed = [
        f"{name}: blanks around the id were taken off in {rows:,} rows"
        for name, rows in padded.items()
        if rows
    ]
    pairs = [note for name in SERIES if name in frame for note in note_on_pairs(name, frame[name])]
    return (*trimmed, *pairs)


def _words(values: pd.Series, *, trimmed: bool) -> pd.Series:
    """Return text, missing where empty; a whole number loses the ``.0`` that a missing neighbour gave it.

    Args:
        values: of a column of text.
        trimmed: take off blanks around the text, which would split a category in two.
    """
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    text, empty = texts(values)
    text = text.str.strip(BLANKS) if trimmed else text
    return text.mask(empty | (text == ""))


def _ids(values: pd.Series, frame: pd.DataFrame, name: str) -> tuple[pd.Series, list[Breach], int]:
    """Return ids as text, what was refused, and how many rows had blanks around them."""
    ids = read_ids(values)
    return ids.text, ids.breaches(frame, name), ids.padded


def _typed(values: pd.Series, frame: pd.DataFrame, name: str) -> tuple[pd.Series, list[Breach]]:
    """Return a column in the type of its name, and what was refused."""
    if name == OPEN:
        return open_marks(values, frame)
    if name in NUMERIC or name in promotions([name]):
        return _numbers(values, frame, name)
    return _words(values, trimmed=name != NAME), []


def _numbers(values: pd.Series, frame: pd.DataFrame, name: str) -> tuple[pd.Series, list[Breach]]:
    """Return numbers, missing where empty or refused; a truth value is a number in a promotion only."""
    if promotions([name]):
        values = shares(values, name)
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return values.astype("float64"), []
    text, empty = texts(values)
    refused = ~(empty | text.str.fullmatch(NUMBER))
    remedy = "write digits with a point for decimals, no sign of a currency and nothing between thousands"
    breaches = broken(frame, refused, name, NUMBER_RULE, remedy, shown=text)
    # as Python reads it, to the last bit
    plain = text.mask(refused | empty, "nan").to_numpy(dtype=object).astype(float)
    return pd.Series(plain, index=values.index), breaches
