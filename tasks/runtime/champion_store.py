"""Who is champion: a view on the ledger. What versions consist of: the manifests beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from conf import Settings
from tasks.governance.approval import Approval
from tasks.governance.champion import (
    KINDS,
    Champion,
    Standing,
    require_allowed,
    require_unchanged,
    standing,
)
from tasks.governance.ledger import JSON, Entry, Overtaken, following
from tasks.governance.manifest import Manifest
from tasks.runtime import ledger_store, manifest_tables
from tasks.runtime.ledger_database import opened, writing
from tasks.runtime.writer_lock import held

LOCK = ".champion"  # folder in the data folder


def current(settings: Settings) -> Standing:
    """Return what the entries of the ledger come to.

    Raises:
        LedgerError: the ledger is not what was written.
        StoreError: the database does not answer.
    """
    return standing(ledger_store.entries(settings, KINDS))


def newest(settings: Settings) -> Champion | None:
    """Return the champion, none where nobody was promoted."""
    return current(settings).champion


def decide(
    settings: Settings,
    seen: Champion | None,
    kind: str,
    body: Mapping[str, JSON],
    approval: Approval,
    *,
    manifests: Sequence[Manifest] = (),
) -> Entry:
    """Append a decision if the champion is still the one that the person saw, and return its entry.

    Entries of other decisions may come in between: the champion and what may follow are looked at again, and
    so they are by a process that was paused and replaced.

    Args:
        settings: whose database holds the ledger.
        seen: champion when the person decided.
        kind: of `tasks.governance.champion.KINDS`.
        body: what was decided.
        approval: who decides, why and when.
        manifests: of the versions that it approves, kept where there are none.

    Raises:
        Refused: somebody else decided who is champion in the meantime, or the entry may not follow.
        LedgerError: the ledger is not what was written.
        StoreError: the database does not answer.
    """
    while True:
        entries = ledger_store.entries(settings)
        newest = entries[-1] if entries else None
        with held(lock_of(settings), newest.token if newest else 0) as writer:
            state = standing(entries)
            require_unchanged(seen, state.champion)
            require_allowed(state, kind, body)
            entry = following(newest, kind, body, approval, writer.token)
            try:
                ledger_store.append(settings, entry, manifests=manifests, writer=writer)
            except Overtaken:
                continue
            return entry


def lock_of(settings: Settings) -> Path:
    """Return the folder of the lock of whoever decides who is champion, or sets aliases."""
    return Path(settings.data_folder) / LOCK


def manifest_of(settings: Settings, model: str, version: int, run_id: str) -> Manifest | None:
    """Return the manifest of a version, none where it was registered without one."""
    with opened(settings) as engine, engine.connect() as connection:
        return manifest_tables.manifest_of(connection, model, version, run_id)


def keep_manifests(settings: Settings, manifests: Sequence[Manifest]) -> None:
    """Append the manifests of versions that have none, all or none of them.

    Raises:
        StoreError: the database does not answer.
    """
    with opened(settings) as engine, writing(engine, manifest_tables.MANIFESTS) as connection:
        manifest_tables.keep(connection, manifests)


def forget_manifests(settings: Settings, model: str) -> list[int]:
    """Drop the manifests of a model whose files an experiment changed on purpose and return its versions."""
    with opened(settings) as engine, writing(engine, manifest_tables.MANIFESTS) as connection:
        return manifest_tables.forget(connection, model)
