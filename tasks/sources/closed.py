"""Days on which a shop was closed: their rows say nothing of demand and are left out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import OPEN, UNITS
from expectations.refusals import Breach, broken

MARKS = {"1": 1.0, "1.0": 1.0, "true": 1.0, "0": 0.0, "0.0": 0.0, "false": 0.0, "": np.nan}


def open_marks(values: pd.Series, frame: pd.DataFrame) -> tuple[pd.Series, list[Breach]]:
    """Return 1 where the shop was open, 0 where it was closed, nan where that is not known.

    Args:
        values: 0 and 1, booleans, or either of them as text (rows,).
        frame: rows with their origin.
    """
    text = values.astype(object).where(values.notna(), "").astype(str).str.strip()
    marks = text.str.lower().map(MARKS)
    rule, remedy = "open is 1 or 0, true or false", "mend the mark; leave it empty if unknown"
    return marks, broken(frame, ~text.str.lower().isin(MARKS), OPEN, rule, remedy, shown=text)


def sold_while_closed(frame: pd.DataFrame) -> list[Breach]:
    """Return the rows of closed shops with units."""
    if OPEN not in frame or UNITS not in frame:
        return []
    marked = (frame[OPEN] == 0) & (frame[UNITS] > 0)
    shown = "open 0 and units " + frame[UNITS].astype(str)
    remedy = "mend the mark or the units"
    return broken(frame, marked, OPEN, "a closed shop sells nothing", remedy, shown=shown)


def without_closed(lines: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of shops that were open, or may have been, and the rows of closed ones."""
    if OPEN not in lines:
        return lines, lines.head(0)
    closed = lines[OPEN] == 0
    rest = lines.drop(columns=OPEN)
    return rest[~closed], rest[closed]
