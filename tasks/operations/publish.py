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
from expectations.columns import ACTION, PRODUCT, REASON, REFERENCE_PRICE, SERIES, STORE
from tasks.governance.approval import Refused, approval
from tasks.governance.champion import HEAD, Champion, require_unchanged, standing
from tasks.governance.ledger import TOOK_EFFECT
from tasks.governance.local_time import moment, shown
from tasks.governance.publication import PublishedList, require_later, require_running
from tasks.governance.published_rows import micros
from tasks.operations.draft import Draft, ShopTables, next_list, unknown_of
from tasks.operations.list_inputs import about_of, inputs_of
from tasks.operations.list_rows import published_rows
from tasks.operations.published_prices import published_at
from tasks.operations.running import CALLED_OFF, RunningPromotions, running_promotions
from tasks.pricing.guarded_plan import LEAVE_OUT
from tasks.pricing.recommend import ANNOUNCED, ANNOUNCED_PRICE, PolicyModel
from tasks.runtime import champion_aliases, publishing, verified_models
from tasks.runtime.delivery import DeliveryError
from tasks.runtime.publishing import NewList, Standing
from tasks.runtime.publishing_due import bring_up, deliver_due

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
        agree_margins: whether the approver agrees to the stated margins that stand in for unknown costs.
        seed: of the random variation; none: a new one.
    """

    by: str
    reason: str
    effective: str | None = None
    agree_margins: bool = False
    seed: int | None = None


@task(name="publish")
def publish(settings: Settings, release: Release, tables: ShopTables, sales: Sales) -> Published:
    """Publish the list of the champion: all of it, or nothing.

    Raises:
        Refused: nobody is champion, nobody signs, the list may not leave, publishing is stopped, or the
            champion or the last list changed while this ran.
        LocalTimeError: the moment does not exist, or exists twice.
        ManifestError: the champion is not what was approved.
        DeliveryError: the list is published, and a destination does not have it yet.
    """
    signed, settings = approval(release.by, release.reason), _agreeing(settings, release)
    seed = secrets.randbits(32) if release.seed is None else release.seed
    bring_up(settings)
    before, effective = _begin(settings, release.effective)
    champion, policy = _champion(settings)
    shelf = published_at(settings, before, effective)
    draft = next_list(settings, policy, tables, sales, published=shelf, seed=seed)
    _require_publishable(draft, findings := draft.guard.findings(draft.table))
    rows = published_rows(draft, champion.versions, effective, publishing.zone(settings))
    wanted = NewList(
        rows=rows,
        effective=effective,
        follows=before.lists.last.root if before.lists.last else None,
        inputs=inputs_of(settings, draft, tables, sales),
        about=about_of(settings, draft, champion, seed),
        agreed=_agreed(settings, champion, tables),
    )
    published = publishing.publish(settings, wanted, signed, partial(_require_champion, champion))
    return Published(
        list=published.name,
        effective=shown(effective, publishing.zone(settings)),
        version=champion.versions[HEAD],
        left_out=findings["left_out"],
        unknown=unknown_of(draft),
        prices_in_force=draft.known.prices_in_force,
        seed=seed,
        **running_promotions(draft.known.current, draft.table),
        **_counts(rows),  # type: ignore[typeddict-item]
        **_sent(settings, published),  # type: ignore[typeddict-item]
    )


def _counts(rows: pd.DataFrame) -> dict[str, Any]:
    actions = {str(name): int(count) for name, count in rows[ACTION].value_counts().items()}
    return {"products": len(rows), "actions": actions}


def _begin(settings: Settings, effective: str | None) -> tuple[Standing, datetime]:
    """Return what stands when the command begins, and the moment from which its list holds.

    Raises:
        Refused: publishing is stopped, the moment has passed, or a list waits for a later one.
    """
    before, now = publishing.standing(settings), datetime.now(UTC)
    if before.stopped_because:
        raise Refused(f"{before.stopped_because}. {RESUME}")
    require_running(before.lists)
    at = now if effective is None else moment(effective, publishing.zone(settings))
    if at < now:
        raise Refused(
            f"--effective {effective} has passed. Name a later moment, or leave it out to publish now."
        )
    require_later(before.lists, at)
    return before, at


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


def _require_champion(champion: Champion, now: Standing) -> None:
    """Accept a list whose version is still the champion when it is entered.

    Raises:
        Refused: somebody else was made champion meanwhile.
    """
    require_unchanged(champion, standing(now.entries).champion)


def _require_publishable(draft: Draft, findings: Mapping[str, Any]) -> None:
    """Accept a list that its guard lets leave.

    Raises:
        Refused: it is a draft.
    """
    reasons = [*findings["hindrances"], *_unknown_after(draft), *_missing(draft), *_not_called_off(draft)]
    if findings["left_out"] and len(findings["left_out"]) == len(draft.table):
        reasons.append("every product is left out")
    if reasons:
        raise Refused(
            f"the list is a draft, nothing was published: {'; '.join(reasons)}. "
            "See it with `repricer recommend --out list.xlsx`; --agree-margins agrees to assumed margins."
        )


def _missing(draft: Draft) -> list[str]:
    """Return why a list is not of the whole catalogue: `--prices` names some of its products only."""
    catalogue, listed = (
        pd.MultiIndex.from_frame(rows[SERIES]) for rows in (draft.policy.market, draft.table)
    )
    missing = catalogue.difference(listed)
    if missing.empty:
        return []
    product, store = missing[0]
    where = f"first: {product} in {store}"
    lack = f"{len(missing)} of {len(catalogue)} products of the catalogue have no price in force ({where})"
    return [f"{lack}: give all of them with --prices, or leave it out"]


def _not_called_off(draft: Draft) -> list[str]:
    """Return the promotions that are called off and run on, because the list leaves their products out."""
    if CALLED_OFF not in draft.known.current:
        return []
    out = draft.table[ACTION].to_numpy() == LEAVE_OUT
    products = draft.table.loc[out & draft.known.current[CALLED_OFF].to_numpy(bool), PRODUCT]
    left_out = "the list leaves its product out, so its promotion ends as published; take back --call-off"
    return [f"{product}: {left_out}" for product in products]


def _unknown_after(draft: Draft) -> list[str]:
    """Return why a promotion could not end: the price before it is not known."""
    table = draft.table
    if ANNOUNCED_PRICE not in draft.known.current:
        return []
    announced = draft.known.current[ANNOUNCED_PRICE].to_numpy(float)
    same = micros(pd.Series(announced, table.index).fillna(0.0)) == micros(table[REFERENCE_PRICE])
    rows = table[(table[REASON] == ANNOUNCED) & same & (table[ACTION] != LEAVE_OUT)]
    if rows.empty:
        return []
    first = rows.iloc[0]
    where = f"first: {first[PRODUCT]} in {first[STORE]}"
    known = "so the price after them is not known: give the prices before them with --prices"
    return [f"{len(rows)} promotions ({where}) run at the price in force, {known}"]


def _agreeing(settings: Settings, release: Release) -> Settings:
    """Return the settings with the approver's name under the assumed margins, where the approver agrees."""
    if not release.agree_margins:
        return settings
    guard = settings.guard.model_copy(update={"margins_agreed_by": release.by})
    return settings.model_copy(update={"guard": guard})


def _agreed(settings: Settings, champion: Champion, tables: ShopTables) -> dict[str, Any]:
    """Return what the entry of the ledger says that the approver agreed to."""
    agreed = {"versions": dict(champion.versions), "margins": _margins(settings)}
    return {**agreed, "called_off": list(tables.called_off)} if tables.called_off else agreed


def _margins(settings: Settings) -> dict[str, Any] | None:
    """Return the assumed margins that a person agreed to, and who; none: nobody did."""
    agreed_by = settings.guard.margins_agreed_by
    if agreed_by is None:
        return None
    margins = {**settings.price.margins, "(all others)": settings.price.stated_margin}
    return {"agreed_by": agreed_by, "margins": margins}


def _sent(settings: Settings, published: PublishedList) -> dict[str, Any]:
    """Let the list take effect if its moment has come and deliver it.

    Raises:
        DeliveryError: the list is published, and a destination does not have it yet.
    """
    entries = bring_up(settings)
    try:
        delivered = deliver_due(settings)
    except DeliveryError as error:
        raise DeliveryError(f"list {published.name} is published, and not everywhere yet: {error}") from None
    effects = {entry.body["list"] for entry in entries if entry.kind == TOOK_EFFECT}
    return {"in_force": published.name in effects, "delivered": delivered}
