"""Who is champion, by the entries of the ledger: the newest of those that make a champion names it.

An entry names the versions of all three models and the manifests that were approved. This module says what an
entry means and which may follow; it does not store entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.governance.approval import Approval, Refused, require_promotable
from tasks.governance.ledger import ADOPTED, JSON, PROMOTED, REJECTED, ROLLED_BACK, Entry

MODELS = ("demand", "price_response", "pricing_policy")
HEAD = "pricing_policy"
"""The model that a person promotes; the versions that it is pinned to come with it."""
CROWNING = (PROMOTED, ROLLED_BACK, ADOPTED)
"""Kinds of entries that make a champion."""
KINDS = (*CROWNING, REJECTED)
"""Kinds of entries that say who is champion, and who may be."""
Tags = Mapping[str, str]


class Unresolved(Refused):
    """There are traces of a champion that do not name one; only a decision of a person settles it."""


@dataclass(frozen=True, kw_only=True)
class Champion:
    """What an entry of the ledger made champion, and who decided.

    Attributes:
        number: of the entry.
        mark: of the entry, by which the registry says that its aliases follow it.
        action: what was done to become champion: the kind of the entry, or what it was in an older ledger.
        digests: SHA-256 of the manifest of every version, as it was approved; empty for entries that are
            older than manifests.
        overridden: gates that it failed and that were overridden by name.
    """

    number: int
    mark: str
    action: str
    versions: Mapping[str, int]
    approval: Approval
    digests: Mapping[str, str]
    overridden: Sequence[str]

    def __str__(self) -> str:
        """Return the version of the policy, who decided and when."""
        return (
            f"version {self.versions[HEAD]} (by {self.approval.by}, {self.approval.at:%Y-%m-%d %H:%M:%S} UTC)"
        )

    def tags(self) -> dict[str, str]:
        """Return the decision as tags of its versions."""
        return self.approval.tags(self.action)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the entries of a ledger come to.

    Attributes:
        champions: all that there were, the newest last.
        rejected: version of the policy -> who rejected it, why and when.
    """

    champions: Sequence[Champion] = ()
    rejected: Mapping[int, Approval] = field(default_factory=dict)

    @property
    def champion(self) -> Champion | None:
        """The champion, none where nobody was promoted."""
        return self.champions[-1] if self.champions else None

    @property
    def previous(self) -> Champion | None:
        """The last champion of other versions, to which a rollback goes back; decided twice, it is one."""
        earlier = reversed(self.champions)
        others = (entry for entry in earlier if entry.versions != self.champions[-1].versions)
        return next(others, None)


def standing(entries: Iterable[Entry]) -> Standing:
    """Return what entries come to; those of other kinds than `KINDS` do not matter."""
    champions: list[Champion] = []
    rejected: dict[int, Approval] = {}
    for entry in entries:
        if entry.kind in CROWNING:
            champions.append(champion_of(entry))
            rejected.pop(champions[-1].versions[HEAD], None)
        elif entry.kind == REJECTED:
            rejected[entry.body["version"]] = entry.approval
    return Standing(champions=champions, rejected=rejected)


def champion_of(entry: Entry) -> Champion:
    """Return what an entry that makes a champion says."""
    return Champion(
        number=entry.number,
        mark=f"{entry.number} {entry.digest()}",
        action=entry.body.get("was", entry.kind),
        versions=entry.body["versions"],
        approval=entry.approval,
        digests=entry.body["manifests"],
        overridden=entry.body.get("overridden", ()),
    )


def change(
    versions: Mapping[str, int], manifests: Mapping[str, str], overridden: Sequence[str] = ()
) -> dict[str, JSON]:
    """Return the body of an entry that makes a champion.

    Args:
        versions: of all three models.
        manifests: SHA-256 of the manifest of every version.
        overridden: gates that it failed, which the person who decides overrides by name.
    """
    body: dict[str, JSON] = {"versions": dict(versions), "manifests": dict(manifests)}
    return body | ({"overridden": sorted(overridden)} if overridden else {})


def pinned(version: int, tags: Tags | None, overridden: Sequence[str] = ()) -> dict[str, int]:
    """Return the versions of all three models that belong to a version of the policy with these tags.

    Raises:
        Refused: the version does not exist, or failed a gate that is not overridden.
        FormatError: it is of another format.
    """
    require_promotable(HEAD, version, tags, overridden)
    assert tags is not None
    return {
        "demand": int(tags["demand_version"]),
        "price_response": int(tags["price_response_version"]),
        HEAD: version,
    }


def require_unchanged(seen: Champion | None, now: Champion | None) -> None:
    """Accept a decision only while the champion that it replaces is still champion.

    Raises:
        Refused: somebody else decided in the meantime; the message says who.
    """
    if seen != now:
        raise Refused(
            f"the champion is now {now or 'none: the ledger is empty'}, decided while this command ran. "
            "Nothing was changed; look and decide again."
        )


def require_allowed(state: Standing, kind: str, body: Mapping[str, JSON]) -> None:
    """Accept an entry that may follow where the ledger stands.

    Raises:
        Refused: a champion would be rejected, a rejected version become champion, or a rollback go elsewhere
            than to the champion before.
    """
    if kind == REJECTED:
        _require_rejectable(state, body["version"])
    elif kind in CROWNING:
        version = body["versions"][HEAD]
        if kind == ROLLED_BACK and (state.previous is None or state.previous.versions != body["versions"]):
            raise Refused("there is no previous champion to go back to.")
        if version in state.rejected and (kind == ROLLED_BACK or REJECTED not in body.get("overridden", ())):
            raise Refused(
                f"{HEAD} version {version} was rejected {by_whom(state.rejected[version])}. Promote another "
                f"version, or overrule that by name: `repricer promote --version {version} "
                f"--override {REJECTED} --by NAME --reason WHY`."
            )


def _require_rejectable(state: Standing, version: int) -> None:
    if state.champion is not None and state.champion.versions[HEAD] == version:
        raise Refused(
            f"{HEAD} {state.champion} is the champion: only a candidate is rejected. Go back to the champion "
            "before with `repricer rollback`, or promote another version, then reject this one."
        )
    if version in state.rejected:
        raise Refused(f"{HEAD} version {version} was rejected already {by_whom(state.rejected[version])}.")


def by_whom(signed: Approval) -> str:
    """Return who decided, when and why."""
    return f"by {signed.by} at {signed.at:%Y-%m-%d %H:%M:%S} UTC ({signed.reason})"
