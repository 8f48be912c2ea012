"""Whether published lists are what was decided: their bytes, the pointer, every price again."""

from __future__ import annotations

from collections.abc import Iterator

from conf import Settings
from tasks.governance.approval import Refused
from tasks.governance.format import FormatError
from tasks.governance.manifest import ManifestError
from tasks.governance.published_rows import differences, ended, named
from tasks.operations.replay import replayed
from tasks.runtime import publishing, track
from tasks.runtime.list_tables import read_csv, read_parquet
from tasks.runtime.published_lists import (
    CSV,
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
    try:
        again = replayed(settings, root, lists.lists[in_force.root]).rows
    except (ManifestError, FormatError, Refused, track.ModelError) as error:
        yield f"list {in_force.name}: its prices cannot be computed again: {error}"
        return
    if in_force.name != in_force.root:
        _, unlisted = publishing.rows_and_unlisted(root, lists.lists[in_force.root])
        again, _ = ended(again, unlisted, in_force.effective)
    differing = differences(rows, again)
    if len(differing):
        yield f"list {in_force.name}: {named(differing)} (published against computed again)"
