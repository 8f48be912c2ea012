"""Ids are text: one reading of a column of ids, the same for every table that a user gives.

Blanks around an id are taken off. Nothing else is changed: ``NA`` and ``007`` stand as they are written. Ids
that were numbers on their way here are refused, because digits may be lost. Ids that differ only by blanks,
case, leading zeros or Unicode form stay apart and are named as pairs: they may be different products.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from expectations.refusals import EXAMPLES, Breach, broken

if TYPE_CHECKING:
    import pyarrow as pa

BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\u2060\ufeff"
"""What is taken off around an id: every Unicode blank, non-breaking and zero-width ones too."""
NO_BLANKS = dict.fromkeys(map(ord, BLANKS))
CONTROL = r"[\x00-\x1f\x7f-\x9f]"
NUMBER = r"[0-9]+\.0+|[0-9](?:\.[0-9]+)?[eE]\+[0-9]+"
"""How a spreadsheet writes an id that it took for a number: ``12345.0``, ``1.23457E+18``."""
DIFFERENCES = "blanks, case, leading zeros or Unicode form"

AS_NUMBER = "an id is text, not a number with decimals or an exponent"
TOO_LARGE = "an id stored as a floating-point number is whole and small enough to be exact"
NOT_PRINTABLE = "an id holds no NUL byte and no other control character"
TEXT_REMEDY = "export the column as text, from the system that made the ids and not through a spreadsheet"
CLEAN_REMEDY = "remove the character from the id in the source"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Ids of a column that break one rule.

    Attributes:
        rows: marks of the rows (rows,).
        rule: what must hold.
        remedy: what the user can do.
    """

    rows: np.ndarray
    rule: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Ids:
    """A column of ids as text.

    Attributes:
        text: ids, missing where the source has none (rows,).
        written: the same as the source writes them (rows,).
        refused: rules that ids break.
        padded: ids with blanks around them, taken off (rows).
    """

    text: pd.Series
    written: pd.Series
    refused: tuple[Refusal, ...]
    padded: int

    def breaches(self, frame: pd.DataFrame, column: str) -> list[Breach]:
        """Return the broken rules with the places where they are broken.

        Args:
            frame: rows with their origin.
            column: name of the column in the sales table.
        """
        return [
            breach
            for refusal in self.refused
            for breach in broken(
                frame, refusal.rows, column, refusal.rule, refusal.remedy, shown=self.written
            )
        ]

    def first_refusal(self) -> tuple[int, Refusal] | None:
        """Return the first row (from 0) that breaks a rule and that rule, or none."""
        rows = [(int(np.flatnonzero(refusal.rows)[0]), refusal) for refusal in self.refused]
        return min(rows, key=lambda place: place[0], default=None)


def read_ids(values: pd.Series) -> Ids:
    """Return a column as ids, whatever its type; a different id is looked at once."""
    codes, distinct = pd.factorize(values)
    is_text = isinstance(values.dtype, pd.StringDtype)
    written = pd.Series(distinct if is_text else [_written(value) for value in distinct], dtype="str")
    trimmed = written.str.strip(BLANKS)
    inexact = np.zeros(len(distinct), bool) if is_text else _inexact(distinct, _exact_below(values))
    control = trimmed.str.contains(CONTROL, regex=True).to_numpy(bool)
    number = trimmed.str.fullmatch(NUMBER).to_numpy(bool)
    rules = (
        (inexact, TOO_LARGE, TEXT_REMEDY),
        (control, NOT_PRINTABLE, CLEAN_REMEDY),
        (number & ~inexact, AS_NUMBER, TEXT_REMEDY),
    )
    return Ids(
        text=_spread(trimmed.mask(trimmed == ""), codes, values),
        written=_spread(written, codes, values),
        refused=tuple(
            Refusal(rows=_marks(marks, codes), rule=rule, remedy=remedy)
            for marks, rule, remedy in rules
            if marks.any()
        ),
        padded=int(_marks(((written != trimmed) & (trimmed != "")).to_numpy(bool), codes).sum()),
    )


def look_alikes(ids: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs of ids that differ only by blanks, case, leading zeros or Unicode form."""
    alike: dict[str, list[str]] = {}
    for text in sorted(set(ids)):
        alike.setdefault(likeness(text), []).append(text)
    return [(group[0], other) for group in alike.values() for other in group[1:]]


def likeness(text: str) -> str:
    """Return what ids have in common that differ only by blanks, case, leading zeros or Unicode form."""
    bare = unicodedata.normalize("NFC", text.translate(NO_BLANKS))
    return unicodedata.normalize("NFC", bare.casefold()).lstrip("0") or "0"


def note_on_pairs(column: str, ids: pd.Series) -> list[str]:
    """Return the sentence that names the ids of a column that look alike, or nothing.

    Args:
        column: name of the column.
        ids: ids as text (rows,).
    """
    pairs = look_alikes(ids.dropna().unique())
    if not pairs:
        return []
    shown = ", ".join(f"{_plain(a)} and {_plain(b)}" for a, b in pairs[:EXAMPLES])
    more = f", and {len(pairs) - EXAMPLES:,} more" if len(pairs) > EXAMPLES else ""
    counted = "1 pair of ids differs" if len(pairs) == 1 else f"{len(pairs):,} pairs of ids differ"
    remedy = "They are kept apart; if two mean the same, write them alike in the source."
    return [f"{column}: {counted} only by {DIFFERENCES}: {shown}{more}. {remedy}"]


def as_pandas(table: pa.Table, columns: Container[str] | None = None) -> pd.DataFrame:
    """Return an Arrow table whose whole numbers stay whole beside a missing one, where pandas takes floats.

    Args:
        table: columns and their types.
        columns: those that must stay whole; none: all of them.
    """
    import pyarrow as pa

    frame = table.to_pandas()
    for place, field in enumerate(table.schema):
        kept = columns is None or field.name in columns
        if kept and pa.types.is_integer(field.type) and table.column(place).null_count:
            exact = table.column(place).to_pandas(integer_object_nulls=True)
            nullable = str(field.type).replace("int", "Int").replace("u", "U")
            frame[field.name] = pd.array(exact, dtype=nullable)
    return frame


def _written(value: Any) -> str:
    """Return a value as a person would write it; a whole number loses the ``.0`` of a missing neighbour."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _exact_below(values: pd.Series) -> float:
    """Return the size from which a floating-point column skips whole numbers: 2**53 in double precision."""
    dtype = getattr(values.dtype, "numpy_dtype", values.dtype)
    bits = np.finfo(dtype if isinstance(dtype, np.dtype) and dtype.kind == "f" else np.float64).nmant
    return float(2 ** (int(bits) + 1))


def _inexact(distinct: Iterable[Any], exact: float) -> np.ndarray:
    """Mark floating-point numbers too large to tell whole numbers apart (distinct,)."""
    marks = [isinstance(value, float | np.floating) and abs(float(value)) >= exact for value in distinct]
    return np.array(marks, dtype=bool)


def _plain(text: str) -> str:
    """Return an id in quotes, with letters beyond ASCII spelled out where its form would not show."""
    return repr(text) if unicodedata.is_normalized("NFC", text) else ascii(text)


def _marks(distinct: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the mark of every row, false where the value is missing (rows,)."""
    return np.append(distinct, False)[codes]  # code -1 is the last one


def _spread(distinct: pd.Series, codes: np.ndarray, values: pd.Series) -> pd.Series:
    """Return the text of every row (rows,)."""
    return pd.Series(distinct.array.take(codes, allow_fill=True), index=values.index, name=values.name)
