"""Sales from CSV or Parquet: one file, or every such file of a folder."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from expectations.ids import as_pandas
from expectations.refusals import EXAMPLES, Breach, DataError, refusal
from tasks.sources.mapping import Lines, joined, lines_of
from tasks.sources.names import check_header
from tasks.sources.same_file import originals

log = logging.getLogger("repricer")

SUFFIXES = (".csv", ".parquet")
CSV_RULE = "a .csv file is UTF-8 text with commas"
CHECK_PATH = "check the path given with --data"  # a remedy


def read(path: Path, columns: Mapping[str, str], time_zone: str | None) -> Lines:
    """Return the rows of a file, or of all files of a folder in the order of their names.

    A file that holds the same bytes as an earlier one is left out; its rows are counted as repeated.

    Args:
        path: a ``.csv`` (comma, UTF-8, a header) or ``.parquet`` file, or a folder of them.
        columns: name in the sales table -> name in the source, where they differ.
        time_zone: IANA zone in which time stamps become local dates.

    Raises:
        DataError: there is no such file, or a file is not what its name says.
    """
    parts: dict[Path, Lines] = {}
    breaches: list[Breach] = []
    files = _files(path)
    copies = originals(files)
    for file in [file for file in files if file not in copies]:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        try:
            raw = _csv(file, name) if file.suffix.lower() == ".csv" else _parquet(file, name)
        except DataError as error:
            breaches += error.breaches
            continue
        parts[file] = lines_of(raw, name, columns, time_zone)
    if breaches:
        raise DataError([*breaches, *(breach for part in parts.values() for breach in part.breaches)])
    return joined([*parts.values(), *(_given_again(copy, file, parts) for copy, file in copies.items())])


def _given_again(copy: Path, file: Path, parts: Mapping[Path, Lines]) -> Lines:
    """Return the rows of a copied file: none of them counts a second time."""
    part = parts[file]
    log.warning("%s holds the same bytes as %s: its %d rows are left out", copy.name, file.name, part.rows)
    return replace(part, frame=part.frame.head(0), breaches=(), repeated=part.rows, padded={})


def _files(path: Path) -> list[Path]:
    if not path.exists():
        rule = "source.path is a file or a folder"
        raise refusal("(all)", str(path), "not found", rule, CHECK_PATH)
    if path.is_file() and path.suffix.lower() not in SUFFIXES:
        rule, remedy = "a source is .csv or .parquet", "convert or rename the file"
        raise refusal("(all)", path.name, f"ends in {path.suffix!r}", rule, remedy)
    files = (
        sorted(f for f in path.iterdir() if f.suffix.lower() in SUFFIXES and not f.name.startswith("."))
        if path.is_dir()
        else [path]
    )
    if not files:
        rule = "the folder holds the sales"
        raise refusal("(all)", str(path), "no .csv and no .parquet file", rule, CHECK_PATH)
    return files


def _csv(file: Path, name: str) -> pd.DataFrame:
    """Return the cells of a CSV as text, as they stand: ``NA`` is a name and ``007`` keeps its zeros."""
    header = _header(file, name)
    ragged: list[pc.InvalidRow] = []

    def note(row: pc.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    try:
        table = pc.read_csv(
            file,
            read_options=pc.ReadOptions(use_threads=False),  # threads lose the row numbers
            parse_options=pc.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
            convert_options=pc.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            raise _unreadable(name, str(error), CSV_RULE) from None
        table = pa.table({column: pa.array([], pa.string()) for column in header})
    if ragged:
        raise DataError([_ragged(ragged, name)])
    return table.to_pandas()


def _header(file: Path, name: str) -> list[str]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines), [])
    except UnicodeDecodeError as error:
        raise _unreadable(name, str(error), CSV_RULE) from None
    if not header:
        rule = "the source has a header and rows"
        raise refusal("(all)", name, "the file is empty", rule, "check the export")
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        rule = "every column has a name of its own"
        raise refusal(", ".join(twice), name, "named twice in the header", rule, "rename one of them")
    return header


def _ragged(rows: list[pc.InvalidRow], name: str) -> Breach:
    """Return the breach of rows with more or fewer cells than the header."""
    cells = tuple(
        (f"{name}, row {row.number - 1}", f"{row.actual_columns} cells: {row.text!r}")
        for row in rows[:EXAMPLES]
    )
    rule = f"every row has as many cells as the header: {rows[0].expected_columns}"
    remedy = "put cells that hold a comma in quotes, and write decimals with a point"
    return Breach(column="(all)", rule=rule, remedy=remedy, cells=cells, count=len(rows))


def _parquet(file: Path, name: str) -> pd.DataFrame:
    try:
        check_header(pq.read_schema(file).names, name)
        return as_pandas(pq.read_table(file))
    except pa.ArrowInvalid as error:
        raise _unreadable(name, str(error), "a .parquet file is Parquet") from None


def _unreadable(name: str, problem: str, rule: str) -> DataError:
    return refusal("(all)", name, problem.splitlines()[0].rstrip("."), rule, "export it again")
