"""The entries of the ledger that this data folder has written: a chain does not show that its end is missing.

The file lies outside of the database, one line an entry. Whoever removes the newest entries, writes the
ledger anew, or restores an older copy of the database alone, leaves a ledger without an entry that is written
down here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from conf import Settings
from tasks.governance.ledger import Broken, Entry

log = logging.getLogger("repricer")

FILE = "ledger_witness.txt"
WITNESSED = re.compile(r"(\d+) ([0-9a-f]{64})")  # a line; a kill leaves a part of one


def witness(settings: Settings, entries: Sequence[Entry]) -> None:
    """Write down entries that were appended; where that fails they stand all the same."""
    lines = "".join(f"{entry.number} {entry.digest()}\n" for entry in entries)
    path = Path(settings.data_folder) / FILE
    try:
        with path.open("a", encoding="ascii") as file:  # one small write: processes do not mix their lines
            file.write(lines)
    except OSError as error:
        log.warning("%s: the new entry of the ledger is not witnessed: %s", path, error)


def missing(settings: Settings, entries: Iterable[Entry]) -> Broken | None:
    """Return the first entry that this folder has written and that the ledger has not."""
    path = Path(settings.data_folder) / FILE
    if not path.exists():
        return None
    digests = {str(entry.number): entry.digest() for entry in entries}
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    witnessed = [match.groups() for match in map(WITNESSED.fullmatch, lines) if match]
    for number, digest in witnessed:
        if digests.get(number) != digest:
            return Broken(
                int(number),
                f"was written here with SHA-256 {digest}, and the ledger has {digests.get(number, 'none')}. "
                f"Whoever restored an older ledger on purpose moves {path} away",
            )
    return None
