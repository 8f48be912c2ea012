"""Text that a spreadsheet would run as a formula: made harmless in CSV, restored when it is read back.

A cell that begins with ``=``, ``+``, ``-`` or ``@``, as wide signs too, or with a tab or a new line, gets an
apostrophe in front, the mark of text. So does a cell that begins with such a mark already: reading then takes
off exactly what writing put on. Numbers stay numbers, and Parquet stays exact.
https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

SIGNS = r"[=+\-@\t\r\n" + "\uff1d\uff0b\uff0d\uff20]"
FORMULA = re.compile(rf"^(?='*{SIGNS})")
MARKED = re.compile(rf"^'(?='*{SIGNS})")
FORMULA_ARROW = (rf"\A('*{SIGNS})", r"'\1")
MARKED_ARROW = (rf"\A'('*{SIGNS})", r"\1")
"""The same as a pattern and its replacement for Arrow, whose expressions cannot look ahead."""


def neutral(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table for CSV, no text and no name of a column of which a spreadsheet runs."""
    harmless = {name: _harmless(table[name]) for name in table.columns if not _numeric(table[name])}
    return table.assign(**harmless).rename(columns=_marked)


def restored(values: pd.Series) -> pd.Series:
    """Return text as it was before ``neutral``."""
    return values.str.replace(MARKED, "", regex=True)


def _harmless(values: pd.Series) -> pd.Series:
    """Return values with marks before texts; anything else among them stays as it is."""
    if pd.api.types.is_string_dtype(values):
        return values.str.replace(FORMULA, "'", regex=True)
    return values.astype(object).map(_marked)


def _marked(value: Any) -> Any:
    return FORMULA.sub("'", value) if isinstance(value, str) else value


def _numeric(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values)
