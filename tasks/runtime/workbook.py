"""A table as an Excel workbook that a person reads: bold header that stays, filters, widths, formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

LEAST_WIDTH, MOST_WIDTH = 9, 60  # of a column (characters)
SPARE = 2  # characters beside a text, for the filter's button among them


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
    for column, (name, look) in enumerate(zip(table, shown, strict=True), start=1):
        cell = sheet.cell(1, column, look.heading)
        cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        longest = max(_fill(sheet, column, table[name], look.format), *map(len, look.heading.split()))
        width = min(max(longest + SPARE, LEAST_WIDTH), MOST_WIDTH)
        sheet.column_dimensions[cell.column_letter].width = width
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    _fit_to_paper(sheet)
    workbook.save(path)


def _fill(sheet: Any, column: int, values: pd.Series, shape: str | None) -> int:
    """Write the cells of a column and return the characters of the longest text."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    longest = 0
    for row, value in enumerate(values.array, start=2):
        if pd.isna(value):
            continue
        cell = sheet.cell(row, column)
        if isinstance(value, str):
            cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
            cell.data_type = "s"  # a text that begins with "=" is no formula
            longest = max(longest, len(value))
        else:
            cell.value = value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
        if shape:
            cell.number_format = shape
    return longest


def _fit_to_paper(sheet: Any) -> None:
    """Print on landscape pages of one width, with the header on each."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"
