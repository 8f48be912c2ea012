"""The ledger's storage: one row an entry, in the database of the registry; rows are only ever appended.

The database itself refuses to change or delete a row, and two writers of one number: the second is told who
came first. A shop of the release before this ledger has its champions in a table of their own: they are read
as the first entries until the first writer copies them here, in the transaction of its entry.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import tee
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    RowMapping,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import IntegrityError

from conf import Settings
from tasks.governance.approval import Approval
from tasks.governance.ledger import (
    Broken,
    Entry,
    LedgerError,
    canonical,
    first_broken,
    own_fault,
    require_next,
    stamp,
)
from tasks.governance.manifest import Manifest
from tasks.runtime import champion_rows, manifest_tables
from tasks.runtime.ledger_database import forbid, opened, writing
from tasks.runtime.ledger_witness import missing, witness, witnessed
from tasks.runtime.writer_lock import Writer

COLUMNS: tuple[Column[Any], ...] = (
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("body", Text, nullable=False),  # JSON
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", String(40), nullable=False),  # ISO 8601 in UTC
    Column("previous", String(64), nullable=False),  # SHA-256 of the entry before, empty for the first
    Column("token", BigInteger, nullable=False),  # fencing token, never smaller than the one before
    Column("digest", String(64), nullable=False),  # SHA-256 of all of the above
)
TABLE = Table("repricer_ledger", MetaData(), *COLUMNS)
EXACT = ("body", "at", "token")
"""Columns that could say the same in other bytes, which a digest of what they say would not notice."""
TABLES = (TABLE, manifest_tables.MANIFESTS)


def entries(settings: Settings, kinds: Collection[str] | None = None) -> list[Entry]:
    """Return the entries, the oldest first.

    Args:
        settings: whose database holds the ledger.
        kinds: of the entries, all by default.

    Raises:
        LedgerError: an entry, of whatever kind, is not what was written, or this folder has written one that
            is missing.
        StoreError: the database does not answer.
    """
    lines = witnessed(settings)
    with opened(settings) as engine, engine.connect() as connection:
        checked, kept = tee(_entries(connection))
        fault = first_broken(checked)
        chain = [] if fault else list(kept)
    fault = fault or missing(settings, lines, chain)
    if fault:
        raise LedgerError(fault)
    return [entry for entry in chain if kinds is None or entry.kind in kinds]


def newest(settings: Settings) -> Entry | None:
    """Return the newest entry, none where the ledger is empty.

    Raises:
        LedgerError: it is not what was written.
        StoreError: the database does not answer.
    """
    with opened(settings) as engine, engine.connect() as connection:
        return _newest(connection)


def broken(settings: Settings) -> Broken | None:
    """Return the first entry that is not what was written or is missing, none where the ledger is whole."""
    try:
        entries(settings)
    except LedgerError as error:
        return error.broken
    return None


def append(
    settings: Settings, *added: Entry, manifests: Sequence[Manifest] = (), writer: Writer | None = None
) -> None:
    """Append entries if the one that the first follows is still the newest, in one transaction.

    Args:
        settings: whose database holds the ledger.
        added: entries, in their order.
        manifests: of the versions that they approve, kept where there are none.
        writer: holder of the lock whose token they carry; none: they are entered without it.

    Raises:
        Overtaken: the writer was replaced, another entry is the newest, or another writer holds a newer
            token; nothing was written.
        LedgerError: the newest entry is not what was written.
        StoreError: the database does not answer.
    """
    with opened(settings) as engine:
        try:
            with writing(engine, *TABLES) as connection:
                if writer is not None:
                    writer.require_newest()
                _write(connection, added)
                manifest_tables.keep(connection, manifests)
        except IntegrityError:
            # Where nothing is locked, two writers meet at the key: the other's entry is there now.
            with engine.connect() as connection:
                require_next(_newest(connection), added[0])
            raise
    witness(settings, added)


def _write(connection: Connection, added: Sequence[Entry]) -> None:
    """Insert entries that follow the newest; the first writer takes up the champions of the last release."""
    begins = connection.execute(select(TABLE.c.number).limit(1)).first() is None
    if begins:
        champion_rows.close(connection)  # before they are read: it waits for a promotion of that release
    before = _newest(connection)
    for entry in added:
        require_next(before, entry)
        before = entry
    earlier = champion_rows.entries(connection) if begins else []
    connection.execute(insert(TABLE), [_values(entry) for entry in (*earlier, *added)])
    if begins:
        forbid(connection, TABLE, ("UPDATE", "DELETE"), "entries are only ever appended")


def _newest(connection: Connection) -> Entry | None:
    *_, entry = [None, *_entries(connection, latest=True)]
    fault = entry and own_fault(entry)
    if fault:
        raise LedgerError(fault)
    return entry


def _entries(connection: Connection, latest: bool = False) -> Iterator[Entry]:
    """Yield the entries in their order, of a ledger that has some only the latest one where that is enough.

    Raises:
        LedgerError: an entry cannot be read.
    """
    rows: Sequence[RowMapping] = ()
    if inspect(connection).has_table(TABLE.name):
        query = select(TABLE).order_by(TABLE.c.number.desc() if latest else TABLE.c.number)
        rows = connection.execute(query.limit(1) if latest else query).mappings().all()
    yield from map(_entry, rows) if rows else champion_rows.entries(connection)


def _entry(row: RowMapping) -> Entry:
    """Return the entry of a row.

    Raises:
        LedgerError: it cannot be read, or says the same in other bytes than were written.
    """
    try:
        entry = Entry(
            number=row["number"],
            kind=row["kind"],
            body=json.loads(row["body"]),
            approval=Approval(row["by"], row["reason"], datetime.fromisoformat(row["at"])),
            previous=row["previous"],
            token=int(row["token"]),
            recorded=row["digest"],
        )
        written = {name: row[name] for name in EXACT} == {name: _values(entry)[name] for name in EXACT}
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise LedgerError(Broken(row["number"], f"cannot be read: {error}")) from None
    if not written:
        raise LedgerError(Broken(row["number"], "was changed: it is not written as entries are"))
    return entry


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "kind": entry.kind,
        "body": canonical(entry.body),
        "by": entry.approval.by,
        "reason": entry.approval.reason,
        "at": stamp(entry.approval.at),
        "previous": entry.previous,
        "token": entry.token,
        "digest": entry.digest(),
    }
