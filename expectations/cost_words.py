"""A unit cost in words, with the day from which it is known: lists name the cost that decided a price."""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import UNIT_COST

COST_DATE = "cost_date"  # day from which the cost is known, missing where none is or it is assumed
COST_ASSUMED = "cost_assumed"  # bool; the unit cost is that of a stated margin


def with_cost_words(reasons: np.ndarray, products: pd.DataFrame, rows: np.ndarray | pd.Series) -> np.ndarray:
    """Return reasons that name the unit cost of some rows at their end, once (rows,), text.

    Args:
        reasons: sentences (rows,).
        products: with ``unit_cost`` (currency/unit) and, where they are known, ``cost_date`` and
            ``cost_assumed``; without costs nothing is named.
        rows: whose cost decided (rows,), bool.
    """
    if UNIT_COST not in products:
        return reasons
    named = np.flatnonzero(np.asarray(rows) & products[UNIT_COST].notna().to_numpy())
    cost = products[UNIT_COST].to_numpy(float)[named]
    date = _column(products, COST_DATE, pd.NaT)[named]
    assumed = _column(products, COST_ASSUMED, False)[named]
    words = reasons.astype(object)
    known = zip(words[named], map(_words, cost, date, assumed), strict=True)
    words[named] = [text if text.endswith(word) else f"{text} {word}".strip() for text, word in known]
    return words


def _words(cost: float, date: pd.Timestamp, assumed: bool) -> str:
    if assumed:
        return f"Unit cost {cost:.10g}, by the assumed margin."
    return f"Unit cost {cost:.10g}." if pd.isna(date) else f"Unit cost {cost:.10g} of {date:%Y-%m-%d}."


def _column(products: pd.DataFrame, name: str, default: object) -> np.ndarray:
    return (products[name] if name in products else pd.Series(default, products.index)).to_numpy(object)
