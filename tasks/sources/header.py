"""The header of a file: where it is, and whether its names can be those of a sales table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from expectations.columns import REQUIRED
from expectations.refusals import DataError, refusal

LOOKED_AT = 20  # rows at the top of a file among which the header is sought
MOST_COLUMNS = 10_000  # of any sales table, a column for every day included
TITLE = "the first row names the columns"


def header_row(
    rows: Sequence[Sequence[str]], columns: Mapping[str, str], skip_rows: int | None
) -> int | None:
    """Return the position of the first row that holds every required name, or none where no row does.

    Args:
        rows: cells at the top of the file.
        columns: name in the sales table -> name in the source, where they differ.
        skip_rows: position of the header, where the settings say it (rows).
    """
    sought = {columns.get(name, name) for name in REQUIRED}
    if skip_rows is not None:
        return skip_rows if skip_rows < len(rows) and sought <= set(rows[skip_rows]) else None
    return next((position for position, row in enumerate(rows) if sought <= set(row)), None)


def first_row(rows: Sequence[Sequence[str]], name: str, skip_rows: int | None) -> int:
    """Return the position of the row to take as the header where no row holds every required name.

    Raises:
        DataError: there is no row, or it is a title.
    """
    filled = [position for position, row in enumerate(rows) if any(row) and position >= (skip_rows or 0)]
    if not filled:
        rule = "the source has a header and rows"
        raise refusal("(all)", name, "the file is empty", rule, "check the export")
    first = filled[0]
    width = {position: sum(map(bool, rows[position])) for position in filled}
    if skip_rows is None and width[first] == 1 and any(width[position] > 2 for position in filled):
        header = next(position for position in filled if width[position] > 2)
        title = next(cell for cell in rows[first] if cell)
        remedy = f"name the rows above the header with --set source.skip_rows={header}"
        raise refusal("(all)", name, f"the first row is a title: {title!r}", TITLE, remedy)
    return first


def checked(names: Sequence[str], name: str) -> list[str]:
    """Return the names of the columns.

    Raises:
        DataError: a name stands twice, or there are more columns than any sales table has.
    """
    if len(names) > MOST_COLUMNS:
        problem = f"{len(names):,} columns: {', '.join(map(repr, names[:3]))} and so on"
        rule = f"a table has at most {MOST_COLUMNS:,} columns"
        raise refusal("(all)", name, problem, rule, "export one row per product and day")
    twice = sorted(column for column, count in Counter(names).items() if count > 1)
    if twice:
        raise _named_twice(twice, name)
    return list(names)


def _named_twice(names: Sequence[str], file: str) -> DataError:
    rule = "every column has a name of its own"
    return refusal(", ".join(names), file, "named twice in the header", rule, "rename one of them")
