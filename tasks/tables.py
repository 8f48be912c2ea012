"""Tables that a user names on the command line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from expectations.columns import PRODUCT, STORE


class TableError(ValueError):
    """A file that is no table."""


def table_at(path: Path, option: str) -> pd.DataFrame:
    """Read a CSV or Parquet table whose ids are text.

    Args:
        path: file.
        option: of the command line that names it, for the message.

    Raises:
        TableError: there is no such file.
    """
    if not path.is_file():
        raise TableError(f"{path}: there is no such file. Give a CSV or Parquet table with `{option}`.")
    if path.suffix in {".parquet", ".pq"}:
        return pd.read_parquet(path)
    return pd.read_csv(path, dtype={PRODUCT: str, STORE: str})
