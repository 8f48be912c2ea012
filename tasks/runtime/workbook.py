"""A table as an Excel workbook that a person reads: bold header that stays, filters, widths, formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas as pd

LEAST_WIDTH, MOST_WIDTH = 9, 60  # of a column (characters); a longer text goes on in the next line
DATE_WIDTH = 10  # of 2026-01-31 (characters)
SPARE = 2  # characters beside a text, for the filter's button among them
LINE = 15.0  # height of a line of text (points)


@dataclass(frozen=True)
class Look:
    """How a column looks: its heading, and the number format of Excel; none: as Excel takes it."""

    heading: str
    format: str | None = None


def write_workbook(table: pd.DataFrame, path: Path, looks: Mapping[str, Look], title: str) -> None:
    """Write a table as the only sheet of a workbook; text stays text, whatever it begins with.

    Args:
        table: a row per line of the sheet.
        path: file.
        looks: of the columns by their name; others keep their name.
        title: of the sheet.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font

    workbook = Workbook()
    sheet = workbook.active
    sheet.title = title
    shown = [looks.get(str(name), Look(str(name))) for name in table]
    lines = 1
    for column, (name, look) in enumerate(zip(table, shown, strict=True), start=1):
        cell = sheet.cell(1, column, look.heading)
        cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        longest = max(_fill(sheet, column, table[name], look.format), *map(len, look.heading.split()))
        width = min(max(longest + SPARE, LEAST_WIDTH), MOST_WIDTH)
        sheet.column_dimensions[cell.column_letter].width = width
        lines = max(lines, len(wrap(look.heading, width - SPARE)))
    sheet.row_dimensions[1].height = LINE * lines
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    _fit_to_paper(sheet)
    workbook.save(path)


def _fill(sheet: Any, column: int, values: pd.Series, shape: str | None) -> int:
    """Write the cells of a column and return the characters of the longest text."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Alignment

    longest = 0
    short, long = Alignment(vertical="top"), Alignment(vertical="top", wrap_text=True)
    for row, value in enumerate(values.array, start=2):
        if pd.isna(value):
            continue
        cell = sheet.cell(row, column)
        cell.alignment = short
        if isinstance(value, str):
            cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
            cell.data_type = "s"  # a text that begins with "=" is no formula
            if len(value) + SPARE > MOST_WIDTH:
                cell.alignment = long
                sheet.row_dimensions[row].height = LINE * len(wrap(value, MOST_WIDTH - SPARE))
            longest = max(longest, len(value))
        elif isinstance(value, pd.Timestamp):
            cell.value, longest = value.to_pydatetime(), max(longest, DATE_WIDTH)
        else:
            cell.value = value
        if shape:
            cell.number_format = shape
    return longest


def _fit_to_paper(sheet: Any) -> None:
    """Print on landscape pages of one width, with the header on each."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"
