"""How the files of a source are written, as far as the settings say; what they leave open is detected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, kw_only=True)
class CsvForm:
    """How text is written; none: detected, and refused where two readings are possible.

    Attributes:
        separator: sign between cells.
        decimal: sign before the decimals.
        date_format: order of day, month and year, such as ``dd.mm.yyyy``.
        encoding: name of the encoding, as Python knows it.
    """

    separator: str | None = None
    decimal: str | None = None
    date_format: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, kw_only=True)
class WideForm:
    """What a table with a column for every day holds.

    Attributes:
        values: column of the sales table that the day columns hold; none: a wide table is refused.
        first_date: date of ``d_1``; needed where columns are numbered.
    """

    values: str | None = None
    first_date: date | None = None


@dataclass(frozen=True, kw_only=True)
class Form:
    """How files are written.

    Attributes:
        csv: text.
        wide: tables with a column for every day.
        sheet: sheet of a workbook; none: the first.
        skip_rows: rows above the header; none: the header is the first row with the sought names (rows).
    """

    csv: CsvForm = field(default_factory=CsvForm)
    wide: WideForm = field(default_factory=WideForm)
    sheet: str | None = None
    skip_rows: int | None = None


def form_of(
    csv: Mapping[str, Any], wide: Mapping[str, Any], sheet: str | None, skip_rows: int | None
) -> Form:
    """Return a form from the fields of its parts."""
    return Form(csv=CsvForm(**csv), wide=WideForm(**wide), sheet=sheet, skip_rows=skip_rows)
