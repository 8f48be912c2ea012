"""Reading an SQLite file as it lies on the disk; part of the checker."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def rows(file: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Return what a query answers, nothing where there is no such file or no such table."""
    if not file.is_file():
        return []
    with closing(sqlite3.connect(file, timeout=30)) as database:
        database.execute("pragma query_only = on")
        try:
            return database.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
