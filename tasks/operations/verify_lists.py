"""Whether published lists are what was decided: their bytes, the pointer, every price again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from conf import Settings
from tasks.governance.approval import Refused
from tasks.governance.format import FormatError
from tasks.governance.manifest import ManifestError
from tasks.governance.published_rows import channels_in, differences, ended, named
from tasks.operations.list_inputs import GUARD_HASH, SETTINGS, stored_table
from tasks.operations.replay import replayed
from tasks.runtime import published_tables, publishing, publishing_switch, track
from tasks.runtime.guard_rules import guard_hash
from tasks.runtime.list_tables import read_csv, read_parquet
from tasks.runtime.published_lists import (
    CHANNELS,
    CSV,
    MANIFEST,
    PARQUET,
    ListError,
    Pointer,
    faults,
    folder_of,
    pointed,
)


def files_of_lists(settings: Settings) -> Iterator[str]:
    """Yield what is wrong with the files of any list that the ledger names."""
    root = folder_of(settings)
    for published in publishing.standing(settings).lists.lists.values():
        yield from faults(root, Pointer(published.name, published.manifest))


def guards(settings: Settings) -> Iterator[str]:
    """Yield the lists whose manifest has another hash of guard rules than the stored settings and table give.

    Lists of before carry no such hash.
    """
    root = folder_of(settings)
    for published in publishing.standing(settings).lists.lists.values():
        if next(faults(root, Pointer(published.name, published.manifest)), None):
            continue  # the check of the files says so
        folder = root / published.name
        expected = json.loads((folder / MANIFEST).read_bytes()).get(GUARD_HASH)
        if expected is None or not (folder / SETTINGS).exists():
            continue
        rules = stored_table(folder, "rules")
        received = guard_hash(
            json.loads((folder / SETTINGS).read_bytes()), rules.read_bytes() if rules else None
        )
        if received != expected:
            yield f"list {published.name}: its guard has the hash {expected}, and its stored rules {received}"


def pointer(settings: Settings) -> Iterator[str]:
    """Yield whether the pointer names another list than the ledger."""
    root, in_force = folder_of(settings), publishing.standing(settings).lists.in_force
    expected = Pointer(in_force.name, in_force.manifest) if in_force else None
    try:
        received = pointed(root)
    except ListError as error:
        yield str(error)
        return
    if received != expected:
        names = [value.list if value else "no list" for value in (received, expected)]
        yield f"{root}: the pointer names {names[0]}, and by the ledger {names[1]} is in force"


def switch(settings: Settings) -> Iterator[str]:
    """Yield what is wrong with the file of the switch."""
    yield from publishing_switch.faults(settings, publishing.standing(settings).entries)


def prices(settings: Settings) -> Iterator[str]:
    """Yield the rows of the list in force whose prices do not come out again from its inputs and its version.

    The list is computed by the version that it was computed by, from the stored inputs; ends of promotions
    are applied to it. Its two files must have the same rows.
    """
    root, lists = folder_of(settings), publishing.standing(settings).lists
    in_force = lists.in_force
    if in_force is None or next(faults(root, Pointer(in_force.name, in_force.manifest)), None):
        return  # the check of the files says so
    rows = read_parquet(root / in_force.name / PARQUET)
    both = differences(rows, read_csv(root / in_force.name / CSV))
    if len(both):
        yield f"list {in_force.name}: {named(both)} (Parquet against CSV)"
    yield from _tables_of_channels(root / in_force.name, rows)
    try:
        again = replayed(settings, root, lists.lists[in_force.root]).rows
    except (ManifestError, FormatError, Refused, track.ModelError) as error:
        yield f"list {in_force.name}: its prices cannot be computed again: {error}"
        return
    if in_force.name != in_force.root:
        _, unlisted = published_tables.rows_and_unlisted(root, lists.lists[in_force.root])
        again, _ = ended(again, unlisted, in_force.effective)
    differing = differences(rows, again)
    if len(differing):
        yield f"list {in_force.name}: {named(differing)} (published against computed again)"


def _tables_of_channels(folder: Path, rows: pd.DataFrame) -> Iterator[str]:
    """Yield the channels whose tables are not the rows of the list."""
    for name, part in channels_in(rows):
        place = folder / CHANNELS / name
        for table in (read_parquet(place / PARQUET), read_csv(place / CSV)):
            differing = differences(part, table)
            if len(differing):
                yield f"list {folder.name}, channel {name}: {named(differing)} (list against channel)"
