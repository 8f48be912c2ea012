"""The entries of the ledger, for people."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from conf import Settings
from tasks.governance.ledger import stamp
from tasks.runtime import ledger_store


class Listed(TypedDict):
    """An entry: its number, kind and content, who decided, when and why, and its SHA-256."""

    number: int
    kind: str
    body: dict[str, Any]
    by: str
    at: str
    reason: str
    token: int
    digest: str


def listed(settings: Settings) -> list[Listed]:
    """Return the entries, the oldest first.

    Raises:
        LedgerError: the ledger is not what was written.
    """
    return [
        Listed(
            number=entry.number,
            kind=entry.kind,
            body=dict(entry.body),
            by=entry.approval.by,
            at=stamp(entry.approval.at),
            reason=entry.approval.reason,
            token=entry.token,
            digest=entry.digest(),
        )
        for entry in ledger_store.entries(settings)
    ]
