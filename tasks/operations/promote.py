"""Promotion, rollback and adoption: a named person's decision becomes an entry of the ledger.

One entry is the whole change, of all three models; the aliases follow it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from prefect import task
from typing_extensions import TypedDict

from conf import Settings
from tasks.governance.approval import (
    CHAMPION,
    Approval,
    Refused,
    approval,
    failed_gates,
    require_failed,
    require_promotable,
    require_second_person,
)
from tasks.governance.champion import HEAD, MODELS, Champion, Unresolved, champion_of, change, pinned
from tasks.governance.ledger import ADOPTED, JSON, PROMOTED, REJECTED, ROLLED_BACK
from tasks.governance.manifest import Manifest
from tasks.runtime import champion_aliases, champion_store, track, verified_models

log = logging.getLogger("repricer")


class Promoted(TypedDict):
    """The champion after a decision, the one before it, and who decided, when and why.

    ``number`` is that of the ledger's entry; ``overridden`` names the gates that it failed all the same.
    """

    champion: dict[str, int]
    previous: dict[str, int | None]
    number: int
    by: str
    at: str
    reason: str
    overridden: list[str]


@task(name="promote")
def promote(settings: Settings, version: int, by: str, reason: str, override: Sequence[str] = ()) -> Promoted:
    """Make a version of the policy, and the demand and response it was trained on, champion.

    The entry approves every byte of the three. The champion may be promoted once more where its files were
    not recorded when it was approved, or where somebody moved an alias away from it by hand.

    Args:
        settings: whose store holds the version.
        version: of the policy.
        by: name of the person who decides.
        reason: why.
        override: what the version failed, by name: gates, or that it was rejected.

    Raises:
        Refused: the version does not exist, failed what is not overridden, was rejected, was trained by who
            approves it where two persons are needed, is champion already, nobody signs, or somebody else
            decided while this ran.
        FormatError: the version, or one that it is pinned to, is of another format.
        ManifestError: one of them is not what was registered.
    """
    track.open_store(settings)
    signed = approval(by, reason)
    seen, settled = _seen(settings)
    tags = track.version_tags(HEAD, version)
    if tags is not None:
        rejected = [REJECTED] if version in champion_store.current(settings).rejected else []
        require_failed(override, [*failed_gates(tags), *rejected])
    _require_second_person(settings, version, signed)
    versions = pinned(version, tags, override)
    manifests = _verified(settings, versions, override)
    body = change(versions, _digests(manifests), override)
    if settled and seen is not None and (seen.versions, seen.digests) == (versions, body["manifests"]):
        raise Refused(f"{HEAD} version {version} is champion already.")
    return _decide(settings, seen, (PROMOTED, body, signed), manifests)


@task(name="rollback")
def rollback(settings: Settings, by: str, reason: str) -> Promoted:
    """Make the previous champion champion again; a second rollback therefore undoes the first.

    Raises:
        Refused: there is no previous champion, it was rejected, a version of it is gone, nobody signs, or
            somebody else decided while this ran.
        FormatError: a version of it is of another format.
        ManifestError: one of them is not what was approved.
    """
    track.open_store(settings)
    signed = approval(by, reason)
    seen, _ = _seen(settings)
    before = champion_store.current(settings).previous
    if before is None:
        raise Refused("there is no previous champion to go back to.")
    manifests = _verified(settings, before.versions, before.overridden)
    if before.digests:
        for manifest in manifests:
            verified_models.require_approved(before, manifest)
    body = change(before.versions, _digests(manifests), before.overridden)
    return _decide(settings, seen, (ROLLED_BACK, body, signed), manifests)


def adopt(settings: Settings, version: int, by: str, reason: str) -> Promoted:
    """Make champion what the policy's alias names, which somebody set by hand or before there was a ledger.

    Args:
        settings: whose store holds the version.
        version: that the alias names: what the person looked at.
        by: name of the person who decides.
        reason: why.

    Raises:
        Refused: the alias names another version or the champion, or the version may not be promoted.
        FormatError: the version, or one that it is pinned to, is of another format.
        ManifestError: one of them is not what was registered.
    """
    track.open_store(settings)
    signed = approval(by, reason)
    seen, _ = _seen(settings)
    pointed = track.aliases(HEAD).get(CHAMPION)
    if pointed is None:
        raise Refused(f"there is nothing to adopt: no version of {HEAD} has the alias {CHAMPION}.")
    if pointed != version:
        raise Refused(
            f"the alias {CHAMPION} of {HEAD} names version {pointed}, not {version}. Look at version "
            f"{pointed}, then adopt it, or promote the other: `repricer promote --version {version}`."
        )
    _require_second_person(settings, version, signed)
    versions = pinned(version, track.version_tags(HEAD, version))
    manifests = _verified(settings, versions)
    body = change(versions, _digests(manifests))
    if seen is not None and (seen.versions, seen.digests) == (versions, body["manifests"]):
        raise Refused(
            f"there is nothing to adopt: the alias {CHAMPION} of {HEAD} names the champion, {seen}. Where "
            f"another model's alias was moved away from it: `repricer promote --version {version}`."
        )
    return _decide(settings, seen, (ADOPTED, body, signed), manifests)


def _seen(settings: Settings) -> tuple[Champion | None, bool]:
    """Return the champion that a decision replaces, and whether the aliases follow it.

    Where they do not, that is for the decision to settle.
    """
    try:
        return champion_aliases.champion(settings), True
    except Unresolved as error:
        log.warning(str(error))
        return champion_store.newest(settings), False


def _require_second_person(settings: Settings, version: int, signed: Approval) -> None:
    if settings.approval.two_persons:
        require_second_person(signed.by, track.trainer_of_version(HEAD, version))


def _verified(
    settings: Settings, versions: Mapping[str, int], override: Sequence[str] = ()
) -> list[Manifest]:
    """Return the manifests of versions that may be promoted."""
    for name, number in versions.items():
        require_promotable(name, number, track.version_tags(name, number), override)
    return verified_models.verified(settings, versions)


def _digests(manifests: Sequence[Manifest]) -> dict[str, str]:
    return {manifest.model: manifest.sha256() for manifest in manifests}


def _decide(
    settings: Settings,
    seen: Champion | None,
    decision: tuple[str, Mapping[str, JSON], Approval],
    manifests: Sequence[Manifest],
) -> Promoted:
    champion = champion_of(champion_store.decide(settings, seen, *decision, manifests=manifests))
    champion_aliases.mirror(settings)
    return Promoted(
        champion=dict(champion.versions),
        previous={name: seen.versions[name] if seen else None for name in MODELS},
        number=champion.number,
        by=champion.approval.by,
        at=champion.approval.at.isoformat(timespec="seconds"),
        reason=champion.approval.reason,
        overridden=list(champion.overridden),
    )
