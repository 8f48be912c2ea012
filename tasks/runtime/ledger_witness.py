"""The entries of the ledger that this data folder has written: a chain does not show that its end is missing.

The file lies outside of the database, one line an entry. Whoever removes the newest entries, writes the
ledger anew, or restores an older copy of the database alone, leaves a ledger without an entry that is written
down here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from os import SEEK_END
from pathlib import Path

from conf import Settings
from tasks.governance.ledger import Broken, Entry

log = logging.getLogger("repricer")

FILE = "ledger_witness.txt"
WITNESSED = re.compile(r"(\d+) ([0-9a-f]{64})")  # a line; a kill leaves a part of one


def witness(settings: Settings, entries: Sequence[Entry]) -> None:
    """Write down entries that were appended; where that fails they stand all the same."""
    lines = "".join(_line(entry.number, entry.digest()) for entry in entries)
    path = path_of(settings)
    try:
        with path.open("ab+") as file:  # one small write: processes do not mix their lines
            if file.tell():
                file.seek(-1, SEEK_END)
                lines = lines if file.read() == b"\n" else f"\n{lines}"  # after what a kill left
            file.write(lines.encode("ascii"))
    except OSError as error:
        log.warning("%s: the new entry of the ledger is not witnessed: %s", path, error)


def witnessed(settings: Settings) -> list[str]:
    """Return the lines that this folder has written; read them before the ledger, which never has fewer.

    None are returned where the file cannot be read: ``faults`` says so.
    """
    try:
        return _lines(path_of(settings))
    except OSError:
        return []


def missing(settings: Settings, lines: Iterable[str], entries: Iterable[Entry]) -> Broken | None:
    """Return the first entry that this folder has written and that the ledger has not.

    Args:
        settings: of the data folder.
        lines: of ``witnessed``.
        entries: of the ledger, whole.
    """
    digests = {str(entry.number): entry.digest() for entry in entries}
    for match in filter(None, map(WITNESSED.fullmatch, lines)):
        number, digest = match.groups()
        if digests.get(number) != digest:
            return Broken(
                int(number),
                f"was written here with SHA-256 {digest}, and the ledger has {digests.get(number, 'none')}. "
                "An older database was restored, or another one is named than before; whoever means that "
                f"moves {path_of(settings)} away",
            )
    return None


def faults(settings: Settings, entries: Sequence[Entry]) -> Iterator[str]:
    """Yield the first line of the file that nothing wrote here, and whether the file cannot be read."""
    path = path_of(settings)
    try:
        lines = _lines(path)
    except OSError as error:
        yield f"{path}: the witness of the ledger cannot be read ({error.strerror})"
        return
    whole = [_line(entry.number, entry.digest()).strip() for entry in entries]
    for number, line in enumerate(lines, start=1):
        if not WITNESSED.fullmatch(line) and not any(entry.startswith(line) for entry in whole):
            yield f"{path}: line {number} was changed: it is no part of a line that was ever written here"
            return


def path_of(settings: Settings) -> Path:
    """Return the path of the file."""
    return Path(settings.data_folder) / FILE


def _line(number: int, digest: str) -> str:
    return f"{number} {digest}\n"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").split("\n")
    except FileNotFoundError:
        return []
