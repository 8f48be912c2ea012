"""The ledger's storage: a table beside those of the MLflow registry whose versions its rows name.

Version numbers mean nothing without their registry, so the table lies in the registry's database, SQLite in
the data folder or PostgreSQL: two data folders that share a registry share its champion, and a copy or a
backup takes both or neither. MLflow accepts tables that it does not know, and its migrations leave them
alone. The manifests of registered versions lie beside it. Behind an MLflow server its database is out of
reach; the tables then lie in ``repricer.db`` in the data folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateTable

from conf import Settings
from tasks.governance.approval import Approval
from tasks.governance.champion import MODELS, Champion, require_unchanged
from tasks.governance.manifest import Manifest
from tasks.runtime import manifest_tables
from tasks.runtime.locations import sqlite_uri
from tasks.runtime.track import StoreError, store_uri, wait_for_locks

WAIT_SECONDS = 20  # for another writer of the same SQLite file, before a line of progress
COLUMNS: tuple[Column[Any], ...] = (
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("replaces", Integer, unique=True),  # the number that the writer expected to be the newest
    Column("action", String(32), nullable=False),
    *(Column(name, Integer, nullable=False) for name in MODELS),
    Column("by", String(255), nullable=False),
    Column("reason", String(5000), nullable=False),
    Column("at", String(40), nullable=False),  # ISO 8601 with its offset
)
TABLE = Table("repricer_champions", MetaData(), *COLUMNS)
"""Rows are only ever appended."""
TABLES = (TABLE, manifest_tables.MANIFESTS, manifest_tables.APPROVED)


def newest(settings: Settings) -> Champion | None:
    """Return the champion, none where nobody was promoted."""
    return _read(settings, None)


def numbered(settings: Settings, number: int) -> Champion | None:
    """Return an entry by its number, if there is such an entry."""
    return _read(settings, number)


def append(settings: Settings, *champions: Champion, manifests: Sequence[Manifest] = ()) -> None:
    """Append entries if the one that the first replaces is still the newest, in one transaction.

    Args:
        settings: whose database holds the ledger.
        champions: entries, in their order.
        manifests: of the versions that they approve, kept where there are none.

    Raises:
        Refused: another entry is the newest.
        StoreError: the database does not answer.
    """
    replaces = champions[0].replaces
    with _database(settings) as engine:
        _create(engine)
        try:
            with engine.begin() as connection:
                if engine.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")  # one writer from here to the commit
                require_unchanged(replaces, _row(connection, None, lock=True))
                connection.execute(insert(TABLE), [_values(champion) for champion in champions])
                manifest_tables.keep(connection, manifests)
                for champion in champions:
                    manifest_tables.approve(connection, champion)
        except IntegrityError:
            # Where only rows are locked, two writers meet at the key: the other's entry is there now.
            with engine.connect() as connection:
                require_unchanged(replaces, _row(connection, None))
            raise


def manifest_of(settings: Settings, model: str, version: int, run_id: str) -> Manifest | None:
    """Return the manifest of a version, none where it was registered without one."""
    with _database(settings) as engine, engine.connect() as connection:
        return manifest_tables.manifest_of(connection, model, version, run_id)


def keep_manifests(settings: Settings, manifests: Sequence[Manifest]) -> None:
    """Append the manifests of versions that have none, all or none of them.

    Raises:
        StoreError: the database does not answer.
    """
    with _database(settings) as engine:
        _create(engine)
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            manifest_tables.keep(connection, manifests)


def forget_manifests(settings: Settings, model: str) -> list[int]:
    """Drop the manifests of a model whose files an experiment changed on purpose and return its versions."""
    with _database(settings) as engine, engine.begin() as connection:
        return manifest_tables.forget(connection, model)


def _read(settings: Settings, number: int | None) -> Champion | None:
    with _database(settings) as engine, engine.connect() as connection:
        return _row(connection, number) if inspect(connection).has_table(TABLE.name) else None


def _row(connection: Connection, number: int | None, lock: bool = False) -> Champion | None:
    """Return the entry of a number, the newest where none is given."""
    query = select(TABLE).order_by(TABLE.c.number.desc()).limit(1)
    if number is not None:
        query = query.where(TABLE.c.number == number)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        return None
    return Champion(
        number=row["number"],
        replaces=row["replaces"],
        action=row["action"],
        versions={name: row[name] for name in MODELS},
        approval=Approval(row["by"], row["reason"], datetime.fromisoformat(row["at"])),
        digests=manifest_tables.approved(connection, row["number"]),
    )


def _values(champion: Champion) -> dict[str, Any]:
    signed = champion.approval
    decision = {"by": signed.by, "reason": signed.reason, "at": signed.at.isoformat(timespec="seconds")}
    return {
        "number": champion.number,
        "replaces": champion.replaces,
        "action": champion.action,
        **champion.versions,
        **decision,
    }


def _create(engine: Engine) -> None:
    for table in TABLES:
        if not inspect(engine).has_table(table.name):
            try:
                with engine.begin() as connection:
                    connection.execute(CreateTable(table, if_not_exists=True))
            except IntegrityError:
                if not inspect(engine).has_table(
                    table.name
                ):  # PostgreSQL says so where two create it at once
                    raise


@contextmanager
def _database(settings: Settings) -> Iterator[Engine]:
    """Open the database of the ledger for one reading or writing.

    Raises:
        StoreError: it does not answer.
    """
    uri = _uri(settings)
    wait_for_locks()
    # The driver of SQLite begins no transaction by itself, so that ours can begin as a writer.
    options = {"timeout": WAIT_SECONDS, "isolation_level": None} if uri.startswith("sqlite") else {}
    engine = create_engine(uri, poolclass=NullPool, connect_args=options, hide_parameters=True)
    try:
        yield engine
    except SQLAlchemyError as error:
        raise StoreError(
            f"the database of the ledger did not answer ({type(error).__name__}). "
            "Nothing was changed; try again."
        ) from error
    finally:
        engine.dispose()


def _uri(settings: Settings) -> str:
    uri = store_uri(settings)
    if uri.startswith(("http:", "https:", "file:")) or "://" not in uri:
        return sqlite_uri(Path(settings.data_folder) / "repricer.db")
    return uri
