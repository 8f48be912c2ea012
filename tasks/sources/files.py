"""Sales from files: text, Parquet or workbooks, one or every such file of a folder."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.ids import as_pandas
from expectations.refusals import Breach, DataError, refusal
from tasks.sources import delimited, wide, workbook
from tasks.sources.forms import Form
from tasks.sources.mapping import Lines, joined, lines_of
from tasks.sources.names import check_header
from tasks.sources.notation import Notation, rewritten
from tasks.sources.same_file import originals

log = logging.getLogger("repricer")

TEXT = (".csv", ".csv.gz", ".tsv")
USUAL = (".csv", ".parquet")  # of a folder; the others are read where it has none of these
SUFFIXES = (*TEXT, ".parquet", ".xlsx")
OTHER_WORKBOOKS = (".xls", ".xlsb", ".xlsm", ".ods")
PLAIN = ("utf-8", ",")  # encoding and separator of which nothing needs to be said
CHECK_PATH = "check the path given with --data"  # a remedy
SEPARATOR_NAMES = {"\t": "tab"}


def read(
    path: Path,
    columns: Mapping[str, str],
    time_zone: str | None,
    form: Form | None = None,
) -> Lines:
    """Return the rows of a file, or of all files of a folder in the order of their names.

    A file that holds the same bytes as an earlier one is left out; its rows are counted as repeated.

    Args:
        path: a file, or a folder of files.
        columns: name in the sales table -> name in the source, where they differ.
        time_zone: IANA zone in which time stamps become local dates.
        form: how files are written; what it leaves open is detected.

    Raises:
        DataError: there is no such file, or a file is not what its name says.
    """
    parts: dict[Path, Lines] = {}
    breaches: list[Breach] = []
    paths = files(path)
    copies = originals(paths)
    for file in [file for file in paths if file not in copies]:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        try:
            parts[file] = part(file, name, columns, time_zone, form=form or Form())
        except DataError as error:
            breaches += error.breaches
    if breaches:
        raise DataError([*breaches, *(breach for lines in parts.values() for breach in lines.breaches)])
    return joined([*parts.values(), *(_given_again(copy, file, parts) for copy, file in copies.items())])


def _given_again(copy: Path, file: Path, parts: Mapping[Path, Lines]) -> Lines:
    """Return the rows of a copied file: none of them counts a second time."""
    lines = parts[file]
    log.warning("%s holds the same bytes as %s: its %d rows are left out", copy.name, file.name, lines.rows)
    return replace(lines, frame=lines.frame.head(0), breaches=(), repeated=lines.rows, padded={})


def part(
    file: Path,
    name: str,
    columns: Mapping[str, str],
    time_zone: str | None,
    *,
    form: Form,
    most: int | None = None,
) -> Lines:
    """Return the rows of one file.

    Args:
        file: one file.
        name: name for messages.
        columns: name in the sales table -> name in the source, where they differ.
        time_zone: IANA zone in which time stamps become local dates.
        form: how the file is written.
        most: read at most so many rows of its beginning; none: all (rows).

    Raises:
        AmbiguousError: numbers or dates can be read in two ways.
        DataError: the file is not what its name says.
    """
    raw, mixed = _raw(file, name, columns, form, most)
    lines = lines_of(raw, name, columns, time_zone)
    return replace(lines, breaches=(*mixed, *lines.breaches))


def files(path: Path) -> list[Path]:
    """Return the files of a source.

    Raises:
        DataError: there is none.
    """
    if not path.exists():
        rule = "source.path is a file or a folder"
        raise refusal("(all)", str(path), "not found", rule, CHECK_PATH)
    if path.is_file():
        if _suffix(path) is None:
            rule = "a source is .csv, .csv.gz, .tsv, .parquet or .xlsx"
            workbook_of_others = path.suffix.lower() in OTHER_WORKBOOKS
            remedy = "save it as .xlsx or CSV" if workbook_of_others else "convert or rename the file"
            raise refusal("(all)", path.name, f"ends in {path.suffix!r}", rule, remedy)
        return [path]
    known = sorted(file for file in path.iterdir() if _suffix(file) and file.name[0] not in ".~")
    usual = [file for file in known if _suffix(file) in USUAL]
    if usual and len(usual) < len(known):
        left = ", ".join(file.name for file in known if file not in usual)
        log.info("left out of the folder, for it has .csv or .parquet files: %s", left)
    if not known:
        rule = "the folder holds the sales"
        raise refusal("(all)", str(path), "no .csv and no .parquet file", rule, CHECK_PATH)
    return usual or known


def _suffix(file: Path) -> str | None:
    return next((suffix for suffix in SUFFIXES if file.name.lower().endswith(suffix)), None)


def _raw(
    file: Path, name: str, columns: Mapping[str, str], form: Form, most: int | None
) -> tuple[pd.DataFrame, list[Breach]]:
    """Return the columns as the file calls them, with decimal points and ISO dates, and what was mixed."""
    suffix = _suffix(file)
    if suffix == ".parquet":
        return _parquet(file, name, columns, form, most), []
    layout = None
    if suffix in TEXT:
        layout = delimited.layout_of(file, name, columns, form, head=most is not None)
        days = _days(layout.header, name, columns, form)
        table = delimited.read(file, name, layout, most=most)
    else:
        table = workbook.read(file, name, columns, form, most=most)
        days = _days(table.column_names, name, columns, form)
    if days:
        table = wide.long(table, days, name, columns, form.wide)
    separator = layout.separator if layout else ","
    table, notation, mixed = rewritten(table, name, columns, form.csv, separator)
    if most is None:
        _say(name, layout, notation)
    return table.to_pandas(), mixed


def _days(names: list[str], name: str, columns: Mapping[str, str], form: Form) -> list[str]:
    """Return the day columns of a wide table that may be read; nothing of a long one."""
    days = wide.day_columns(names, columns)
    if days:
        wide.check(days, names, name, columns, form.wide)
    return days


def _say(name: str, layout: delimited.Layout | None, notation: Notation) -> None:
    """Log how a file was read where it is not plain: UTF-8, commas, decimal points, ISO dates."""
    parts = []
    if layout and (layout.encoding, layout.separator) != PLAIN:
        parts += [
            layout.encoding,
            f"separator {SEPARATOR_NAMES.get(layout.separator, repr(layout.separator))}",
        ]
    if layout and layout.skipped:
        parts.append(f"header below line {layout.skipped}")
    if parts or notation.decimal != ".":
        parts.append(f"decimal {notation.decimal!r}")
    if notation.date_format:
        parts.append(f"dates {notation.date_format}")
    if parts:
        log.info("read %s as %s", name, ", ".join(parts))


def _parquet(file: Path, name: str, columns: Mapping[str, str], form: Form, most: int | None) -> pd.DataFrame:
    try:
        with pq.ParquetFile(file) as source:
            names = source.schema_arrow.names
            check_header(names, name)
            days = _days(names, name, columns, form)
            batch = next(source.iter_batches(batch_size=most), None) if most else None
        table = pa.Table.from_batches([batch]) if batch else pq.read_table(file)
    except pa.ArrowInvalid as error:
        raise _no_parquet(name, str(error)) from None
    table = _decoded(table, name)
    return as_pandas(wide.long(table, days, name, columns, form.wide) if days else table)


def _decoded(table: pa.Table, name: str) -> pa.Table:
    """Return a table whose bytes are text, as writers without text types mean them."""
    for position, column in enumerate(table.schema):
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            try:
                table = table.set_column(position, column.name, table[column.name].cast(pa.string()))
            except pa.ArrowInvalid:
                rule, remedy = "bytes are text in UTF-8", "write the column as text"
                raise refusal(column.name, name, "bytes that are no text", rule, remedy) from None
    return table


def _no_parquet(name: str, problem: str) -> DataError:
    text = problem.splitlines()[0].rstrip(".")
    return refusal("(all)", name, text, "a .parquet file is Parquet", "export it again")
