"""Which price list is in force, which one waits for its moment, and what may follow.

The ledger says everything: a list is published, takes effect at its moment, is replaced by a version of
itself whose promotions ended, or is taken back. Lists wait in a chain, each computed from the prices of the
one before it, so that a step is always a step from the prices that are really in force. While publishing is
stopped no list takes effect, but promotions end and lists are taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tasks.governance.approval import Refused
from tasks.governance.ledger import (
    ENDED,
    PUBLISHED,
    RESUMED,
    STOPPED,
    TOOK_EFFECT,
    WITHDRAWN,
    Entry,
)

KINDS = (PUBLISHED, TOOK_EFFECT, ENDED, WITHDRAWN, STOPPED, RESUMED)
"""Entries of the ledger that this module reads."""
Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PublishedList:
    """A stored list, as its entries name it.

    Attributes:
        name: of its folder.
        manifest: SHA-256 of its manifest.
        effective: moment from which it holds.
        ends: moments at which promotions in it end, in their order.
        root: the published list that it is; a version whose promotions ended has the root of the first.
        follows: root of the list whose prices it changes; none for the first of a shop.
    """

    name: str
    manifest: str
    effective: datetime
    ends: tuple[datetime, ...] = ()
    root: str
    follows: str | None = None

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> PublishedList:
        """Return the list that the body of an entry names."""
        return cls(
            name=body["list"],
            manifest=body["manifest"],
            effective=datetime.fromisoformat(body["effective"]),
            ends=tuple(map(datetime.fromisoformat, body["ends"])),
            root=body["root"],
            follows=body["follows"],
        )

    def body(self) -> Body:
        """Return the list as the body of an entry."""
        return {
            "list": self.name,
            "manifest": self.manifest,
            "effective": self.effective.astimezone(UTC).isoformat(),
            "ends": [end.astimezone(UTC).isoformat() for end in self.ends],
            "root": self.root,
            "follows": self.follows,
        }

    def ended_by(self, now: datetime) -> tuple[datetime, ...]:
        """Return the ends that have come."""
        return tuple(end for end in self.ends if end <= now)


@dataclass(frozen=True, kw_only=True)
class Publications:
    """What stands after some entries of the ledger.

    Attributes:
        lists: every stored list by its name.
        waiting: roots that were published and wait for their moment, in its order.
        line: roots that took effect and were not taken back; the last one is in force.
        versions: name of the newest version by root.
        stopped: whether publishing is stopped, as far as the ledger knows.
    """

    lists: Mapping[str, PublishedList] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
    line: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    stopped: bool = False

    @property
    def in_force(self) -> PublishedList | None:
        """Return the list in force, none where no list took effect."""
        return self.newest(self.line[-1]) if self.line else None

    @property
    def last(self) -> PublishedList | None:
        """Return the list that the next one follows: the last that waits, else the one in force."""
        return self.newest(self.waiting[-1]) if self.waiting else self.in_force

    def newest(self, root: str) -> PublishedList:
        """Return the newest version of a published list."""
        return self.lists[self.versions[root]]

    def after(self, entry: Entry) -> Publications:
        """Return what stands after one more entry; others than of ``KINDS`` change nothing."""
        if entry.kind in (STOPPED, RESUMED):
            return replace(self, stopped=entry.kind == STOPPED)
        if entry.kind in (PUBLISHED, ENDED):
            return self._stored(PublishedList.from_body(entry.body), waits=entry.kind == PUBLISHED)
        if entry.kind == TOOK_EFFECT:
            root = entry.body["list"]
            later = self.waiting[self.waiting.index(root) + 1 :]
            return replace(self, waiting=later, line=(*self.line, root))
        if entry.kind == WITHDRAWN:
            gone = set(entry.body["withdrawn"])
            line, waiting = (
                tuple(root for root in roots if root not in gone) for roots in (self.line, self.waiting)
            )
            return replace(self, line=line, waiting=waiting)
        return self

    def _stored(self, stored: PublishedList, *, waits: bool) -> Publications:
        return replace(
            self,
            lists={**self.lists, stored.name: stored},
            versions={**self.versions, stored.root: stored.name},
            waiting=(*self.waiting, stored.root) if waits else self.waiting,
        )


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """What taking back does.

    Attributes:
        withdrawn: roots that are taken back, the first one as wanted, then those that follow it.
        restored: list that is in force again; none where the list in force stays.
    """

    withdrawn: tuple[str, ...]
    restored: PublishedList | None

    def body(self) -> Body:
        """Return it as the body of an entry."""
        return {
            "withdrawn": list(self.withdrawn),
            "restored": self.restored.name if self.restored else None,
        }


def publications(entries: Iterable[Entry], at: datetime | None = None) -> Publications:
    """Return what stands after the entries of the ledger, or after those until a moment."""
    standing = Publications()
    for entry in entries:
        if at is None or entry.approval.at <= at:
            standing = standing.after(entry)
    return standing


@dataclass(frozen=True, kw_only=True)
class Charge:
    """A list, and the moment since which its prices are charged, until that of the next charge."""

    published: PublishedList
    since: datetime


def charges(entries: Iterable[Entry]) -> list[Charge]:
    """Return what was charged since the first list, and what waits, in the order of their moments."""
    standing, charged = Publications(), list[Charge]()
    for entry in entries:
        standing = standing.after(entry)
        in_force = standing.in_force
        if in_force is not None and (not charged or charged[-1].published.name != in_force.name):
            charged.append(Charge(published=in_force, since=entry.approval.at))
    waiting = map(standing.newest, standing.waiting)
    return [*charged, *(Charge(published=published, since=published.effective) for published in waiting)]


def charged_since(charged: Sequence[Charge], start: datetime) -> list[Charge]:
    """Return the charges of a moment and later, that at the moment first."""
    later = [charge for charge in charged if charge.since > start]
    return [*charged[: len(charged) - len(later)][-1:], *later]


def taking_effect(
    standing: Publications, now: datetime, damaged: Collection[str] = ()
) -> PublishedList | None:
    """Return the waiting list that takes effect now, the latest where the moment of several has come.

    Args:
        standing: what stands now.
        now: moment.
        damaged: roots that are not what was published and stay where they are.
    """
    if standing.stopped:
        return None
    ready = [
        root for root in standing.waiting if standing.newest(root).effective <= now and root not in damaged
    ]
    return standing.newest(ready[-1]) if ready else None


def require_publishable(standing: Publications, wanted: PublishedList) -> None:
    """Accept a list that follows the last one and holds from a later moment.

    Raises:
        Refused: publishing is stopped, the prices that the list was computed from are no longer the last
            ones, or a list waits for the same or a later moment.
    """
    require_running(standing)
    last = standing.last
    if (last.root if last else None) != wanted.follows:
        raise Refused(
            f"the list was computed from the prices of {wanted.follows or 'no list'}; meanwhile "
            f"{last.root if last else 'that list'} was published or taken back. Nothing was published; "
            "run the command again."
        )
    require_later(standing, wanted.effective)


def require_running(standing: Publications) -> None:
    """Accept publishing while it is not stopped.

    Raises:
        Refused: it is.
    """
    if standing.stopped:
        raise Refused(
            "publishing is stopped. Look why (`repricer publish --stop` has a name and a reason), then: "
            "repricer publish --resume --by NAME --reason WHY"
        )


def require_later(standing: Publications, effective: datetime) -> None:
    """Accept a moment after those of all lists that wait.

    Raises:
        Refused: a list waits for the same or a later moment.
    """
    latest = standing.newest(standing.waiting[-1]) if standing.waiting else None
    if latest is not None and effective <= latest.effective:
        raise Refused(
            f"list {latest.root} waits until {latest.effective:%Y-%m-%dT%H:%M}+00:00, and the new one would "
            "come before it. Choose a later moment, or take that list back first: "
            f"repricer withdraw --list {latest.root} --by NAME --reason WHY"
        )


def withdrawal(standing: Publications, name: str | None = None) -> Withdrawal:
    """Return what taking a list back does; the lists that follow it go with it.

    Args:
        standing: what stands now.
        name: of a list that waits or is in force; none: the one in force.

    Raises:
        Refused: there is no such list, or none before the one in force.
    """
    if name is None and not standing.line:
        raise Refused("no list is in force, so there is none to take back.")
    root = standing.line[-1] if name is None else _root(standing, name)
    if root in standing.waiting:
        return Withdrawal(withdrawn=standing.waiting[standing.waiting.index(root) :], restored=None)
    if root != (standing.line or (None,))[-1]:
        raise Refused(
            f"list {name} neither waits nor is in force; {_known(standing)}. Take the list in force back "
            "first, or leave --list out."
        )
    if len(standing.line) == 1:
        raise Refused(
            f"there is no list before {root}: the prices before it were the shop's own. Publish another "
            "list, or stop publishing: repricer publish --stop --by NAME --reason WHY"
        )
    return Withdrawal(withdrawn=(root, *standing.waiting), restored=standing.newest(standing.line[-2]))


def _root(standing: Publications, name: str) -> str:
    """Return the published list that a name stands for."""
    if name not in standing.lists:
        raise Refused(f"there is no list {name}; {_known(standing)}.")
    return standing.lists[name].root


def _known(standing: Publications) -> str:
    in_force = standing.line[-1] if standing.line else "none"
    return f"in force: {in_force}; waiting: {', '.join(standing.waiting) or 'none'}"
