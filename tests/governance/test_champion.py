"""The champion is what the entries of the ledger come to, whatever other entries lie between them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.governance.approval import Approval, Refused
from tasks.governance.champion import (
    HEAD,
    Champion,
    Standing,
    champion_of,
    change,
    require_allowed,
    require_unchanged,
    standing,
)
from tasks.governance.ledger import (
    ADOPTED,
    PROMOTED,
    PUBLISHED,
    REJECTED,
    RESUMED,
    ROLLED_BACK,
    STOPPED,
    Entry,
    first_broken,
    following,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = Approval("Ada", "why", NOON)


def body(version: int, overridden: Sequence[str] = ()) -> dict[str, Any]:
    """Return the body of an entry that makes a version of the policy champion."""
    versions = {"demand": version + 1, "price_response": version + 2, HEAD: version}
    return change(versions, {name: f"{name} {version}" for name in versions}, overridden)


def ledger(*decisions: tuple[str, dict[str, Any]]) -> list[Entry]:
    """Return entries of decisions, as they follow each other."""
    entries: list[Entry] = []
    for kind, content in decisions:
        require_allowed(standing(entries), kind, content)
        entries.append(following(entries[-1] if entries else None, kind, content, ADA))
    return entries


def test_the_newest_entry_that_makes_a_champion_names_it_and_the_one_before_is_gone_back_to() -> None:
    assert standing([]).champion is None
    assert standing([]).previous is None
    entries = ledger(
        (PROMOTED, body(1)), (PUBLISHED, {"list": "a"}), (ADOPTED, body(2)), (STOPPED, {}), (RESUMED, {})
    )
    state = standing(entries)
    assert state.champion is not None
    assert state.previous is not None
    assert (state.champion.versions[HEAD], state.previous.versions[HEAD]) == (2, 1)
    assert (state.champion.number, state.previous.number) == (3, 1)
    assert state.champion.mark == f"3 {entries[2].digest()}"
    assert str(state.champion) == "version 2 (by Ada, 2026-03-01 12:00:00 UTC)"
    back = standing([*entries, following(entries[-1], ROLLED_BACK, body(1), ADA)])
    assert (back.champion or state.champion).versions[HEAD] == 1


def test_an_entry_of_the_last_release_is_tagged_as_it_was() -> None:
    adopted = following(None, ADOPTED, {**body(1), "was": ROLLED_BACK}, ADA)
    assert champion_of(adopted).tags() == ADA.tags("rolled_back_to")
    assert champion_of(following(None, ADOPTED, body(1), ADA)).tags() == ADA.tags("adopted")


def test_what_was_overridden_stands_in_the_entry() -> None:
    entry = following(None, PROMOTED, body(1, ["trial_lift", "coverage"]), ADA)
    assert entry.body["overridden"] == ["coverage", "trial_lift"]
    assert champion_of(entry).overridden == ["coverage", "trial_lift"]
    assert "overridden" not in body(1), "nothing is said where nothing was"


REFUSALS: dict[str, tuple[list[tuple[str, dict[str, Any]]], str]] = {
    "the champion is not rejected": (
        [(PROMOTED, body(1)), (REJECTED, {"version": 1})],
        r"version 1 \(by Ada, .*\) is the champion: only a candidate is rejected.*repricer rollback",
    ),
    "nothing is rejected twice": (
        [(REJECTED, {"version": 1}), (REJECTED, {"version": 1})],
        r"version 1 was rejected already by Ada at 2026-03-01 12:00:00 UTC \(why\)",
    ),
    "the rejected is not promoted": (
        [(REJECTED, {"version": 1}), (PROMOTED, body(1))],
        r"version 1 was rejected by Ada .*`repricer promote --version 1 --override rejected --by",
    ),
    "the rejected is not adopted": (
        [(REJECTED, {"version": 1}), (ADOPTED, body(1, ["trial_lift"]))],
        "version 1 was rejected by Ada",
    ),
    "the rejected is not gone back to": (
        [(PROMOTED, body(1)), (PROMOTED, body(2)), (REJECTED, {"version": 1}), (ROLLED_BACK, body(1))],
        "version 1 was rejected by Ada",
    ),
    "a rollback without a predecessor": (
        [(PROMOTED, body(1)), (ROLLED_BACK, body(1))],
        "there is no previous champion to go back to",
    ),
    "a rollback elsewhere": (
        [(PROMOTED, body(1)), (PROMOTED, body(2)), (PROMOTED, body(3)), (ROLLED_BACK, body(1))],
        "there is no previous champion to go back to",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_may_not_follow_is_refused(name: str) -> None:
    decisions, message = REFUSALS[name]
    ledger(*decisions[:-1])
    with pytest.raises(Refused, match=message):
        ledger(*decisions)


def test_a_rejected_version_is_promoted_where_that_is_overridden_by_name_and_may_be_rejected_anew() -> None:
    entries = ledger(
        (REJECTED, {"version": 1}),
        (PROMOTED, body(1, [REJECTED])),
        (PROMOTED, body(2)),
        (REJECTED, {"version": 1}),
    )
    assert standing(entries[:3]).rejected == {}
    assert list(standing(entries).rejected) == [1]


def test_a_decision_on_a_champion_that_is_none_any_more_is_refused() -> None:
    first, second = (champion_of(entry) for entry in ledger((PROMOTED, body(1)), (PROMOTED, body(2))))
    require_unchanged(None, None)
    require_unchanged(first, first)
    with pytest.raises(Refused, match=r"the champion is now version 2 \(by Ada, .* look and decide again"):
        require_unchanged(first, second)
    with pytest.raises(Refused, match="the champion is now none: the ledger is empty"):
        require_unchanged(first, None)


# --- interleavings ---


class Oracle:
    """Who is champion, kept by an independent simulation: a list, a set and nothing else."""

    def __init__(self) -> None:
        self.champions: list[int] = []
        self.rejected: set[int] = set()

    def allows(self, kind: str, version: int) -> bool:
        """Return whether a decision may be taken."""
        if kind == REJECTED:
            return version not in self.rejected and self.champions[-1:] != [version]
        if kind == ROLLED_BACK:
            before = [champion for champion in self.champions if champion != self.champions[-1]]
            return before[-1:] == [version] and version not in self.rejected
        return kind != PROMOTED or version not in self.rejected

    def take(self, kind: str, version: int) -> None:
        if kind in (PROMOTED, ROLLED_BACK):
            self.champions.append(version)
        elif kind == REJECTED:
            self.rejected.add(version)


def drawn(draw: random.Random, state: Standing) -> tuple[str, int]:
    """Draw a decision and a version; a rollback mostly goes to the champion before."""
    kind = draw.choice([PROMOTED, ROLLED_BACK, REJECTED, STOPPED, RESUMED])
    back: Champion | None = state.previous if kind == ROLLED_BACK and draw.random() < 0.8 else None
    return kind, back.versions[HEAD] if back else draw.randrange(1, 6)


CONTENT: dict[str, Callable[[int], dict[str, Any]]] = {
    REJECTED: lambda version: {"version": version},
    STOPPED: lambda _: {},
    RESUMED: lambda _: {},
}


@pytest.mark.parametrize("block", range(10))
def test_whatever_the_order_of_decisions_there_is_one_champion_and_the_chain_holds(block: int) -> None:
    for seed in range(100 * block, 100 * block + 100):
        draw, oracle, entries = random.Random(seed), Oracle(), list[Entry]()
        for _ in range(draw.randrange(1, 15)):
            kind, version = drawn(draw, standing(entries))
            content = CONTENT.get(kind, body)(version)
            try:
                require_allowed(standing(entries), kind, content)
            except Refused:
                assert not oracle.allows(kind, version), f"seed {seed}: {kind} {version} was refused"
                continue
            assert oracle.allows(kind, version), f"seed {seed}: {kind} {version} was accepted"
            oracle.take(kind, version)
            entries.append(following(entries[-1] if entries else None, kind, content, ADA))
        state = standing(entries)
        assert [champion.versions[HEAD] for champion in state.champions] == oracle.champions, f"seed {seed}"
        assert set(state.rejected) == oracle.rejected, f"seed {seed}"
        assert first_broken(entries) is None, f"seed {seed}"


def test_a_champion_that_is_promoted_again_is_not_the_one_before() -> None:
    state = standing(ledger((PROMOTED, body(1)), (PROMOTED, body(2)), (PROMOTED, body(2))))
    assert state.previous is not None
    assert state.previous.versions[HEAD] == 1, "a rollback goes back to another version"


def test_an_override_of_a_rejection_does_not_answer_for_a_later_one() -> None:
    overruled = body(1, [REJECTED])
    entries = ledger(
        *((REJECTED, {"version": 1}), (PROMOTED, overruled), (PROMOTED, body(2)), (REJECTED, {"version": 1}))
    )
    with pytest.raises(Refused, match="version 1 was rejected"):
        require_allowed(standing(entries), ROLLED_BACK, overruled)
