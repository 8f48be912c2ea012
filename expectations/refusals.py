"""A source that is refused: every broken rule with its place, the value found there, and the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import ROW

FILE = "file"  # origin of a row, together with ROW
EXAMPLES = 5  # rows shown per broken rule


@dataclass(frozen=True, kw_only=True)
class Breach:
    """A broken rule.

    Attributes:
        column: column of the sales table.
        rule: what must hold.
        remedy: what the user can do.
        cells: where it does not hold, as ``sales.csv, row 3`` and the value; at most ``EXAMPLES``.
        count: how often it does not hold (rows).
    """

    column: str
    rule: str
    remedy: str
    cells: tuple[tuple[str, str], ...]
    count: int

    def __str__(self) -> str:
        """Return a line per example, and one for those not shown."""
        lines = [
            f"{where}, column {self.column}: {value.rstrip('.')}. Rule: {self.rule}. Remedy: {self.remedy}."
            for where, value in self.cells
        ]
        hidden = self.count - len(self.cells)
        if hidden > 0:
            lines.append(f"column {self.column}: {hidden:,} more rows break the rule: {self.rule}.")
        return "\n".join(lines)


class DataError(ValueError):
    """A source that is refused; the message lists every broken rule."""

    def __init__(self, breaches: Sequence[Breach]) -> None:
        """Join the breaches, a line each where one suffices."""
        super().__init__("\n".join(["the data is refused:", *map(str, breaches)]))
        self.breaches = tuple(breaches)

    def __reduce__(self) -> tuple[type[DataError], tuple[tuple[Breach, ...]]]:
        """Travel between processes as its breaches, not as their text."""
        return DataError, (self.breaches,)


def refusal(column: str, where: str, value: str, rule: str, remedy: str) -> DataError:
    """Return the error of one rule broken in one place."""
    return DataError(
        [Breach(column=column, rule=rule, remedy=remedy, cells=((where, value),), count=1)],
    )


def broken(
    frame: pd.DataFrame,
    rows: pd.Series | np.ndarray,
    column: str,
    rule: str,
    remedy: str,
    *,
    shown: Any = None,
) -> list[Breach]:
    """Return the breach of the marked rows, or nothing where none is marked.

    Args:
        frame: rows with their origin.
        rows: marks of the rows that break the rule (rows,).
        column: column that the rule is about.
        rule: what must hold.
        remedy: what the user can do.
        shown: values to show instead of ``frame[column]`` (rows,).
    """
    marked = np.flatnonzero(rows)
    if not len(marked):
        return []
    values = frame[column] if shown is None else pd.Series(shown, index=frame.index)
    cells = tuple(
        (f"{frame[FILE].iloc[i]}, row {frame[ROW].iloc[i]}", _text(values.iloc[i])) for i in marked[:EXAMPLES]
    )
    return [Breach(column=column, rule=rule, remedy=remedy, cells=cells, count=len(marked))]


def _text(value: Any) -> str:
    return "(empty)" if pd.isna(value) else repr(value) if isinstance(value, str) else f"{value}"
