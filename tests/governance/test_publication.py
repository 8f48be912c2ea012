"""Publications: one list in force, a chain that waits, a switch that holds lists back but never an end."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.governance.approval import Approval, Refused
from tasks.governance.ledger import (
    ENDED,
    PROMOTED,
    PUBLISHED,
    RESUMED,
    STOPPED,
    TOOK_EFFECT,
    WITHDRAWN,
    Entry,
    following,
)
from tasks.governance.publication import (
    PublishedList,
    charged_since,
    charges,
    publications,
    require_publishable,
    taking_effect,
    withdrawal,
)

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
INTERLEAVINGS = 1000


@dataclass
class Shop:
    """A ledger in memory and its clock, driven as the commands drive them."""

    entries: list[Entry] = field(default_factory=list)
    now: datetime = NOON

    @property
    def standing(self) -> Any:
        return publications(self.entries)

    def enter(self, kind: str, body: dict[str, Any]) -> None:
        newest = self.entries[-1] if self.entries else None
        self.entries.append(following(newest, kind, body, Approval("Ada", "why", self.now)))

    def publish(self, name: str, hours: float = 0, ends: tuple[float, ...] = ()) -> None:
        last = self.standing.last
        effective = self.now + hours * HOUR
        wanted = PublishedList(
            name=name,
            manifest="0" * 64,
            effective=effective,
            ends=tuple(effective + end * HOUR for end in ends),
            root=name,
            follows=last.root if last else None,
        )
        require_publishable(self.standing, wanted)
        self.enter(PUBLISHED, wanted.body())
        self.due()

    def due(self) -> None:
        effective = taking_effect(self.standing, self.now)
        if effective:
            self.enter(TOOK_EFFECT, {"list": effective.root})
        standing = self.standing.in_force
        if standing and standing.ended_by(self.now):
            left = tuple(end for end in standing.ends if end > self.now)
            version = PublishedList(
                name=f"{standing.name}'",
                manifest="1" * 64,
                effective=standing.ended_by(self.now)[-1],
                ends=left,
                root=standing.root,
                follows=standing.follows,
            )
            self.enter(ENDED, version.body())

    def withdraw(self, name: str | None = None) -> None:
        self.enter(WITHDRAWN, withdrawal(self.standing, name).body())
        self.due()

    def switch(self, kind: str) -> None:
        self.enter(kind, {})
        self.due()

    def at(self, hours: float) -> None:
        self.now = NOON + hours * HOUR

    @property
    def in_force(self) -> str | None:
        standing = self.standing.in_force
        return standing.name if standing else None


def test_a_list_takes_effect_at_its_moment_and_not_a_minute_before() -> None:
    shop = Shop()
    shop.publish("a")
    shop.publish("b", hours=2)
    for hours, name in ((2 - 1 / 60, "a"), (2, "b")):
        shop.at(hours)
        shop.due()
        assert shop.in_force == name


def test_what_was_in_force_at_a_moment_is_read_from_the_entries_until_it() -> None:
    shop = Shop()
    assert publications(shop.entries).in_force is None
    shop.publish("a")
    shop.at(3)
    shop.publish("b")
    for hours, name in ((0.1, "a"), (2.9, "a"), (3.1, "b")):
        standing = publications(shop.entries, NOON + hours * HOUR).in_force
        assert standing is not None
        assert standing.name == name


def test_the_lists_of_the_last_days_are_those_in_force_since_and_those_that_wait() -> None:
    shop = Shop()
    assert charges(shop.entries) == charged_since([], NOON) == []
    for hours, name in ((0, "a"), (24, "b"), (48, "c")):
        shop.at(hours)
        shop.publish(name)
    shop.publish("d", hours=1)
    shop.withdraw("d")
    shop.withdraw()
    shop.publish("e", hours=1)
    for hours, names in ((47, "bcbe"), (48.5, "be"), (1, "abcbe"), (-1, "abcbe")):
        charged = charged_since(charges(shop.entries), NOON + hours * HOUR)
        assert [charge.published.name for charge in charged] == list(names)
    assert charged[0].since == shop.entries[1].approval.at


def test_of_several_lists_whose_moments_passed_only_the_latest_takes_effect() -> None:
    shop = Shop()
    for name, hours in (("a", 0), ("b", 1), ("c", 2), ("d", 9)):
        shop.publish(name, hours=hours)
    shop.at(5)
    shop.due()
    assert shop.in_force == "c"
    assert shop.standing.line == ("a", "c"), "b was never in force, so nobody goes back to it"
    assert shop.standing.waiting == ("d",)


def test_a_promotion_that_ends_while_publishing_is_stopped_is_restored() -> None:
    shop = Shop()
    shop.publish("a", ends=(1, 2))
    shop.publish("b", hours=1.5)
    shop.switch(STOPPED)
    shop.at(1)
    shop.due()
    assert shop.in_force == "a'"
    assert shop.standing.newest("a").ends == (NOON + 2 * HOUR,), "the other promotion still runs"
    shop.at(3)
    shop.due()
    assert (shop.in_force, shop.standing.waiting) == ("a''", ("b",))
    shop.switch(RESUMED)
    assert shop.in_force == "b"


def test_a_list_whose_promotion_ended_before_it_took_effect_takes_effect_without_it() -> None:
    shop = Shop()
    shop.publish("a", hours=1, ends=(1,))
    shop.at(5)
    shop.due()
    assert shop.in_force == "a'"


def test_taking_back_restores_the_newest_version_of_the_list_before() -> None:
    shop = Shop()
    shop.publish("a", ends=(1,))
    shop.publish("b", hours=2)
    shop.at(2)
    shop.due()
    shop.withdraw()
    assert shop.in_force == "a'", "its promotion is over, and does not come back"


def test_a_second_withdrawal_goes_back_once_more_and_the_first_list_stays() -> None:
    shop = Shop()
    for hour, name in enumerate("abc"):
        shop.at(hour)
        shop.publish(name)
    shop.withdraw()
    shop.withdraw("b")
    assert shop.in_force == "a"
    with pytest.raises(Refused, match=r"there is no list before a: .*--stop"):
        shop.withdraw()


def test_what_follows_a_list_is_taken_back_with_it() -> None:
    shop = Shop()
    for name, hours in (("a", 0), ("b", 1), ("c", 2), ("d", 3)):
        shop.publish(name, hours=hours)
    assert withdrawal(shop.standing, "c").restored is None
    shop.withdraw("c")
    assert (shop.in_force, shop.standing.waiting) == ("a", ("b",))
    shop.at(1)
    shop.due()
    shop.publish("e", hours=1)
    shop.withdraw()
    assert (shop.in_force, shop.standing.waiting) == ("a", ()), "e was computed from the prices of b"


def test_taking_back_names_what_it_cannot_take_back() -> None:
    shop = Shop()
    with pytest.raises(Refused, match="no list is in force"):
        shop.withdraw()
    with pytest.raises(Refused, match=r"there is no list z; in force: none; waiting: none"):
        shop.withdraw("z")
    shop.publish("a")
    shop.at(1)
    shop.publish("b")
    shop.publish("c", hours=1)
    with pytest.raises(Refused, match="list a neither waits nor is in force; in force: b; waiting: c"):
        shop.withdraw("a")


def test_nothing_is_published_while_publishing_is_stopped() -> None:
    shop = Shop()
    shop.switch(STOPPED)
    with pytest.raises(Refused, match=r"stopped.*--resume"):
        shop.publish("a")
    shop.switch(RESUMED)
    shop.publish("a")
    assert shop.in_force == "a"


def test_a_list_before_one_that_waits_is_refused_with_the_way_out() -> None:
    shop = Shop()
    shop.publish("a")
    shop.publish("b", hours=5)
    with pytest.raises(Refused, match=r"list b waits until 2026-12-01T17:00\+00:00.*withdraw --list b"):
        shop.publish("c", hours=5)


def test_a_list_that_was_computed_from_other_prices_is_refused() -> None:
    shop = Shop()
    late = PublishedList(name="z", manifest="", effective=NOON, root="z", follows=None)
    shop.publish("a")
    with pytest.raises(Refused, match="computed from the prices of no list; meanwhile a was published"):
        require_publishable(shop.standing, late)
    stray = PublishedList(name="z", manifest="", effective=NOON, root="z", follows="y")
    with pytest.raises(Refused, match="of y; meanwhile that list was published or taken back"):
        require_publishable(publications([]), stray)


def test_entries_of_other_kinds_change_nothing() -> None:
    shop = Shop()
    shop.publish("a")
    before = shop.standing
    shop.enter(PROMOTED, {})
    assert shop.standing == before


# --- a slow model, which keeps whole histories where the ledger's reader keeps pointers ---


class Model:
    def __init__(self) -> None:
        self.shelf: list[dict[str, Any]] = []  # lists that took effect and stand
        self.queue: list[dict[str, Any]] = []
        self.stopped = False

    def publish(self, name: str, effective: datetime, ends: list[datetime]) -> bool:
        if self.stopped or any(other["effective"] >= effective for other in self.queue):
            return False
        self.queue.append({"name": name, "effective": effective, "ends": ends, "ticks": 0})
        return True

    def run(self, now: datetime) -> None:
        if not self.stopped:
            come = [entry for entry in self.queue if entry["effective"] <= now]
            self.queue = [entry for entry in self.queue if entry["effective"] > now]
            self.shelf += come[-1:]
        if self.shelf:
            top = self.shelf[-1]
            if any(end <= now for end in top["ends"]):
                top["ticks"] += 1
            top["ends"] = [end for end in top["ends"] if end > now]

    def withdraw(self) -> bool:
        if len(self.shelf) < 2:
            return False
        self.shelf.pop()
        self.queue = []
        return True

    @property
    def in_force(self) -> str | None:
        return self.shelf[-1]["name"] + "'" * self.shelf[-1]["ticks"] if self.shelf else None


@pytest.mark.parametrize("part", range(4))
def test_any_interleaving_of_publish_withdraw_and_switch_is_as_in_a_slow_model(part: int) -> None:
    for seed in range(part, INTERLEAVINGS, 4):
        rng, shop, model = random.Random(seed), Shop(), Model()
        for step in range(20):
            shop.now += rng.choice((0, 0.5, 1, 5)) * HOUR
            deed = rng.choice(("publish", "publish", "due", "withdraw", STOPPED, RESUMED))
            done = _same(rng, deed, f"{step}.", shop, model)
            model.run(shop.now)
            if done:
                shop.due()
            assert shop.in_force == model.in_force, f"seed {seed}, step {step}: {deed}"
            assert list(shop.standing.waiting) == [entry["name"] for entry in model.queue]
            assert shop.standing.stopped == model.stopped


def _same(rng: random.Random, deed: str, name: str, shop: Shop, model: Model) -> bool:
    """Do the same to the shop and to the model; return whether time must be followed in the shop."""
    shop.due()
    model.run(shop.now)
    if deed in (STOPPED, RESUMED):
        shop.enter(deed, {})
        model.stopped = deed == STOPPED
    elif deed == "publish":
        hours, ends = rng.choice((0, 0, 1, 3)), tuple(rng.sample((1, 2, 4), rng.randint(0, 2)))
        ends = tuple(sorted(ends))
        moment = shop.now + hours * HOUR
        accepted = model.publish(name, moment, [moment + end * HOUR for end in ends])
        if accepted:
            shop.publish(name, hours, ends)
        else:
            with pytest.raises(Refused):
                shop.publish(name, hours, ends)
    elif deed == "withdraw":
        if model.withdraw():
            shop.withdraw()
        else:
            with pytest.raises(Refused):
                shop.withdraw()
    return True
