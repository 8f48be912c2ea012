"""Operation: a named person publishes the champion's list of the whole catalogue."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

import pandas as pd
from prefect import task

from conf import Settings
from expectations.columns import ACTION
from tasks.governance.agreed_margins import Agreement
from tasks.governance.approval import Refused, approval
from tasks.governance.champion import HEAD, Champion, require_unchanged, standing
from tasks.governance.champion_age import require_fresh
from tasks.governance.ledger import TOOK_EFFECT
from tasks.governance.local_time import shown
from tasks.governance.publication import PublishedList, require_later, require_running
from tasks.operations.agreed_margins import agreed_margins, other_agreement
from tasks.operations.champion_age import age_limits, age_of
from tasks.operations.channel_charges import with_todays_charges
from tasks.operations.channel_schedule import Schedule
from tasks.operations.draft import Draft, ShopTables, next_list, unknown_of
from tasks.operations.list_inputs import about_of, inputs_of
from tasks.operations.list_rows import published_rows
from tasks.operations.publish_checks import require_publishable
from tasks.operations.published_prices import published_at
from tasks.operations.running import RunningPromotions, running_promotions
from tasks.pricing.recommend import PolicyModel
from tasks.runtime import champion_aliases, publishing, verified_models
from tasks.runtime.delivery import DeliveryError
from tasks.runtime.publishing import NewList, Standing
from tasks.runtime.publishing_due import bring_up, brought_up, deliver_due

log = logging.getLogger("repricer")

RESUME = "A named person resumes it: repricer publish --resume --by NAME --reason WHY"


Sales: TypeAlias = pd.DataFrame | None
"""The sales table of ``ShopTables.sales``, none where none is given."""


class Published(RunningPromotions):
    """A list that was published."""

    list: str
    """Its name."""
    effective: str
    """Moment from which it holds, in the zone of the shop."""
    channels: dict[str, str]
    """Moment from which it holds in every channel, in the channel's zone; empty where there is one."""
    in_force: bool
    """Whether it holds already."""
    version: int
    """Version of `pricing_policy`."""
    prices_in_force: str
    """Where the prices are from that it changes."""
    products: int
    """Rows of the list."""
    actions: dict[str, int]
    """Rows by what the list does to their prices."""
    left_out: list[str]
    """Products whose price in force breaks a hard rule, each with the reason."""
    unknown: list[str]
    """Products that the policy does not know."""
    delivered: list[str]
    """Destinations that have it, read back."""
    seed: int
    """Seed of the random variation."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """Who publishes, why, and from when the list holds.

    Attributes:
        by, reason: of the approval.
        effective: local time of the shop, or with an offset; none: now.
        agree_margins: whether the approver agrees to the margins that the champion carries in place of costs.
        override_breaker: whether the approver publishes a list beyond the limits of `guard.breaker`; rules of
            single prices hold all the same.
        seed: of the random variation; none: a new one.
    """

    by: str
    reason: str
    effective: str | None = None
    agree_margins: bool = False
    override_breaker: bool = False
    seed: int | None = None

    @property
    def agreeing(self) -> str:
        """Return who agrees to the margins, empty where nobody does."""
        return self.by if self.agree_margins else ""


@task(name="publish")
def publish(settings: Settings, release: Release, tables: ShopTables, sales: Sales) -> Published:
    """Publish the list of the champion: all of it, or nothing.

    Raises:
        Refused: nobody is champion, nobody signs, the list may not leave, publishing is stopped, or the
            champion or the last list changed while this ran, or the champion is too old.
        LocalTimeError: the moment does not exist, or exists twice.
        ManifestError: the champion is not what was approved.
        DeliveryError: the list is published, and a destination does not have it yet.
    """
    signed = approval(release.by, release.reason)
    seed = secrets.randbits(32) if release.seed is None else release.seed
    before, schedule = _begin(settings, release.effective)
    champion, policy = _champion(settings)
    agreement, settings = agreed_margins(settings, policy, before.entries, release.agreeing)
    shelf, charged = published_at(settings, before, schedule.first), with_todays_charges(policy, settings)
    draft = next_list(settings, charged, tables, sales, published=shelf, seed=seed)
    _warn_of_age(settings, draft, champion.versions[HEAD])
    others = None if agreement else other_agreement(policy, before.entries)
    findings = draft.guard.findings(draft.table)
    require_publishable(draft, findings, others, override_breaker=release.override_breaker)
    rows = published_rows(draft, champion.versions, schedule)
    wanted = NewList(
        rows=rows,
        effective=schedule.first,
        follows=before.lists.last.root if before.lists.last else None,
        inputs=inputs_of(settings, draft, tables, sales),
        about={**about_of(settings, draft, tables, champion, seed), "channels": schedule.record()},
        agreed=_agreed(champion, agreement, findings, tables),
    )
    published = publishing.publish(settings, wanted, signed, partial(_require_champion, champion))
    return Published(
        list=published.name,
        effective=shown(schedule.first, schedule.shop),
        channels=schedule.shown(),
        version=champion.versions[HEAD],
        seed=seed,
        **_contents(draft, rows, findings),  # type: ignore[typeddict-item]
        **_sent(settings, published),  # type: ignore[typeddict-item]
    )


def _agreed(
    champion: Champion, agreement: Agreement | None, findings: Mapping[str, Any], tables: ShopTables
) -> dict[str, Any]:
    """Return what the entry of the ledger says that its approver agreed to."""
    agreed = {
        "versions": dict(champion.versions),
        "margins": agreement.body() if agreement else None,
        "breaker_overridden": findings["tripped"],
    }
    return {**agreed, "called_off": list(tables.called_off)} if tables.called_off else agreed


def _contents(draft: Draft, rows: pd.DataFrame, findings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a list has, and from which prices it starts."""
    return {
        "products": len(rows),
        "actions": {str(name): int(count) for name, count in rows[ACTION].value_counts().items()},
        "left_out": findings["left_out"],
        "unknown": unknown_of(draft),
        "prices_in_force": draft.known.prices_in_force,
        **running_promotions(draft.known.current, draft.table),
    }


def _begin(settings: Settings, effective: str | None) -> tuple[Standing, Schedule]:
    """Do what is due, and return what stands when the command begins, and from when its list holds.

    Raises:
        Refused: publishing is stopped, the moment has passed, or a list waits for a later one.
    """
    bring_up(settings)
    before, now = publishing.standing(settings), datetime.now(UTC)
    if before.stopped_because:
        raise Refused(f"{before.stopped_because}. {RESUME}")
    require_running(before.lists)
    schedule = Schedule.of(settings, effective, now)
    if schedule.first < now:
        raise Refused(
            f"--effective {effective} has passed. Name a later moment, or leave it out to publish now."
        )
    require_later(before.lists, schedule.first)
    last = before.lists.last
    if last is not None and any(end > schedule.first for end in last.ends):
        schedule.require_after(publishing.about(settings, before.lists.lists[last.root]))
    return before, schedule


def _champion(settings: Settings) -> tuple[Champion, PolicyModel]:
    """Return the champion and its policy, loaded from a copy that is byte for byte what was approved."""
    champion = champion_aliases.champion(settings)
    if champion is None:
        raise Refused(
            "nobody was promoted: only the champion's list is published. "
            "repricer promote --version N --by NAME --reason WHY"
        )
    served = verified_models.load(settings, HEAD, champion.versions[HEAD], champion)
    policy: PolicyModel = served.unwrap_python_model().policy
    return champion, policy


def _warn_of_age(settings: Settings, draft: Draft, version: int) -> None:
    """Warn of a champion that is old, by the calendar or by the sales.

    Raises:
        Refused: it is too old.
    """
    for sentence in require_fresh(age_of(draft, version), age_limits(settings)):
        log.warning(sentence)


def _require_champion(champion: Champion, now: Standing) -> None:
    """Accept a list whose version is still the champion when it is entered.

    Raises:
        Refused: somebody else was made champion meanwhile.
    """
    require_unchanged(champion, standing(now.entries).champion)


def _sent(settings: Settings, published: PublishedList) -> dict[str, Any]:
    """Let the list take effect if its moment has come and deliver it.

    Raises:
        DeliveryError: the list is published, and a destination does not have it yet.
    """
    brought = brought_up(settings)
    deliveries = deliver_due(settings)
    problems = [*brought.problems, *deliveries.problems]
    if problems:
        lines = "\n".join(problems)
        raise DeliveryError(f"list {published.name} is published, and not everywhere yet: {lines}")
    effects = {entry.body["list"] for entry in brought.entries if entry.kind == TOOK_EFFECT}
    return {"in_force": published.name in effects, "delivered": deliveries.delivered}
