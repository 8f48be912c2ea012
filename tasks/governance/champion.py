"""Who is champion: one entry per promotion or rollback, numbered from 1; the newest entry is the champion.

An entry names the versions of all three models. This module decides what may follow an entry; it does not
store entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tasks.governance.approval import Approval, Refused, require_promotable

MODELS = ("demand", "price_response", "pricing_policy")
HEAD = "pricing_policy"
"""The model that a person promotes; the versions that it is pinned to come with it."""
PROMOTED, ROLLED_BACK = "promoted", "rolled_back_to"
SHORTEST = timedelta(seconds=1)
"""Time between two decisions; their dates are kept to the second."""
Tags = Mapping[str, str]


class Unresolved(Refused):
    """There are traces of a champion that do not name one; only a promotion by a person settles it."""


@dataclass(frozen=True, kw_only=True)
class Champion:
    """An entry of the ledger: the versions of all three models, who decided, and which entry it replaced.

    Attributes:
        number: 1, 2, 3, ... without gaps.
        replaces: number of the entry that was the newest when the decision was taken, none for the first.
        action: `PROMOTED` or `ROLLED_BACK`.
        digests: SHA-256 of the manifest of every version, as it was approved; empty for entries that are
            older than manifests.
    """

    number: int
    replaces: int | None
    action: str
    versions: Mapping[str, int]
    approval: Approval
    digests: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the version of the policy, who decided and when."""
        return (
            f"version {self.versions[HEAD]} (by {self.approval.by}, {self.approval.at:%Y-%m-%d %H:%M:%S} UTC)"
        )

    def tags(self) -> dict[str, str]:
        """Return the decision as tags of its versions."""
        return self.approval.tags(self.action)


def entry(
    current: Champion | None,
    action: str,
    versions: Mapping[str, int],
    approval: Approval,
    digests: Mapping[str, str] | None = None,
) -> Champion:
    """Return the entry that replaces the current one, dated after it even where the clock was set back."""
    number = current.number if current else 0
    if current:
        approval = replace(approval, at=max(approval.at, current.approval.at + SHORTEST))
    return Champion(
        number=number + 1,
        replaces=number or None,
        action=action,
        versions=dict(versions),
        approval=approval,
        digests=dict(digests or {}),
    )


def pinned(version: int, tags: Tags | None) -> dict[str, int]:
    """Return the versions of all three models that belong to a version of the policy with these tags.

    Raises:
        Refused: the version does not exist, or its verdict is not PASS.
        FormatError: it is of another format.
    """
    require_promotable(HEAD, version, tags)
    assert tags is not None
    return {
        "demand": int(tags["demand_version"]),
        "price_response": int(tags["price_response_version"]),
        HEAD: version,
    }


def require_unchanged(replaces: int | None, newest: Champion | None) -> None:
    """Accept an entry only while the one that it replaces is the newest.

    Raises:
        Refused: somebody else decided in the meantime; the message says who.
    """
    if (newest.number if newest else None) != replaces:
        standing = str(newest) if newest else "none: the ledger is empty"
        raise Refused(
            f"the champion is now {standing}, decided while this command ran. "
            "Nothing was changed; look and decide again."
        )


def adopted(aliased: Mapping[str, int], tags: Mapping[str, Tags]) -> Champion:
    """Return the first entry of a shop that promoted before there was a ledger.

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
            "Promote a version: `repricer promote --version N --by NAME --reason WHY`."
        )
    action, approval = decision
    return entry(None, action, aliased, approval)


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
