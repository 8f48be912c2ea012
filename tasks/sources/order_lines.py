"""Order lines: equal ones are sales unless a number says otherwise, and a day's lines become one row."""

from __future__ import annotations

import pandas as pd

from expectations.columns import DATE, KEY, LINE, NUMERIC, ORDER, PRICE, ROW, STOCK, UNITS, promotions
from expectations.refusals import EXAMPLES, FILE, Breach

COPY = "copy"  # equal in two rows where one is a copy of the other
INSTANT = "instant"  # UTC time of a line
LINE_COLUMNS = [INSTANT, ORDER, LINE]  # columns that only order lines have
OVERLAP = (
    0.5  # share of a file's lines of a day that equal lines of another file, above which it is their copy
)
LEAST_LINES = 10  # of a day, from which that share says something


def fingerprint(raw: pd.DataFrame) -> pd.Series:
    """Return a number that only copies of a line share, over all columns of the source (rows,)."""
    return pd.util.hash_pandas_object(raw.astype(str), index=False)


def without_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without the copies of numbered lines, the first kept, and without their marks."""
    if COPY not in frame:
        return frame
    return frame[~(frame.duplicated(COPY) & frame[COPY].notna())].drop(columns=COPY)


def overlapping_files(frame: pd.DataFrame) -> list[Breach]:
    """Return the files that hold the same days as others, line by line: added up, they would count twice.

    Args:
        frame: lines with a time of day and without numbers, of several files.
    """
    content = [name for name in frame.columns if name not in (FILE, ROW)]
    first = frame.groupby(pd.util.hash_pandas_object(frame[content], index=False))[FILE].transform("first")
    again = (first != frame[FILE]).groupby([frame[FILE], frame[DATE]])
    days = again.agg(["mean", "size"]).reset_index()
    copied = days[(days["mean"] > OVERLAP) & (days["size"] >= LEAST_LINES)]
    if copied.empty:
        return []
    cells = []
    for file, part in copied.groupby(FILE):
        days_of_file = f"{len(part)} days, {part[DATE].min():%Y-%m-%d} to {part[DATE].max():%Y-%m-%d}"
        cells.append((str(file), f"{days_of_file}, as in other files"))
    rule = "order lines without a number stand in one file, for equal lines are added up"
    remedy = "take the days out of one file, or map a number with --set source.columns.order_id=NAME"
    return [Breach(column=DATE, rule=rule, remedy=remedy, cells=tuple(cells[:EXAMPLES]), count=len(cells))]


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
