"""Truth values: a promotion that is on or off, in the words of databases, spreadsheets and people."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

log = logging.getLogger("repricer")

WORDS = {"1": ("true", "t", "yes", "y", "on"), "0": ("false", "f", "no", "n", "off")}
MEANING = {word: number for number, words in WORDS.items() for word in words}


def shares(values: pd.Series, name: str) -> pd.Series:
    """Return a promotion with 1 for true, 0 for false and nothing for unknown; other cells as they stand.

    Args:
        values: column of the source.
        name: column of the sales table, for the log.
    """
    if pd.api.types.is_bool_dtype(values.dtype):
        return values.astype("Float64").astype("float64")
    if pd.api.types.is_numeric_dtype(values):
        return values
    codes, cells = pd.factorize(values)
    words = [str(cell).strip().lower() for cell in cells]
    truths = sorted({str(cell) for cell, word in zip(cells, words, strict=True) if word in MEANING})
    if not truths:
        return values
    log.info("%s: %s read as 1 (on) and 0 (off)", name, ", ".join(truths))
    numbers = [MEANING.get(word, cell) for word, cell in zip(words, cells, strict=True)]
    cells_and_unknown = np.array([*numbers, None], dtype=object)  # a missing cell has the code -1
    return pd.Series(cells_and_unknown[codes], index=values.index)
