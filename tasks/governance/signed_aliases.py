"""The champion of a shop that promoted before there was a ledger: what its aliases and tags say together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from tasks.governance.approval import Approval
from tasks.governance.champion import HEAD, MODELS, Tags, Unresolved
from tasks.governance.ledger import PROMOTED, ROLLED_BACK


def signed_decision(aliased: Mapping[str, int], tags: Mapping[str, Tags]) -> tuple[str, Approval]:
    """Return the decision that made aliased versions champion: what was done, by whom, why and when.

    Args:
        aliased: version of each model that its alias points to.
        tags: of those versions, by model.

    Raises:
        Unresolved: the three versions do not belong together, did not pass, or nobody signed all three.
    """
    faults = _mixture(aliased, tags)
    decisions = {name: _decision(tags.get(name, {})) for name in MODELS}
    unsigned = [name for name, decision in decisions.items() if decision is None]
    faults += [f"{name} has no readable promoted_by, promoted_at and promoted_reason" for name in unsigned]
    if not faults and len(set(decisions.values())) > 1:
        faults = ["the three were not approved by one decision"]
    decision = decisions[HEAD]
    if faults or decision is None:
        standing = ", ".join(f"{name} {aliased.get(name, 'none')}" for name in MODELS)
        raise Unresolved(
            f"who is champion is not known: the aliases point to {standing}; {'; '.join(faults)}. "
            "Promote a version: `repricer promote --version N --by NAME --reason WHY`, or take up the one "
            "that the aliases name: `repricer adopt --by NAME --reason WHY`."
        )
    return decision


def _mixture(aliased: Mapping[str, int], tags: Mapping[str, Tags]) -> list[str]:
    if set(aliased) != set(MODELS):
        return [f"{name} has no champion" for name in MODELS if name not in aliased]
    faults = [
        f"{name} version {aliased[name]} is not PASS"
        for name in MODELS
        if tags.get(name, {}).get("verdict") != "PASS"
    ]
    pins = {name: tags.get(HEAD, {}).get(f"{name}_version") for name in MODELS if name != HEAD}
    faults += [
        f"{HEAD} {aliased[HEAD]} belongs to {name} {pin}"
        for name, pin in pins.items()
        if pin != str(aliased[name])
    ]
    return faults


def _decision(tags: Tags) -> tuple[str, Approval] | None:
    """Return the newer of the two decisions that the tags of a version tell."""
    decisions = []
    for action in (PROMOTED, ROLLED_BACK):
        by, reason = (tags.get(f"{action}_{field}", "") for field in ("by", "reason"))
        at = _moment(tags.get(f"{action}_at", ""))
        if by and reason and at:
            decisions.append((action, Approval(by, reason, at)))
    return max(decisions, key=lambda decision: decision[1].at, default=None)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None
