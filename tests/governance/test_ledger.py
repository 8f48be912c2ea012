"""The ledger is a chain: of what is changed, removed, exchanged or slipped in, the first is named."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.governance.approval import Approval
from tasks.governance.ledger import (
    FIRST,
    KINDS,
    PROMOTED,
    REJECTED,
    Broken,
    Entry,
    LedgerError,
    Overtaken,
    first_broken,
    following,
    require_next,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = Approval("Ada", "why", NOON)


def chain(length: int = 6, token: int = 3) -> list[Entry]:
    """Return entries as a store reads them."""
    entries: list[Entry] = []
    for number in range(length):
        entry = following(entries[-1] if entries else None, PROMOTED, {"version": number}, ADA, token)
        entries.append(replace(entry, recorded=entry.digest()))
    return entries


def test_entries_are_numbered_chained_and_dated_one_after_the_other() -> None:
    first, second = chain(2)
    assert (first.number, first.previous, second.number, second.previous) == (1, FIRST, 2, first.digest())
    assert first.approval.at == NOON
    assert second.approval.at == NOON + timedelta(microseconds=1)
    later = following(second, REJECTED, {}, replace(ADA, at=NOON + timedelta(days=1)))
    assert later.approval.at == NOON + timedelta(days=1), "the clock went on"
    assert following(second, REJECTED, {}, replace(ADA, at=NOON - timedelta(days=1))).approval.at > NOON
    assert later.token == 3, "who holds no token writes with the newest"
    assert str(later) == "entry 3 of the ledger (rejected by Ada, 2026-03-02 12:00:00 UTC)"


def test_a_digest_is_the_same_wherever_it_is_computed() -> None:
    entry = following(None, PROMOTED, {"b": 1, "a": [1.5, None, "ä"]}, ADA)
    text = (
        '{"at":"2026-03-01T12:00:00.000000+00:00","body":{"a":[1.5,null,"\\u00e4"],"b":1},"by":"Ada",'
        '"kind":"promoted","number":1,"previous":"","reason":"why","token":0}'
    )
    assert entry.digest() == hashlib.sha256(text.encode()).hexdigest()
    berlin = replace(ADA, at=datetime.fromisoformat("2026-03-01T13:00:00+01:00"))
    assert following(None, PROMOTED, {"a": (1.5, None, "ä"), "b": 1}, berlin).digest() == entry.digest()


def test_a_body_is_a_copy() -> None:
    body = {"versions": {"demand": 1}}
    entry = following(None, PROMOTED, body, ADA)
    body["versions"]["demand"] = 2
    assert entry.body == {"versions": {"demand": 1}}


def test_what_is_no_entry_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one of promoted, rolled_back_to, .*Received: 'promotd'"):
        following(None, "promotd", {}, ADA)
    with pytest.raises(ValueError, match="not JSON compliant"):
        following(None, PROMOTED, {"price": float("nan")}, ADA)
    with pytest.raises(TypeError, match="datetime"):
        following(None, PROMOTED, {"from": NOON}, ADA)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_ledger_has_no_broken_entry(kind: str) -> None:
    assert first_broken([]) is None
    entries = chain()
    assert first_broken(entries) is None
    assert first_broken([*entries, following(entries[-1], kind, {}, ADA)]) is None, "not stored yet"


def test_a_writer_who_was_overtaken_reads_who_came_first() -> None:
    _, second, third = entries = chain(3)
    require_next(second, third)
    require_next(None, entries[0])
    with pytest.raises(Overtaken, match=r"entry 3 of the ledger \(promoted by Ada, .* is the newest now"):
        require_next(third, following(second, PROMOTED, {}, ADA))
    with pytest.raises(Overtaken, match="an empty ledger is the newest now"):
        require_next(None, third)
    with pytest.raises(Overtaken, match=r"token 2 of this command is older than the token 3 of entry 3"):
        require_next(third, following(third, PROMOTED, {}, ADA, token=2))
    require_next(third, following(third, PROMOTED, {}, ADA, token=4))


OTHER: dict[str, Any] = {
    "kind": REJECTED,
    "body": {"version": 99},
    "approval": replace(ADA, by="Mallory"),
    "previous": "0" * 64,
    "token": 4,
    "recorded": "0" * 64,
}


@pytest.mark.parametrize("column", [*OTHER, "reason", "at"])
@pytest.mark.parametrize("position", [0, 2, 5])
def test_a_changed_entry_is_named(column: str, position: int) -> None:
    entries = chain()
    signed = entries[position].approval
    change = {
        "reason": {"approval": replace(signed, reason="lift")},
        "at": {"approval": replace(signed, at=NOON + timedelta(hours=1))},
    }.get(column) or {column: OTHER[column]}
    entries[position] = replace(entries[position], **change)
    assert "was changed: its SHA-256 is" in str(named(entries, position + 1))


@pytest.mark.parametrize("position", [0, 2, 5])
def test_a_changed_number_leaves_a_gap_or_a_double(position: int) -> None:
    entries = chain()
    entries[position] = replace(entries[position], number=position + 21)
    assert "is missing" in str(named(entries, position + 1)), "unless it is the last, it sorts behind"


SHAPES: dict[str, tuple[Callable[[list[Entry]], object], int, str]] = {
    "first removed": (lambda entries: entries.pop(0), 1, "is missing: entry 2 stands in its place"),
    "third removed": (lambda entries: entries.pop(2), 3, "is missing: entry 4 stands in its place"),
    "two swapped": (lambda entries: swap(entries, 2, 4), 3, "is missing: entry 5 stands in its place"),
    "two swapped, with their numbers": (lambda entries: swap(entries, 2, 4, True), 3, "was changed"),
    "two swapped, numbered and digested": (
        lambda entries: swap(entries, 2, 4, True, True),
        3,
        "does not follow entry 2",
    ),
    "appended without a chain": (
        lambda entries: entries.append(sealed(replace(entries[-1], number=7, previous=FIRST))),
        7,
        "it was written after no entry, and entry 6 is",
    ),
    "changed with its digest": (
        lambda entries: entries.__setitem__(2, sealed(replace(entries[2], body={}))),
        4,
        "does not follow entry 3",
    ),
    "an older token": (
        lambda entries: entries.append(sealed(replace(following(entries[-1], PROMOTED, {}, ADA), token=1))),
        7,
        "has the token 1, older than the token 3 before it",
    ),
}


def swap(entries: list[Entry], left: int, right: int, numbered: bool = False, digested: bool = False) -> None:
    """Exchange two entries; with the numbers of their places, and with digests of what they are then."""
    entries[left], entries[right] = entries[right], entries[left]
    for position in (left, right):
        if numbered:
            entries[position] = replace(entries[position], number=position + 1)
        if digested:
            entries[position] = sealed(entries[position])


def sealed(entry: Entry) -> Entry:
    """Return an entry with the digest of what it is."""
    return replace(entry, recorded=entry.digest())


@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_breaks_the_chain_is_named_where_it_breaks(shape: str) -> None:
    tamper, number, fault = SHAPES[shape]
    entries = chain()
    tamper(entries)
    assert fault in str(named(entries, number))


def named(entries: list[Entry], number: int) -> LedgerError:
    """Assert that the entry of a number is the first broken one, and return the error that says so."""
    broken = first_broken(entries)
    assert isinstance(broken, Broken), "the ledger passes for whole"
    assert broken.number == number
    error = LedgerError(broken)
    assert f"entry {number} of the ledger" in str(error)
    return error
