"""What has come due: lists whose moment came, promotions that ended, and destinations that lack the list."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from conf import Settings
from tasks.governance.approval import Approval
from tasks.governance.ledger import ENDED, PUBLISHED, TOOK_EFFECT, Entry
from tasks.governance.publication import PublishedList, taking_effect
from tasks.governance.published_rows import ended, ends_of
from tasks.runtime import delivery
from tasks.runtime.delivery import DeliveryError, Shipment
from tasks.runtime.published_lists import Pointer, manifest_of, name_at, stage
from tasks.runtime.publishing import (
    Decision,
    Standing,
    at_work,
    enter,
    mirror,
    rows_and_unlisted,
    rows_of,
    standing,
    tables_of,
    zone,
)


def bring_up(settings: Settings, now: datetime | None = None) -> list[Entry]:
    """Let take effect whose moment has come, end promotions, and return the entries of both.

    Args:
        settings: of the data folder.
        now: moment; none: that of the clock.

    Raises:
        ListError: a list is not what was published; the one in force stays.
        Overtaken: another command entered something meanwhile.
        StoreError: the database of the ledger does not answer.
    """
    now = now or datetime.now(UTC)
    with at_work(settings) as root:
        before = standing(settings)
        effective = taking_effect(before.lists, now)
        decisions = [_effect(root, before, effective)] if effective else []
        current = effective or before.lists.in_force
        if current is not None and current.ended_by(now):
            decisions.append(_end(settings, root, before, current, current.ended_by(now)[-1]))
        after = enter(settings, before, *decisions)
        mirror(settings, after)
    return list(after.entries[len(before.entries) :])


def deliver_due(settings: Settings) -> list[str]:
    """Deliver the list in force to every destination that lacks it, and return those that got it.

    Raises:
        DeliveryError: one or more did not take it; the message has a line for each.
        ListError: the list is not what was published.
    """
    delivered, problems = [], []
    with at_work(settings) as root:
        lists = standing(settings).lists
        current = lists.in_force
        places = delivery.due(settings, current.name, current.root, stopped=lists.stopped) if current else []
        if current is None or not places:
            return []
        shipment = _shipment(root, current)
        for place in places:
            if not lists.stopped and standing(settings).lists.stopped:
                break  # somebody stopped publishing after the look
            try:
                delivery.deliver(settings, place, shipment)
                delivered.append(place)
            except DeliveryError as error:
                problems.append(str(error))
    if problems:
        raise DeliveryError("\n".join(problems))
    return delivered


def _effect(root: Path, before: Standing, effective: PublishedList) -> Decision:
    manifest_of(root, Pointer(effective.name, effective.manifest))
    return TOOK_EFFECT, {"list": effective.root}, _signed(before, effective, "its moment came")


def _end(
    settings: Settings, root: Path, before: Standing, current: PublishedList, over: datetime
) -> Decision:
    """Stage the version of a list in which promotions have ended, and return the decision for it."""
    rows, unlisted = ended(*rows_and_unlisted(root, current), over)
    shop = zone(settings)
    about = {"root": current.root, "ended_from": current.name, "ended_at": over.isoformat()}
    local = over.astimezone(shop)
    pointer = stage(root, tables_of(rows, unlisted, shop), about, name_at(local))
    version = replace(
        current, name=pointer.list, manifest=pointer.manifest, effective=over, ends=ends_of(rows, unlisted)
    )
    reason = f"its promotions until {local:%Y-%m-%d %H:%M} ended"
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
