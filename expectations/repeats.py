"""The rules of rows that share a key: one row per product, store and date."""

from __future__ import annotations

from typing import Any

import pandas as pd

from expectations.columns import DATE, KEY, PRODUCT, ROW, STORE
from expectations.refusals import EXAMPLES, FILE, Breach

LARGEST_SHARE = 0.05  # of equal rows within a file, above which they are no slip (share of rows)
SUM = "where rows are the order lines of a day, sum them with --set source.sum_lines=true"


def equal_rows(lines: pd.DataFrame) -> pd.Series:
    """Mark the rows that equal an earlier one (rows,)."""
    return lines.duplicated(_content(lines))


def too_many_equal(lines: pd.DataFrame, repeats: pd.Series) -> list[Breach]:
    """Return the breach of a file in which many rows equal another: they may well be sales.

    A table in which every row stands equally often was loaded several times: these are copies.

    Args:
        lines: rows of the sales table with ``file`` and ``row``.
        repeats: marks of the rows that equal an earlier one, of any file (rows,).
    """
    if repeats.mean() <= LARGEST_SHARE:
        return []
    again = lines.duplicated([*_content(lines), FILE])
    times = lines.groupby(_content(lines), dropna=False).size()
    if again.mean() <= LARGEST_SHARE or times.min() == times.max():
        return []
    shown = lines[again].head(EXAMPLES)
    cells = tuple(
        (f"{file}, row {row}", "equals an earlier row")
        for file, row in zip(shown[FILE], shown[ROW], strict=True)
    )
    rule = f"one row per date, product_id and store_id; at most {LARGEST_SHARE:.0%} of the rows are copies"
    remedy = f"{SUM}; otherwise delete the copies"
    return [Breach(column="+".join(KEY), rule=rule, remedy=remedy, cells=cells, count=int(again.sum()))]


def conflicting_rows(rows: pd.DataFrame) -> list[Breach]:
    """Return the keys that have two values, both rows of each shown."""
    if any(name not in rows for name in KEY):
        return []
    again = rows[rows.duplicated(KEY) & rows[[DATE, PRODUCT]].notna().all(axis=1)]
    first = again[KEY].head(EXAMPLES).merge(rows.drop_duplicates(KEY), on=KEY)
    values = [name for name in rows.columns if name not in (*KEY, FILE, ROW)]
    cells = tuple(
        _pair(a, b, values)
        for a, b in zip(first.to_dict("records"), again.head(EXAMPLES).to_dict("records"), strict=True)
    )
    rule = "one row per date, product_id and store_id"
    remedy = f"delete one of the two rows, or map a store_id that tells them apart; {SUM}"
    breach = Breach(column="+".join(KEY), rule=rule, remedy=remedy, cells=cells, count=len(again))
    return [breach] if cells else []


def _content(lines: pd.DataFrame) -> list[str]:
    """Return the columns without the origin."""
    return [name for name in lines.columns if name not in (FILE, ROW)]


def _pair(a: dict[Any, Any], b: dict[Any, Any], values: list[str]) -> tuple[str, str]:
    """Return where two rows of one key are, and in what they differ."""
    differing = [
        name for name in values if not (a[name] == b[name] or (pd.isna(a[name]) and pd.isna(b[name])))
    ]
    first, second = (", ".join(f"{name} {row[name]}" for name in differing) for row in (a, b))
    key = f"{a[DATE]:%Y-%m-%d} {a[PRODUCT]!r} {a[STORE]!r}"
    return f"{a[FILE]}, row {a[ROW]} and {b[FILE]}, row {b[ROW]}", f"{key} has {first} and {second}"
