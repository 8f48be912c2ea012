"""Order lines: equal ones are sales unless a number says otherwise, and a day's lines become one row."""

from __future__ import annotations

import pandas as pd

from expectations.columns import KEY, LINE, NUMERIC, ORDER, PRICE, STOCK, UNITS, promotions

COPY = "copy"  # equal in two rows where one is a copy of the other
INSTANT = "instant"  # UTC time of a line
LINE_COLUMNS = [INSTANT, ORDER, LINE]  # columns that only order lines have


def fingerprint(raw: pd.DataFrame) -> pd.Series:
    """Return a number that only copies of a line share, over all columns of the source (rows,)."""
    return pd.util.hash_pandas_object(raw.astype(str), index=False)


def without_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without the copies of numbered lines, the first kept, and without their marks."""
    if COPY not in frame:
        return frame
    return frame[~(frame.duplicated(COPY) & frame[COPY].notna())].drop(columns=COPY)


def summed(lines: pd.DataFrame) -> pd.DataFrame:
    """Sum lines to one row per product, store and local date.

    Units add up; numbers per unit and promotions are means weighted by units. Stock and text are those of the
    earliest line, among lines of one time that with the most stock: the day's other lines came later.
    """
    rows = lines.sort_values([*KEY, UNITS, PRICE], ignore_index=True)  # sums of floats depend on the order
    weight = rows[UNITS].where(rows[UNITS] > 0, 0.0)
    groups = rows.groupby(KEY, sort=True)
    result = _earliest(rows)
    result[UNITS] = groups[UNITS].sum()
    for name in [n for n in (*NUMERIC, *promotions(rows.columns)) if n in rows and n not in (UNITS, STOCK)]:
        known = weight.where(rows[name].notna(), 0.0)
        amount = (rows[name] * known).groupby([rows[key] for key in KEY]).sum()
        total = known.groupby([rows[key] for key in KEY]).sum()
        result[name] = (amount / total).where(total > 0, groups[name].mean())
    return result.reset_index()[[name for name in lines.columns if name not in LINE_COLUMNS]]


def _earliest(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the first known value of each column by time, a row per key."""
    by_time = {name: ascending for name, ascending in ((INSTANT, True), (STOCK, False)) if name in rows}
    if by_time:
        rows = rows.sort_values(
            [*KEY, *by_time], ascending=[True] * len(KEY) + [*by_time.values()], kind="stable"
        )
    return rows.groupby(KEY, sort=True).first()
