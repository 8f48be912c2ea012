"""The ledger: who decided what, when and why, as a chain of entries that are only ever appended.

An entry carries the SHA-256 of the entry before it, so that whoever changes, removes or exchanges an entry
breaks the chain there. This module numbers, chains, dates and checks entries; it does not store them. What an
entry means is said by the module that reads its kind, ``tasks.governance.champion`` for one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from tasks.governance.approval import Approval, Refused

JSON: TypeAlias = Any
"""What `json.dumps` takes: text, numbers, booleans, none, lists and mappings of them."""
PROMOTED, ROLLED_BACK, ADOPTED, REJECTED = "promoted", "rolled_back_to", "adopted", "rejected"
PUBLISHED, TOOK_EFFECT, WITHDRAWN, ENDED = "published", "took_effect", "withdrawn", "ended"
STOPPED, RESUMED = "stopped", "resumed"
KINDS = (
    *(PROMOTED, ROLLED_BACK, ADOPTED, REJECTED),
    *(PUBLISHED, TOOK_EFFECT, WITHDRAWN, ENDED),
    *(STOPPED, RESUMED),
)
FIRST = ""
"""What the first entry carries as the digest of the entry before it."""
SHORTEST = timedelta(microseconds=1)
"""Time between two entries: the newer one is dated later even where the clock was set back."""


class Overtaken(Refused):
    """Somebody else wrote an entry between the look at the ledger and the decision."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A decision.

    Attributes:
        number: 1, 2, 3, ... without gaps.
        kind: of `KINDS`.
        body: what was decided, by the kind.
        approval: who decided, why and when (UTC).
        previous: digest of the entry before it, `FIRST` for the first.
        token: fencing token: never smaller than that of the entry before it.
        recorded: digest that the store keeps beside the entry; none before it is stored.
    """

    number: int
    kind: str
    body: Mapping[str, JSON]
    approval: Approval
    previous: str
    token: int = 0
    recorded: str | None = field(default=None, compare=False)

    def digest(self) -> str:
        """Return the SHA-256 (hexadecimal) of the entry as canonical JSON."""
        content = {
            "number": self.number,
            "kind": self.kind,
            "body": self.body,
            "by": self.approval.by,
            "reason": self.approval.reason,
            "at": stamp(self.approval.at),
            "previous": self.previous,
            "token": self.token,
        }
        return hashlib.sha256(canonical(content).encode()).hexdigest()

    def __str__(self) -> str:
        """Return the number, the kind, who decided and when."""
        return (
            f"entry {self.number} of the ledger ({self.kind} by {self.approval.by}, "
            f"{self.approval.at:%Y-%m-%d %H:%M:%S} UTC)"
        )


@dataclass(frozen=True)
class Broken:
    """The first entry that is not what was written, and what is wrong with it."""

    number: int
    fault: str

    def __str__(self) -> str:
        """Return both."""
        return f"entry {self.number} of the ledger {self.fault}"


class LedgerError(Refused):
    """A ledger that is not what was written."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(
            f"{broken}. No command decides or recommends by a ledger that is not what was written. "
            "Restore its database from a backup; `repricer verify` says when it is whole."
        )
        self.broken = broken


def following(
    newest: Entry | None, kind: str, body: Mapping[str, JSON], approval: Approval, token: int = 0
) -> Entry:
    """Return the entry after the newest: numbered, chained and dated after it.

    Args:
        newest: entry of the ledger, none where it is empty.
        kind: of `KINDS`.
        body: what was decided.
        approval: who decides, why and when.
        token: fencing token of the writer; 0, for a writer that holds none: that of the newest entry.

    Raises:
        ValueError: the kind is not known, or a number of the body is not finite.
        TypeError: the body is no JSON.
    """
    if kind not in KINDS:
        raise ValueError(f"an entry of the ledger is one of {', '.join(KINDS)}. Received: {kind!r}.")
    if newest is not None:
        approval = replace(approval, at=max(approval.at, newest.approval.at + SHORTEST))
    return Entry(
        number=newest.number + 1 if newest else 1,
        kind=kind,
        body=json.loads(canonical(body)),
        approval=approval,
        previous=newest.digest() if newest else FIRST,
        token=token or (newest.token if newest else 0),
    )


def require_next(newest: Entry | None, entry: Entry) -> None:
    """Accept an entry that follows the newest.

    Raises:
        Overtaken: somebody else wrote an entry, or holds a newer token.
    """
    if newest is not None and entry.token < newest.token:
        raise Overtaken(
            f"the token {entry.token} of this command is older than the token {newest.token} of {newest}: "
            "another command has taken over. Nothing was changed."
        )
    expected = (newest.number, newest.digest()) if newest else (0, FIRST)
    if (entry.number - 1, entry.previous) != expected:
        raise Overtaken(
            f"{newest or 'an empty ledger'} is the newest now, decided while this command ran. "
            "Nothing was changed; look and decide again."
        )


def first_broken(entries: Iterable[Entry]) -> Broken | None:
    """Return the first entry whose number, chain, token or digest is wrong, none where the ledger is whole.

    Args:
        entries: all entries in the order of their numbers, as the store read them.
    """
    before: Entry | None = None
    for entry in entries:
        fault = _fault(before, entry)
        if fault:
            return fault
        before = entry
    return None


def own_fault(entry: Entry) -> Broken | None:
    """Return what is wrong with an entry by itself: it is not what its recorded digest says."""
    try:
        digest = entry.digest()
    except (TypeError, ValueError, OverflowError) as error:
        return Broken(entry.number, f"was changed: it is nothing that was ever written ({error})")
    if entry.recorded in (None, digest):
        return None
    recorded = ascii(entry.recorded).strip("'")  # bytes that are no text cannot be printed
    return Broken(entry.number, f"was changed: its SHA-256 is {digest}, and was recorded as {recorded}")


def _fault(before: Entry | None, entry: Entry) -> Broken | None:
    number, previous, token = (before.number + 1, before.digest(), before.token) if before else (1, FIRST, 0)
    if entry.number != number:
        return Broken(number, f"is missing: entry {entry.number} stands in its place")
    changed = own_fault(entry)
    if changed:
        return changed
    if entry.previous != previous:
        return Broken(
            number,
            f"does not follow entry {number - 1}: it was written after {entry.previous or 'no entry'}, "
            f"and entry {number - 1} is {previous or 'none'}",
        )
    if entry.token < token:
        return Broken(number, f"has the token {entry.token}, older than the token {token} before it")
    return None


def canonical(value: JSON) -> str:
    """Return JSON that is the same for equal values: keys in order, no spaces, ASCII.

    Raises:
        ValueError: a number in it is not finite.
        TypeError: it is no JSON.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def stamp(at: datetime) -> str:
    """Return a moment as the ledger keeps it: ISO 8601 in UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
