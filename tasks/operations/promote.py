"""Promotion and rollback: a named person's decision becomes an entry of the ledger; the aliases follow it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from prefect import task
from typing_extensions import TypedDict

from conf import Settings
from tasks.governance.approval import Refused, approval, require_promotable
from tasks.governance.champion import HEAD, MODELS, PROMOTED, ROLLED_BACK, Champion, Unresolved, entry, pinned
from tasks.governance.manifest import Manifest
from tasks.runtime import champion_aliases, champion_store, track, verified_models

log = logging.getLogger("repricer")


class Promoted(TypedDict):
    """The champion after a promotion or a rollback, the one before it, and who decided, when and why.

    ``number`` is that of the ledger's entry.
    """

    champion: dict[str, int]
    previous: dict[str, int | None]
    number: int
    by: str
    at: str
    reason: str


@task(name="promote")
def promote(settings: Settings, version: int, by: str, reason: str) -> Promoted:
    """Make a version of the policy, and the demand and response it was trained on, champion.

    The entry approves every byte of the three. A champion that was approved before its files were recorded
    may be promoted once more, as it is now.

    Raises:
        Refused: the version does not exist, its verdict is not PASS, it is champion already, nobody signs, or
            somebody else decided while this ran.
        FormatError: the version, or one that it is pinned to, is of another format.
        ManifestError: one of them is not what was registered.
    """
    track.open_store(settings)
    signed = approval(by, reason)
    current = _current(settings)
    versions = pinned(version, track.version_tags(HEAD, version))
    _require_promotable(versions)
    manifests = verified_models.verified(settings, versions)
    decision = entry(current, PROMOTED, versions, signed, _digests(manifests))
    if current is not None and (current.versions, current.digests) == (versions, decision.digests):
        raise Refused(f"{HEAD} version {version} is champion already.")
    return _decide(settings, current, decision, manifests)


@task(name="rollback")
def rollback(settings: Settings, by: str, reason: str) -> Promoted:
    """Make the previous champion champion again; a second rollback therefore undoes the first.

    Raises:
        Refused: there is no previous champion, a version of it is gone, nobody signs, or somebody else
            decided while this ran.
        FormatError: a version of it is of another format.
        ManifestError: one of them is not what was approved.
    """
    track.open_store(settings)
    signed = approval(by, reason)
    current = _current(settings)
    before = champion_store.numbered(settings, current.replaces) if current and current.replaces else None
    if before is None:
        raise Refused("there is no previous champion to go back to.")
    _require_promotable(before.versions)
    manifests = verified_models.verified(settings, before.versions)
    if before.digests:
        for manifest in manifests:
            verified_models.require_approved(before, manifest)
    decision = entry(current, ROLLED_BACK, before.versions, signed, _digests(manifests))
    return _decide(settings, current, decision, manifests)


def _current(settings: Settings) -> Champion | None:
    """Return the champion that the decision replaces; an unresolved one may be replaced as well."""
    try:
        return champion_aliases.champion(settings)
    except Unresolved as error:
        log.warning(str(error))
        return champion_store.newest(settings)


def _require_promotable(versions: Mapping[str, int]) -> None:
    for name, number in versions.items():
        require_promotable(name, number, track.version_tags(name, number))


def _digests(manifests: Sequence[Manifest]) -> dict[str, str]:
    return {manifest.model: manifest.sha256() for manifest in manifests}


def _decide(
    settings: Settings, current: Champion | None, decision: Champion, manifests: Sequence[Manifest]
) -> Promoted:
    champion_store.append(settings, decision, manifests=manifests)
    champion_aliases.mirror(settings)
    return Promoted(
        champion=dict(decision.versions),
        previous={name: current.versions[name] if current else None for name in MODELS},
        number=decision.number,
        by=decision.approval.by,
        at=decision.approval.at.isoformat(timespec="seconds"),
        reason=decision.approval.reason,
    )
