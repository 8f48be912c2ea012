"""Workbooks (``.xlsx``): one sheet, its header found below titles, its cells as the text they mean."""

from __future__ import annotations

import datetime as dt
import logging
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from expectations.columns import TEXT
from expectations.refusals import EXAMPLES, Breach, DataError, refusal
from tasks.sources.forms import Form
from tasks.sources.header import LOOKED_AT, first_row, header_row
from tasks.sources.names import check_header

log = logging.getLogger("repricer")

RULE = "an .xlsx file is an Excel workbook"
MOST_DIGITS = 15  # that Excel keeps of a number


def read(file: Path, name: str, columns: Mapping[str, str], form: Form, *, most: int | None) -> pa.Table:
    """Return the cells of a sheet as text: dates in ISO, whole numbers without decimals, empty cells empty.

    Args:
        file: workbook.
        name: name for messages.
        columns: name in the sales table -> name in the source, where they differ.
        form: what the settings say.
        most: return at most so many rows of its beginning; none: all (rows).

    Raises:
        DataError: no workbook, no such sheet, no header, or ids of more digits than Excel keeps.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with file.open("rb") as stream:
            workbook = load_workbook(stream, read_only=True, data_only=True)
            sheet = workbook[_sheet_name(workbook.sheetnames, name, form.sheet)]
            sheet.reset_dimensions()  # some exports state a wrong size
            rows = sheet.iter_rows(values_only=True)
            return _table(rows, name, columns, form, most)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        problem = str(error).strip("'\"").splitlines()[0].rstrip(".")
    raise refusal("(all)", name, problem, RULE, "save it again as .xlsx, or export CSV")


def _sheet_name(names: Sequence[str], file: str, given: str | None) -> str:
    if given is None:
        if len(names) > 1:
            log.info(
                "read the first sheet of %s, %r, of %d; source.sheet names another",
                file,
                names[0],
                len(names),
            )
        return names[0]
    if given not in names:
        rule, remedy = (
            "source.sheet is a sheet of the workbook",
            f"set source.sheet to one of {', '.join(names)}",
        )
        raise refusal("(all)", file, f"no sheet {given!r}", rule, remedy)
    return given


def _table(
    rows: Iterable[Sequence[Any]], name: str, columns: Mapping[str, str], form: Form, most: int | None
) -> pa.Table:
    """Return a sheet's rows below its header."""
    cells = iter(rows)
    kept = list(islice(cells, LOOKED_AT))
    top = [[_text(cell).strip() for cell in row] for row in kept]
    position = header_row(top, columns, form.skip_rows)
    if position is None:
        position = first_row(top, name, form.skip_rows)
    if position:
        log.info("read %s from row %d: the header stands there", name, position + 1)
    header = top[position]
    body = [*kept[position + 1 :], *islice(cells, most)]
    body = [row for row in body if any(cell is not None and cell != "" for cell in row)]
    width = max([len(header), *map(len, body)])
    header = [*header, *[""] * (width - len(header))]
    by_column = list(zip(*(_filled(row, width) for row in body), strict=True)) or [()] * width
    used = [i for i, column in enumerate(header) if column or any(cell is not None for cell in by_column[i])]
    names = [header[i] or f"(column {i + 1})" for i in used]
    check_header(names, name)
    _check_digits({column: by_column[i] for column, i in zip(names, used, strict=True)}, name, columns)
    return pa.table([pa.array(map(_text, by_column[i]), pa.string()) for i in used], names=names)


def _filled(row: Sequence[Any], width: int) -> tuple[Any, ...]:
    return (*row, *[None] * (width - len(row)))


def _text(cell: Any) -> str:
    """Return what a cell means as text."""
    if cell is None:
        return ""
    if isinstance(cell, dt.datetime):
        midnight = cell.time() == dt.time()
        return cell.date().isoformat() if midnight else cell.isoformat(timespec="seconds")
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 10**MOST_DIGITS:
        return str(int(cell))
    return str(cell)


def _check_digits(cells: Mapping[str, Sequence[Any]], name: str, columns: Mapping[str, str]) -> None:
    """Refuse ids that Excel kept as numbers and cut to 15 digits."""
    for column in TEXT:
        values = cells.get(columns.get(column, column), ())
        marked = [
            row
            for row, cell in enumerate(values)
            if isinstance(cell, int | float) and abs(cell) >= 10**MOST_DIGITS
        ]
        if marked:
            shown = tuple((f"{name}, row {row + 1}", repr(values[row])) for row in marked[:EXAMPLES])
            rule = f"Excel keeps {MOST_DIGITS} digits of a number: a longer id is text"
            remedy = "format the column as text before the ids are entered, or export CSV from their source"
            raise DataError([Breach(column=column, rule=rule, remedy=remedy, cells=shown, count=len(marked))])
