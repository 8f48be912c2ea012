"""Which margins a list rests on where costs are not known, and who agreed to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conf import Settings
from tasks.governance.agreed_margins import Agreement, newest_agreement, other_margins, require_same
from tasks.governance.approval import Refused
from tasks.governance.ledger import PUBLISHED, Entry
from tasks.pricing.assumed_cost import carried_margins, stated_margins
from tasks.pricing.recommend import PolicyModel
from tasks.runtime import ledger_store


def agreed_margins(
    settings: Settings, policy: PolicyModel, entries: Sequence[Entry], by: str = ""
) -> tuple[Agreement | None, Settings]:
    """Return the agreement to the margins of a version, and the settings by which floors rest on it alone.

    There is none where nobody agreed to these margins, or all costs are known.

    Args:
        settings: which margins they state, and who agreed by them where the ledger has no agreement.
        policy: of the version.
        entries: of the ledger; its last agreement holds while the version carries the same margins.
        by: who agrees now; empty: nobody.

    Raises:
        Refused: the settings state other margins than the version carries.
    """
    carried, earlier = _carried(policy), newest_agreement(entries)
    by = by or (settings.guard.margins_agreed_by or "").strip() * (earlier is None)
    agreement = Agreement(by=by, margins=carried) if by else earlier
    if agreement is not None and carried and agreement.margins == carried:
        section, objective = settings.price, policy.rules.objective
        stated = stated_margins(policy.market, section.margins, section.stated_margin, objective)
        require_same(agreement, stated)
        return agreement, _resting_on(settings, agreement)
    return None, _resting_on(settings, None)


@dataclass(frozen=True, kw_only=True)
class DraftedMargins:
    """On which margins a draft rests.

    Attributes:
        settings: by which it has the floors that the next published list would have.
        refused: why publishing refuses the settings; none: it does not.
        others: that a person agreed to other margins; none: nobody did.
    """

    settings: Settings
    refused: str | None = None
    others: str | None = None

    def hindrances(self, of_guard: Sequence[str]) -> list[str]:
        """Return why a draft may not be published; other margins matter only where prices need theirs."""
        others = self.others if of_guard else None
        return [*of_guard, *(reason for reason in (others, self.refused) if reason)]


def drafted_margins(settings: Settings, policy: PolicyModel) -> DraftedMargins:
    """Return on which margins a draft of a version rests: on those that publishing would take.

    Args:
        settings: whose ledger has the agreement.
        policy: of the version.
    """
    entries = ledger_store.entries(settings, [PUBLISHED])
    try:
        agreement, resting = agreed_margins(settings, policy, entries)
    except Refused as error:
        return DraftedMargins(settings=_resting_on(settings, None), refused=str(error))
    others = None if agreement else other_agreement(policy, entries)
    return DraftedMargins(settings=resting, others=others)


def other_agreement(policy: PolicyModel, entries: Sequence[Entry]) -> str | None:
    """Return that the last agreement is to other margins than a version carries, none where it is not."""
    carried, earlier = _carried(policy), newest_agreement(entries)
    other = earlier is not None and carried and earlier.margins != carried
    return other_margins(earlier, carried) if earlier and other else None


def _resting_on(settings: Settings, agreement: Agreement | None) -> Settings:
    guard = settings.guard.model_copy(update={"margins_agreed_by": agreement and agreement.by})
    return settings.model_copy(update={"guard": guard})


def _carried(policy: PolicyModel) -> dict[str, float]:
    return carried_margins(policy.market, policy.rules.stated_margin, policy.rules.objective)
