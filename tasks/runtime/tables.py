"""Tables that a user names on the command line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow

from expectations.columns import PRODUCT, STORE


class TableError(ValueError):
    """A file that is no table."""


def table_at(path: Path, option: str) -> pd.DataFrame:
    """Read a CSV or Parquet table whose ids are text.

    Args:
        path: file.
        option: of the command line that names it, for the message.

    Raises:
        TableError: there is no such file, it is no table, or an id is missing.
    """
    if not path.is_file():
        raise TableError(f"{path}: there is no such file. Give a CSV or Parquet table with `{option}`.")
    try:
        if path.suffix in {".parquet", ".pq"}:
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(path, dtype={PRODUCT: str, STORE: str}, encoding="utf-8-sig")
    except (ValueError, pyarrow.ArrowException) as error:
        raise TableError(
            f"{path}: this is no CSV or Parquet table. Received: {error}. Write it anew for `{option}`."
        ) from error
    ids = [name for name in (PRODUCT, STORE) if name in table]
    for name in ids:
        if table[name].isna().any():
            row = int(table[name].isna().argmax()) + 1
            raise TableError(
                f"{path}: `{name}` must be known in every row. Received: nothing in row {row}. "
                "Fill it, or take the row out."
            )
    return table.astype(dict.fromkeys(ids, "str"))
