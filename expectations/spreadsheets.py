"""Text that a spreadsheet would run as a formula: made harmless in CSV, restored when it is read back.

A cell that begins with ``=``, ``+``, ``-`` or ``@`` gets an apostrophe in front, the mark of text. So does a
cell that begins with such a mark already: reading then takes off exactly what writing put on.
https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import pandas as pd

FORMULA = r"^(?='*[=+\-@\t\r])"
MARKED = r"^'(?='*[=+\-@\t\r])"


def neutral(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table for CSV, no text of which a spreadsheet runs."""
    return table.assign(
        **{
            name: table[name].str.replace(FORMULA, "'", regex=True)
            for name in table.columns
            if _text(table[name])
        }
    )


def restored(values: pd.Series) -> pd.Series:
    """Return text as it was before ``neutral``."""
    return values.str.replace(MARKED, "", regex=True)


def _text(values: pd.Series) -> bool:
    return pd.api.types.is_string_dtype(values)
