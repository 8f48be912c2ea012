"""What has come due: lists whose moment came, promotions that ended, and destinations that lack the list."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from conf import Settings
from tasks.governance.approval import Approval
from tasks.governance.ledger import ENDED, PUBLISHED, TOOK_EFFECT, Entry
from tasks.governance.publication import Publications, PublishedList, taking_effect
from tasks.governance.published_rows import ended, ends_of
from tasks.runtime import delivery
from tasks.runtime.delivery import DeliveryError, Shipment
from tasks.runtime.published_lists import ListError, Pointer, faults, folder_of, name_at, stage
from tasks.runtime.published_tables import rows_and_unlisted, rows_of, tables_of
from tasks.runtime.publishing import (
    Decision,
    Standing,
    at_work,
    enter,
    mirror,
    standing,
    zone,
)


@dataclass(frozen=True, kw_only=True)
class BroughtUp:
    """What came due: the entries for it, and what could not be done."""

    entries: list[Entry]
    problems: list[str]


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    """Where the list in force is.

    Attributes:
        delivered: destinations that got it now, read back.
        withheld: sentences on those that get it when publishing is resumed.
        problems: sentences on those that should have it and have not.
    """

    delivered: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def bring_up(settings: Settings, now: datetime | None = None) -> list[Entry]:
    """Let take effect whose moment has come, end promotions, and return the entries of both.

    Args:
        settings: of the data folder.
        now: moment; none: that of the clock.

    Raises:
        ListError: a list is not what was published and stays where it is; everything else was done.
        Overtaken: another command entered something meanwhile.
        StoreError: the database of the ledger does not answer.
    """
    brought = brought_up(settings, now)
    if brought.problems:
        raise ListError("\n".join(brought.problems))
    return brought.entries


def brought_up(settings: Settings, now: datetime | None = None) -> BroughtUp:
    """Do like ``bring_up``, and return what could not be done instead of raising it."""
    now = now or datetime.now(UTC)
    problems: list[str] = []
    with at_work(settings) as writer:
        root, before = folder_of(settings), standing(settings)
        effective = _effective(root, before.lists, now, problems)
        decisions = [_effect(before, effective)] if effective else []
        current = effective or before.lists.in_force
        if current is not None and not (root / current.name).is_dir():
            problems.append(f"{root / current.name}: the list in force by the ledger is gone. Restore it")
        elif current is not None and current.ended_by(now):
            try:
                decisions.append(_end(settings, root, before, current, current.ended_by(now)[-1]))
            except ListError as error:
                problems.append(f"the promotions of list {current.name} cannot end: {error}")
        after = enter(settings, before, *decisions, writer=writer)
        mirror(settings, after, writer)
    return BroughtUp(entries=list(after.entries[len(before.entries) :]), problems=problems)


def deliver_due(settings: Settings) -> Deliveries:
    """Deliver the list in force to every destination that lacks it; what one answers stops no other."""
    done = Deliveries()
    with at_work(settings) as writer:
        root, lists = folder_of(settings), standing(settings).lists
        current = lists.in_force
        if current is None:
            return done
        places = delivery.due(settings, current.name, current.root, stopped=lists.stopped)
        try:
            shipment = _shipment(root, current) if places else None
        except ListError as error:
            done.problems.append(f"list {current.name} is delivered nowhere: {error}")
            return done
        for place in places:
            if not lists.stopped and standing(settings).lists.stopped:
                break  # somebody stopped publishing after the look
            assert shipment is not None
            writer.require_newest()
            try:
                delivery.deliver(settings, place, shipment)
                done.delivered.append(place)
            except DeliveryError as error:
                done.problems.append(str(error))
        _withheld(settings, done)
    return done


def _withheld(settings: Settings, done: Deliveries) -> None:
    """Say which destinations lack the list in force because publishing is stopped.

    It is a problem where they may have a list that was taken back.
    """
    lists = standing(settings).lists
    current = lists.in_force
    if current is None or not lists.stopped:
        return
    for place, held in delivery.withheld(settings, current.name, current.root).items():
        known = lists.lists.get(held or "")
        has = f"still has list {held}" if held else "has no list of ours"
        sentence = f"destination {place} {has}; {current.name}, which was never there, is delivered when "
        sentence += "a named person resumes publishing: repricer publish --resume --by NAME --reason WHY"
        if held and (known is None or known.root not in lists.line):
            done.problems.append(sentence.replace(has, f"{has}, which was taken back", 1))
        else:
            done.withheld.append(sentence)


def _effective(root: Path, lists: Publications, now: datetime, problems: list[str]) -> PublishedList | None:
    """Return the list that takes effect now; those that are not what was published become problems."""
    damaged: set[str] = set()
    while (wanted := taking_effect(lists, now, damaged)) is not None:
        problem = next(faults(root, Pointer(wanted.name, wanted.manifest)), None)
        if problem is None:
            return wanted
        damaged.add(wanted.root)
        problems.append(
            f"list {wanted.name} does not take effect, it is not what was published: {problem}. Restore it "
            f"from a backup, or: repricer withdraw --list {wanted.name} --by NAME --reason WHY"
        )
    return None


def _effect(before: Standing, effective: PublishedList) -> Decision:
    return TOOK_EFFECT, {"list": effective.root}, _signed(before, effective, "its moment came")


def _end(
    settings: Settings, root: Path, before: Standing, current: PublishedList, over: datetime
) -> Decision:
    """Stage the version of a list in which promotions ended or channels began, and return the decision."""
    rows, unlisted = ended(*rows_and_unlisted(root, current), over)
    shop = zone(settings)
    about = {"root": current.root, "ended_from": current.name, "ended_at": over.isoformat()}
    local = over.astimezone(shop)
    pointer = stage(root, tables_of(rows, unlisted, shop), about, name_at(local))
    version = replace(
        current, name=pointer.list, manifest=pointer.manifest, effective=over, ends=ends_of(rows, unlisted)
    )
    reason = f"its promotions ended, or its channels began, by {local:%Y-%m-%d %H:%M}"
    return ENDED, version.body(), _signed(before, current, reason)


def _signed(before: Standing, published: PublishedList, reason: str) -> Approval:
    """Return the approval of what follows from a publication, in the name of who published."""
    entries = (entry for entry in before.entries if entry.kind == PUBLISHED)
    by = next(entry.approval.by for entry in entries if entry.body["root"] == published.root)
    return Approval(by, f"list {published.root}: {reason}", datetime.now(UTC))


def _shipment(root: Path, current: PublishedList) -> Shipment:
    return Shipment(
        name=current.name,
        root=current.root,
        manifest=current.manifest,
        folder=root / current.name,
        rows=rows_of(root, current),
    )
