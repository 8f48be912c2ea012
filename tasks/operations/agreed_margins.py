"""Which margins a list rests on where costs are not known, and who agreed to them."""

from __future__ import annotations

from collections.abc import Sequence

from conf import Settings
from tasks.governance.agreed_margins import Agreement, newest_agreement, other_margins, require_same
from tasks.governance.ledger import Entry
from tasks.pricing.assumed_cost import carried_margins, stated_margins
from tasks.pricing.recommend import PolicyModel


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
