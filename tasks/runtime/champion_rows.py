"""The champions of the release before the ledger, as its first entries: adopted as they were.

That release kept one row per promotion or rollback in a table of its own, and which manifests a row approved
in another. They are only read here; ``tasks.runtime.ledger_store`` copies them with its first entry.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, inspect, select

from tasks.governance.approval import Approval
from tasks.governance.champion import MODELS
from tasks.governance.ledger import ADOPTED, Broken, Entry, LedgerError, following
from tasks.runtime.ledger_database import forbid

COLUMNS: tuple[Column[Any], ...] = (
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("replaces", Integer, unique=True),
    Column("action", String(32), nullable=False),
    *(Column(name, Integer, nullable=False) for name in MODELS),
    Column("by", String(255), nullable=False),
    Column("reason", String(5000), nullable=False),
    Column("at", String(40), nullable=False),  # ISO 8601 with its offset
)
TABLE = Table("repricer_champions", MetaData(), *COLUMNS)
APPROVED_COLUMNS: tuple[Column[Any], ...] = (
    Column("number", Integer, primary_key=True, autoincrement=False),  # of the champion's row
    Column("model", String(255), primary_key=True),
    Column("sha256", String(64), nullable=False),  # of the manifest
)
APPROVED = Table("repricer_approved_manifests", MetaData(), *APPROVED_COLUMNS)


def entries(connection: Connection) -> list[Entry]:
    """Return the rows as entries of a ledger that begins with them; the same rows give the same entries.

    Raises:
        LedgerError: a row cannot be read.
    """
    if not inspect(connection).has_table(TABLE.name):
        return []
    chain: list[Entry] = []
    for row in connection.execute(select(TABLE).order_by(TABLE.c.number)).mappings():
        body = {
            "versions": {name: row[name] for name in MODELS},
            "manifests": _approved(connection, row["number"]),
            "was": row["action"],
        }
        try:
            signed = Approval(row["by"], row["reason"], datetime.fromisoformat(row["at"]))
            chain.append(following(chain[-1] if chain else None, ADOPTED, body, signed))
        except (TypeError, ValueError, OverflowError) as error:
            fault = f"cannot be read in {TABLE.name}: {error}"
            raise LedgerError(Broken(len(chain) + 1, fault)) from None
    return chain


def close(connection: Connection) -> None:
    """Keep the release before this one, if it still runs somewhere, from promoting past the ledger."""
    if inspect(connection).has_table(TABLE.name):
        forbid(connection, TABLE, ("INSERT",), "the champions are in repricer_ledger now")


def _approved(connection: Connection, number: int) -> dict[str, str]:
    """Return model -> SHA-256 of the manifest that a row approved; empty for rows older than manifests."""
    if not inspect(connection).has_table(APPROVED.name):
        return {}
    rows = connection.execute(select(APPROVED).filter_by(number=number)).mappings()
    return {row["model"]: row["sha256"] for row in rows}
