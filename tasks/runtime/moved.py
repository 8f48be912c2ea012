"""A data folder that was moved or copied: whole paths of artifacts, as MLflow keeps them, follow it.

The database lies in the folder itself, so the location of its experiments says where the folder was before.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from tasks.runtime import databases

log = logging.getLogger("repricer")

ARTIFACTS = "mlartifacts"
LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Tables and columns in which MLflow keeps the URI of an artifact."""


def artifacts_uri(folder: Path) -> str:
    """Return the URI under which the artifacts of a data folder lie."""
    return (folder / ARTIFACTS).resolve().as_uri()


def follow(folder: Path) -> None:
    """Let the locations in a data folder's own database follow the folder, all or none of them.

    The caller holds the lock of the store, whose tables exist.

    Raises:
        DatabaseError: another process kept the database locked; nothing was changed.
        sqlite3.Error: the database could not be written; nothing was changed.
    """
    here = artifacts_uri(folder)
    with databases.opened(folder / "mlflow.db") as database:
        if not _earlier(database, here):
            return
        database.execute("BEGIN IMMEDIATE")
        earlier = _earlier(database, here)
        for there in earlier:
            for table, column in LOCATIONS:
                database.execute(
                    f"UPDATE {table} SET {column} = :here || substr({column}, length(:there) + 1) "
                    f"WHERE {column} = :there OR substr({column}, 1, length(:there) + 1) = :there || '/'",
                    {"here": here, "there": there},
                )
        database.execute("COMMIT")
    for there in earlier:
        log.info("the data folder was moved: artifacts of %s are now looked for in %s", there, here)


def _earlier(database: sqlite3.Connection, here: str) -> list[str]:
    """Return the places where artifacts of this database lay before."""
    query = "SELECT DISTINCT artifact_location FROM experiments WHERE artifact_location LIKE 'file:%/' || ?"
    return [there for (there,) in database.execute(query, (ARTIFACTS,)) if there != here]
