"""The switch that stops all publishing: what its file and the ledger say together.

Stopped wins: a stop counts wherever it stands, until a named person resumes publishing after it. So a file
that was restored from a backup does not lift a newer stop of the ledger, and one that was thrown while the
database was down stops publishing before the ledger knows of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.governance.approval import Approval
from tasks.governance.ledger import RESUMED, STOPPED, Entry

KINDS = (STOPPED, RESUMED)
AT = "switched_at"
"""Key in the body of an entry: moment of the turn, which tells turns apart."""


@dataclass(frozen=True)
class Turn:
    """A turn of the switch: `STOPPED` or `RESUMED`, by whom, why and when."""

    kind: str
    approval: Approval

    @property
    def at(self) -> datetime:
        """When it was turned."""
        return self.approval.at

    def body(self) -> dict[str, str]:
        """Return the turn as the body of its entry."""
        return {AT: self.at.isoformat()}

    def __str__(self) -> str:
        """Return what was done, by whom, since when and why."""
        return f"{self.kind} by {self.approval.by} since {self.at:%Y-%m-%d %H:%M} UTC: {self.approval.reason}"


def turns_of(entries: Iterable[Entry]) -> list[Turn]:
    """Return the turns that the ledger has, in its order."""
    return [
        Turn(
            entry.kind,
            Approval(entry.approval.by, entry.approval.reason, datetime.fromisoformat(entry.body[AT])),
        )
        for entry in entries
        if entry.kind in KINDS
    ]


def not_entered(in_file: Iterable[Turn], in_ledger: Sequence[Turn]) -> list[Turn]:
    """Return the turns of the file that the ledger does not have yet, the oldest first.

    A resumption from before the newest stop of the ledger is none of them: it lifted another stop.
    """
    known = {turn.at for turn in in_ledger}
    newest_stop = max((turn.at for turn in in_ledger if turn.kind == STOPPED), default=None)
    return [
        turn
        for turn in in_file
        if turn.at not in known and (turn.kind == STOPPED or newest_stop is None or turn.at > newest_stop)
    ]


def newest(in_file: Sequence[Turn], in_ledger: Sequence[Turn]) -> Turn | None:
    """Return the turn that decides, none where the switch was never used."""
    turns = [*in_ledger, *not_entered(in_file, in_ledger)]
    return turns[-1] if turns else None
