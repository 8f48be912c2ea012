"""Reading the sales of a source, whatever its kind: the embedded data, files, or a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import ROW
from expectations.refusals import FILE, refusal
from tasks.sources import completejourney, files, sql
from tasks.sources.forms import Form, form_of
from tasks.sources.mapping import Lines
from tasks.sources.names import check_mapping


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the sales come from, and how the columns are called there.

    Attributes:
        kind: ``completejourney`` (embedded), ``file`` or ``sql``.
        path: file or folder of ``file``.
        query: query of ``sql``.
        url_variable: name of the environment variable with the SQLAlchemy URL of ``sql``.
        columns: name in the sales table -> name in the source, where they differ.
        period: ``D`` for days, ``W`` for weeks (``completejourney``).
        by_store: keep stores apart (``completejourney``).
        products: at most this many products (``completejourney``).
        time_zone: IANA zone in which time stamps become local dates.
        csv: fields of ``CsvForm``.
        wide: fields of ``WideForm``.
        sheet: sheet of a workbook; none: the first.
        skip_rows: rows above the header; none: detected (rows).
    """

    kind: str
    path: str | None
    query: str | None
    url_variable: str
    columns: Mapping[str, str]
    period: str
    by_store: bool
    products: int
    time_zone: str | None
    csv: Mapping[str, Any] = field(default_factory=dict)
    wide: Mapping[str, Any] = field(default_factory=dict)
    sheet: str | None = None
    skip_rows: int | None = None

    @property
    def form(self) -> Form:
        """Return how the files are written."""
        return form_of(self.csv, self.wide, self.sheet, self.skip_rows)

    @property
    def name(self) -> str:
        """Return what people call the source: its kind, or the name of its file."""
        return Path(self.path).name if self.kind == "file" and self.path else self.kind


def read(source: Source) -> Lines:
    """Return the rows of a source, typed, with their origin.

    Raises:
        DataError: the source is not what the settings say, or a name of a column is unknown.
        UnreachableError: the database does not answer.
    """
    check_mapping(source.columns)
    if source.kind == "file":
        return files.read(path_of(source), source.columns, source.time_zone, source.form)
    if source.kind == "sql":
        return sql.read(source.url_variable, source.query, source.columns, source.time_zone)
    return _embedded(source)


def path_of(source: Source) -> Path:
    """Return the path of a source of files.

    Raises:
        DataError: the settings name none.
    """
    if not source.path:
        rule, remedy = "source.kind=file has a path", "name a file or folder with --data"
        raise refusal("(all)", "source.path", "none", rule, remedy)
    return Path(source.path)


def _embedded(source: Source) -> Lines:
    sales = completejourney.read(source.period, source.by_store, source.products)
    sales[FILE] = pd.Series(source.kind, index=sales.index, dtype="str")
    sales[ROW] = np.arange(1, len(sales) + 1)
    return Lines(
        frame=sales, breaches=(), stamped=False, rows=len(sales), repeated=0, ignored=(), complete=True
    )
