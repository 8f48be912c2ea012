"""Tables that a user names on the command line: read, and written as the ending of their file says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet

from expectations.columns import PRODUCT, STORE
from expectations.ids import as_pandas, read_ids
from expectations.spreadsheets import neutral, restored
from tasks.runtime.disk import written_whole
from tasks.runtime.workbook import Look, write_workbook

IDS = (PRODUCT, STORE)
PARQUET = {".parquet", ".pq"}  # endings of a Parquet file
CSV, WORKBOOK = ".csv", ".xlsx"
ENDINGS = (CSV, WORKBOOK, *sorted(PARQUET))  # of the files that can be written
# Empty cells of a column that holds no ids; an id may be called any of these.
MISSING = ["", "#N/A", "#N/A N/A", "#NA", "-NaN", "-nan", "<NA>", "N/A", "NA", "NULL", "NaN", "None"]
MISSING += ["n/a", "nan", "null"]


class TableError(ValueError):
    """A file that is no table."""


def table_at(path: Path, option: str, texts: Iterable[str] = ()) -> pd.DataFrame:
    """Read a CSV or Parquet table whose ids are text.

    Args:
        path: file.
        option: of the command line that names it, for the message.
        texts: columns of a CSV that are text as well, digits or not.

    Raises:
        TableError: there is no such file, it is no table, or an id is missing or cannot be one.
    """
    if not path.is_file():
        raise TableError(f"{path}: there is no such file. Give a CSV or Parquet table with `{option}`.")
    try:
        table = _parquet(path) if path.suffix.lower() in PARQUET else _csv(path, texts)
    except (ValueError, pyarrow.ArrowException) as error:
        raise TableError(
            f"{path}: this is no CSV or Parquet table. Received: {error}. Write it anew for `{option}`."
        ) from error
    return table.assign(**{name: _ids(table[name], path) for name in IDS if name in table})


def require_ending(path: Path, option: str) -> None:
    """Accept a file that can be written, by its ending.

    Raises:
        TableError: no table is written in files of this ending.
    """
    if path.suffix.lower() not in ENDINGS:
        raise TableError(
            f"{option} {path}: the ending of the file says how the table is written, and it must be one of "
            f"{', '.join(ENDINGS)}. Received: {path.suffix or 'none'}. Write {option} {path.stem}{WORKBOOK}."
        )


def write_table(
    table: pd.DataFrame,
    path: Path,
    looks: Mapping[str, Look] | None = None,
    *,
    option: str = "file",
    title: str = "Sheet1",
) -> None:
    """Write a table as the ending of its file says, whole or not at all.

    In CSV, text that a spreadsheet would run gets an apostrophe in front. Parquet holds it as it is.

    Args:
        table: what is written.
        path: file.
        looks: of the columns in a workbook; none: as they are called.
        option: of the command line that names the file.
        title: of the sheet of a workbook.

    Raises:
        TableError: no table is written in files of this ending.
        DiskFull: there is no room for it.
    """
    require_ending(path, option)
    ending = path.suffix.lower()
    with written_whole(path) as part:
        if ending in PARQUET:
            table.to_parquet(part, index=False)
        elif ending == WORKBOOK:
            write_workbook(table, part, looks or {}, title)
        else:
            neutral(table).to_csv(part, index=False)


def _parquet(path: Path) -> pd.DataFrame:
    return as_pandas(pyarrow.parquet.read_table(path), IDS)


def _csv(path: Path, texts: Iterable[str]) -> pd.DataFrame:
    """Return the table of a CSV; ids are restored to what stood there before formulas were neutralised."""
    names = pd.read_csv(path, nrows=0, encoding="utf-8-sig").columns
    table = pd.read_csv(
        path,
        dtype=dict.fromkeys([*IDS, *texts], "str"),
        keep_default_na=False,
        na_values={name: MISSING for name in names if name not in IDS},
        encoding="utf-8-sig",
    )
    return table.assign(**{name: restored(table[name]) for name in IDS if name in table})


def _ids(values: pd.Series, path: Path) -> pd.Series:
    """Return ids as text, every one of them known."""
    ids = read_ids(values)
    refused = ids.first_refusal()
    if refused:
        row, refusal = refused
        raise TableError(
            f"{path}: `{values.name}`: {refusal.rule}. "
            f"Received: {ids.written.iloc[row]!r} in row {row + 1}. {refusal.remedy.capitalize()}."
        )
    if ids.text.isna().any():
        row = int(ids.text.isna().argmax()) + 1
        raise TableError(
            f"{path}: `{values.name}` must be known in every row. Received: nothing in row {row}. "
            "Fill it, or take the row out."
        )
    return ids.text
