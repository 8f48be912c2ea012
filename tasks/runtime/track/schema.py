"""The tables of MLflow in the SQLite file of a data folder."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from tasks.runtime.databases import MigrationError, Schema
from tasks.runtime.locations import sqlite_uri

MIGRATIONS = Path("store", "db_migrations", "versions")


def mlflow_schema() -> Schema:
    """Return what the installed MLflow expects in a database."""
    spec = importlib.util.find_spec("mlflow")
    assert spec is not None
    assert spec.origin is not None
    return Schema("MLflow", Path(spec.origin).parent / MIGRATIONS, _upgrade)


def _upgrade(path: Path) -> None:
    """Run MLflow's migrations, as ``mlflow db upgrade`` does.

    Raises:
        MigrationError: a migration failed.
    """
    from alembic.util import CommandError
    from mlflow.db import upgrade
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    assert upgrade.callback is not None
    try:
        upgrade.callback(sqlite_uri(path))
    except (SQLAlchemyError, CommandError, MlflowException) as error:
        raise MigrationError(str(getattr(error, "orig", error)).partition("\n")[0]) from error
