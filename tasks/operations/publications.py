"""Operations on published lists: what is due, taking a list back, the switch, the difference of two lists.

None of them needs Prefect or MLflow: they work while every service is down, as long as the database of the
ledger answers; the switch works without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import CHANNEL, EFFECTIVE_UNTIL, PRICE_AFTER
from tasks.governance.approval import approval
from tasks.governance.ledger import ENDED, RESUMED, STOPPED, TOOK_EFFECT, Entry, LedgerError
from tasks.governance.local_time import shown
from tasks.governance.publication import PublishedList
from tasks.governance.published_rows import DEFAULT_CHANNEL, KEY, differences
from tasks.runtime import ledger_store, published_tables, publishing, publishing_switch
from tasks.runtime.list_tables import read_csv, read_parquet
from tasks.runtime.published_lists import ListError, folder_of
from tasks.runtime.publishing_due import brought_up, deliver_due
from tasks.runtime.tables import PARQUET, table_at
from tasks.runtime.track.reach import StoreError

KINDS = (TOOK_EFFECT, ENDED)
IN_FORCE = "in_force"
MOMENTS = "datetime64[us, UTC]"


class Listed(TypedDict):
    """A list that is in force or waits, and from when it holds in the zone of the shop."""

    list: str
    effective: str


class Due(TypedDict):
    """What was due, and what stands now.

    ``withheld`` has a sentence for every destination that gets the list when publishing is resumed, and
    ``problems`` for whatever should have been done and could not.
    """

    took_effect: list[str]
    ended: list[str]
    delivered: list[str]
    withheld: list[str]
    problems: list[str]
    in_force: Listed | None
    waiting: list[Listed]
    stopped: str


class Withdrawn(Due):
    """What was taken back, and what stands now."""

    withdrawn: list[str]


class Switched(TypedDict):
    """Whether publishing is stopped now, and whether the ledger has the entry yet."""

    stopped: bool
    in_ledger: bool
    note: str


class Changed(TypedDict):
    """A row in which two lists differ; a price is none where a list lacks the row (currency/unit)."""

    product_id: str
    store_id: str
    channel: str
    price_a: float | None
    price_b: float | None
    change_percent: float | None


class Compared(TypedDict):
    """Two lists, how many rows each has, and the rows that differ."""

    a: str
    b: str
    rows_a: int
    rows_b: int
    differing: list[Changed]


def due(settings: Settings) -> Due:
    """Do what has come due, whatever else cannot be done; doing it again changes nothing.

    Raises:
        StoreError: the database of the ledger does not answer.
    """
    brought = brought_up(settings)
    deliveries = deliver_due(settings)
    names = {
        kind: [str(entry.body["list"]) for entry in brought.entries if entry.kind == kind] for kind in KINDS
    }
    now, shop = publishing.standing(settings), publishing.zone(settings)
    current = now.lists.in_force
    return Due(
        took_effect=names[TOOK_EFFECT],
        ended=names[ENDED],
        delivered=deliveries.delivered,
        withheld=deliveries.withheld,
        problems=[*brought.problems, *deliveries.problems],
        in_force=_listed(current, shop) if current else None,
        waiting=[_listed(now.lists.newest(root), shop) for root in now.lists.waiting],
        stopped=now.stopped_because,
    )


def withdraw(settings: Settings, by: str, reason: str, name: str | None = None) -> Withdrawn:
    """Take a list back and put the one before it in force again, at every destination.

    Args:
        settings: of the data folder.
        by, reason: of the approval.
        name: of a list that is in force or waits; none: the one in force.

    Raises:
        Refused: nobody signs, or there is no such list, or none before it.
        ListError: the list before is not what was published; nothing was changed.
        StoreError: the database of the ledger does not answer.
    """
    withdrawn = publishing.withdraw(settings, name, approval(by, reason))
    return Withdrawn(withdrawn=withdrawn["withdrawn"], **due(settings))


def switch(settings: Settings, by: str, reason: str, *, stop: bool) -> Switched:
    """Stop or resume all publishing: the file first, then the ledger if its database answers.

    Args:
        settings: of the data folder.
        by, reason: of the approval.
        stop: whether to stop; else to resume.

    Raises:
        Refused: nobody signs.
    """
    signed = approval(by, reason)
    if stop:
        publishing_switch.throw(settings, STOPPED, signed)
    else:
        publishing_switch.throw(settings, RESUMED, signed, _entries(settings))
    note = ""
    try:
        if publishing.has_ledger(settings):
            publishing.enter_switch(settings)
        else:
            note = "there is no ledger yet"
    except (StoreError, LedgerError) as error:
        note = str(error)
    return Switched(stopped=stop, in_ledger=not note, note=note)


def _entries(settings: Settings) -> Sequence[Entry]:
    """Return the entries of the ledger, none where there is none or it cannot be read."""
    with suppress(StoreError, LedgerError):
        if publishing.has_ledger(settings):
            return ledger_store.entries(settings)
    return ()


def diff(settings: Settings, a: str, b: str) -> Compared:
    """Return the rows in which two lists differ.

    Args:
        settings: of the data folder.
        a, b: names of published lists, files of lists, or ``in_force``.

    Raises:
        ListError: there is no such list.
    """
    left, right = _rows(settings, a), _rows(settings, b)
    table = differences(left, right)
    change = (100 * (table["price_b"] / table["price_a"] - 1)).round(2)
    records = table.assign(change_percent=change).astype(object).where(lambda rows: rows.notna(), None)
    differing = [Changed(**record) for record in records.to_dict("records")]  # type: ignore[typeddict-item]
    return Compared(a=a, b=b, rows_a=len(left), rows_b=len(right), differing=differing)


def _listed(published: PublishedList, shop: ZoneInfo) -> Listed:
    return Listed(list=published.name, effective=shown(published.effective, shop))


def _rows(settings: Settings, name: str) -> pd.DataFrame:
    """Return the rows of a list by its name, of the one in force, or of a file."""
    path = Path(name)
    if path.is_file():
        return _rows_of_file(path)
    lists = publishing.standing(settings).lists
    published = lists.in_force if name == IN_FORCE else lists.lists.get(name)
    if published is None:
        known = ", ".join(lists.lists) or "none"
        raise ListError(f"{name}: there is no such list and no such file. Published: {known}, or in_force")
    return published_tables.rows_of(folder_of(settings), published)


def _rows_of_file(path: Path) -> pd.DataFrame:
    """Return the rows of a draft or of a published table, with what a draft lacks."""
    rows = table_at(path, "diff")
    if {*KEY, EFFECTIVE_UNTIL} <= set(rows):
        return read_parquet(path) if path.suffix.lower() in PARQUET else read_csv(path)
    never = pd.Series(pd.NaT, rows.index, dtype=MOMENTS)
    channel = rows.get(CHANNEL, DEFAULT_CHANNEL)
    added: dict[str, Any] = {CHANNEL: channel, EFFECTIVE_UNTIL: never, PRICE_AFTER: float("nan")}
    return rows.assign(**added)
