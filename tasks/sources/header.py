"""The header of a file: the row that names the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from expectations.columns import REQUIRED
from expectations.refusals import refusal

LOOKED_AT = 20  # rows at the top of a file among which the header is sought
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
