"""Where the ledger lies: beside the tables of the MLflow registry whose versions its entries name.

Version numbers mean nothing without their registry, so the ledger lies in the registry's database, SQLite in
the data folder or PostgreSQL: two data folders that share a registry share its champion, and a copy or a
backup takes both or neither. MLflow accepts tables that it does not know, and its migrations leave them
alone. Behind an MLflow server its database is out of reach; the tables then lie in ``repricer.db`` in the
data folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, inspect
from sqlalchemy.event import listen
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateTable

from conf import Settings
from tasks.runtime.locations import sqlite_uri
from tasks.runtime.track import StoreError, store_uri, wait_for_locks

WAIT_SECONDS = 20  # for another writer of the same SQLite file, before a line of progress
ALONE = {
    "sqlite": "BEGIN IMMEDIATE",
    # No table to lock may be there yet.
    "postgresql": f"SELECT pg_advisory_xact_lock({int.from_bytes(b'repricer')})",
}
"""Statements, by dialect, that begin the transaction of an only writer."""
SEALS = {
    "sqlite": (
        (
            "CREATE TRIGGER IF NOT EXISTS {table}_no_{action} BEFORE {action} ON {table} "
            "BEGIN SELECT RAISE(ABORT, '{table}: {reason}'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE OR REPLACE FUNCTION {table}_no_{action}() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '{table}: {reason}'; END $$"
        ),
        (
            "CREATE OR REPLACE TRIGGER {table}_no_{action} BEFORE {action} OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION {table}_no_{action}()"
        ),
    ),
}
"""Statements, by dialect, that let the database itself refuse an action on a table."""


@contextmanager
def opened(settings: Settings) -> Iterator[Engine]:
    """Open the database of the ledger for one reading or writing.

    Raises:
        StoreError: it does not answer.
    """
    uri = _uri(settings)
    wait_for_locks()
    engine = create_engine(uri, poolclass=NullPool, hide_parameters=True, **_options(uri))
    if engine.dialect.name == "sqlite":
        listen(engine, "connect", _read_damaged_text)
    try:
        yield engine
    except SQLAlchemyError as error:
        raise StoreError(
            f"the database of the ledger did not answer ({type(error).__name__}). "
            "Nothing was changed; try again."
        ) from error
    finally:
        engine.dispose()


@contextmanager
def writing(engine: Engine, *tables: Table) -> Iterator[Connection]:
    """Open a transaction of the only writer of the database's tables of ours, from here to the commit.

    Tables that there are not are made in it: whoever comes second, or after a kill, finds all or none.
    """
    with engine.begin() as connection:
        if engine.dialect.name in ALONE:
            connection.exec_driver_sql(ALONE[engine.dialect.name])
        for table in tables:
            if not inspect(connection).has_table(table.name):
                connection.execute(CreateTable(table, if_not_exists=True))
        yield connection


def forbid(connection: Connection, table: Table, actions: Sequence[str], reason: str) -> None:
    """Let the database refuse actions (INSERT, UPDATE, DELETE) on a table, where its dialect can."""
    for action in actions:
        for statement in SEALS.get(connection.dialect.name, ()):
            connection.exec_driver_sql(
                statement.format(table=table.name, action=action.lower(), reason=reason)
            )


def _read_damaged_text(connection: Any, _record: object) -> None:
    """Let SQLite hand out text that is no UTF-8, so that the entry with it can be named."""
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")


def _options(uri: str) -> dict[str, Any]:
    """Return the options of an engine, by its dialect."""
    if uri.startswith("sqlite"):
        # The driver begins no transaction by itself, so that ours can begin as a writer.
        return {"connect_args": {"timeout": WAIT_SECONDS, "isolation_level": None}}
    if uri.startswith("postgresql"):
        # Whoever has waited for another writer reads what that one wrote, whatever the database's default is.
        return {"isolation_level": "READ COMMITTED"}
    return {}


def _uri(settings: Settings) -> str:
    uri = store_uri(settings)
    if uri.startswith(("http:", "https:", "file:")) or "://" not in uri:
        return sqlite_uri(Path(settings.data_folder) / "repricer.db")
    return uri
