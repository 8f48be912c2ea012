"""Publishing in the data folder: the ledger decides, folders, pointer and destinations follow.

Whatever a command was killed in, the next one puts right: the ledger names a list only when it is whole, and
staged lists, pointer, switch and deliveries are brought up to the ledger before anything else. One process of
a data folder does this at a time, and states its token in the ledger; the switch alone waits for nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from conf import Settings
from tasks.governance.approval import Approval, Refused
from tasks.governance.ledger import PUBLISHED, WITHDRAWN, Entry, Overtaken, following
from tasks.governance.local_time import zone_of
from tasks.governance.publication import (
    Body,
    Publications,
    PublishedList,
    publications,
    require_publishable,
    withdrawal,
)
from tasks.governance.published_rows import ends_of, left_out
from tasks.runtime import ledger_store, publishing_switch
from tasks.runtime.published_lists import (
    ListError,
    Pointer,
    Write,
    folder_of,
    manifest_of,
    name_at,
    point,
    pointed,
    settle,
    stage,
)
from tasks.runtime.published_tables import shelf_of, tables_of
from tasks.runtime.writer_lock import Writer, held

log = logging.getLogger("repricer")

Decision = tuple[str, Mapping[str, Any], Approval]
LOCK = "writer"  # folder of the lock
ATTEMPTS = 5  # to append, while other commands append as well


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What stands in a data folder.

    Attributes:
        entries: of the ledger, the oldest first.
        lists: what was published; ``stopped`` is what the file of the switch says.
        stopped_because: why publishing is stopped, empty where it is not.
    """

    entries: Sequence[Entry]
    lists: Publications
    stopped_because: str


@dataclass(frozen=True, kw_only=True)
class NewList:
    """A list that a person publishes.

    Attributes:
        rows: of the list.
        effective: moment from which it holds.
        follows: root of the list whose prices it changes; none for the first of a shop.
        inputs: what writes the files from which it can be computed again, by path.
        about: what its manifest says of them.
        agreed: what the approver agreed to, for the entry.
    """

    rows: pd.DataFrame
    effective: datetime
    follows: str | None
    inputs: Mapping[str, Write]
    about: Mapping[str, Any]
    agreed: Mapping[str, Any]


def zone(settings: Settings) -> ZoneInfo:
    """Return the zone of the shop."""
    named = settings.publish.time_zone or settings.source.time_zone or settings.schedule.time_zone
    return zone_of(named)


def has_ledger(settings: Settings) -> bool:
    """Return whether there is a database for the ledger; to ask an SQLite file would make it."""
    folder = Path(settings.data_folder)
    return bool(settings.track.address()) or (folder / "mlflow.db").is_file()


def standing(settings: Settings) -> Standing:
    """Return what stands now.

    Raises:
        LedgerError: an entry is not what was written.
        StoreError: the database of the ledger does not answer.
    """
    entries = ledger_store.entries(settings)
    why = publishing_switch.stopped_because(settings, entries)
    lists = replace(publications(entries), stopped=bool(why))
    return Standing(entries=entries, lists=lists, stopped_because=why)


@contextmanager
def at_work(settings: Settings) -> Iterator[Writer]:
    """Hold the published lists of a data folder, brought up to the ledger.

    Raises:
        Overtaken: the process was paused meanwhile, and another one has taken over.
    """
    newest = ledger_store.newest(settings)
    with held(folder_of(settings) / LOCK, newest.token if newest else 0) as writer:
        try:
            enter_switch(settings, writer)
            mirror(settings, standing(settings), writer)
            yield writer
        except OSError:
            writer.require_newest()  # who has taken over swept what this process wrote
            raise


def mirror(settings: Settings, now: Standing, writer: Writer) -> None:
    """Let staged lists, sweepings and the pointer follow the ledger; it names no list that is gone.

    Raises:
        Overtaken: the writer was replaced.
    """
    writer.require_newest()
    root, in_force = folder_of(settings), now.lists.in_force
    settle(root, now.lists.lists.keys())
    wanted = Pointer(in_force.name, in_force.manifest) if in_force else None
    try:
        current = pointed(root)
    except ListError as error:
        log.warning("%s It is written anew by the ledger.", error)
        current = None
    if current != wanted or (wanted is None) != (current is None):
        if wanted is not None and not (root / wanted.list).is_dir():
            log.warning("%s: the list in force by the ledger is gone. Restore it.", root / wanted.list)
        else:
            writer.require_newest()
            point(root, wanted)


def enter_switch(settings: Settings, writer: Writer | None = None) -> None:
    """Enter into the ledger the turns of the switch that it does not have yet; the switch waits for no lock.

    Raises:
        Overtaken: other commands kept appending.
        StoreError: the database does not answer.
    """
    for attempt in range(ATTEMPTS):
        before = standing(settings)
        missing = publishing_switch.not_in_ledger(settings, before.entries)
        try:
            turned = ((turn.kind, turn.body(), turn.approval) for turn in missing)
            enter(settings, before, *turned, writer=writer)
            return
        except Overtaken:
            if attempt + 1 == ATTEMPTS:
                raise


def enter(
    settings: Settings, before: Standing, *decisions: Decision, writer: Writer | None = None
) -> Standing:
    """Append decisions to the ledger, all or none, if nothing was entered since a look, and look again.

    Raises:
        Overtaken: another command entered something meanwhile, or has replaced the writer.
        StoreError: the database does not answer.
    """
    newest, entries = before.entries[-1] if before.entries else None, []
    for kind, body, signed in decisions:
        token = max(writer.token, newest.token if newest else 0) if writer else 0
        newest = following(newest, kind, body, signed, token)
        entries.append(newest)
    if entries:
        ledger_store.append(settings, *entries, writer=writer)
    return standing(settings)


def publish(
    settings: Settings, wanted: NewList, signed: Approval, require: Callable[[Standing], None]
) -> PublishedList:
    """Store a list and enter it into the ledger; it takes effect when its moment has come.

    Args:
        settings: of the data folder.
        wanted: the list.
        signed: who publishes it, and why.
        require: refuses what must not have changed while the list was computed.

    Raises:
        Refused: publishing is stopped, or something changed meanwhile.
        StoreError: the database of the ledger does not answer.
        DiskFull: there is no room for the list.
    """
    with at_work(settings) as writer:
        published = _staged(settings, standing(settings).lists, wanted)
        before = standing(settings)
        require(before)
        if before.stopped_because:
            raise Refused(f"{before.stopped_because}. Nothing was published")
        require_publishable(before.lists, published)
        # One swap: whatever was entered since the look above makes it fail, the champion's change as well.
        body = {**published.body(), **wanted.agreed}
        mirror(settings, enter(settings, before, (PUBLISHED, body, signed), writer=writer), writer)
    return published


def withdraw(settings: Settings, name: str | None, signed: Approval) -> Body:
    """Take a list back, and put the one before it in force again, byte for byte.

    Raises:
        Refused: there is no such list, or none before it.
        ListError: the list before is not what was published; nothing was changed.
    """
    with at_work(settings) as writer:
        now = standing(settings)
        decision = withdrawal(now.lists, name)
        if decision.restored is not None:
            pointer = Pointer(decision.restored.name, decision.restored.manifest)
            manifest_of(folder_of(settings), pointer)
        after = enter(settings, now, (WITHDRAWN, decision.body(), signed), writer=writer)
        mirror(settings, after, writer)
    return decision.body()


def _staged(settings: Settings, lists: Publications, wanted: NewList) -> PublishedList:
    root, rows = folder_of(settings), wanted.rows
    before = shelf_of(root, lists.newest(wanted.follows)) if wanted.follows else rows
    unlisted = left_out(before, rows)
    local = wanted.effective.astimezone(zone(settings))
    pointer = stage(
        root,
        {**tables_of(rows, unlisted, zone(settings)), **wanted.inputs},
        {**wanted.about, "made_at": datetime.now(UTC).isoformat(), "follows": wanted.follows},
        name_at(local),
    )
    return PublishedList(
        name=pointer.list,
        manifest=pointer.manifest,
        effective=wanted.effective,
        ends=ends_of(rows, unlisted),
        root=pointer.list,
        follows=wanted.follows,
    )


def about(settings: Settings, published: PublishedList) -> dict[str, Any]:
    """Return the manifest of a list after checking its bytes.

    Raises:
        ListError: it is not what was published.
    """
    return manifest_of(folder_of(settings), Pointer(published.name, published.manifest))
