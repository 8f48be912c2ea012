"""Promotion and rollback: a named person moves the aliases; every version keeps who, when and why."""

from __future__ import annotations

from prefect import task
from typing_extensions import TypedDict

from conf import Settings
from tasks.governance.approval import CHAMPION, PREVIOUS, Refused, approval, require_promotable
from tasks.runtime import track

HEAD = "pricing_policy"
"""The model that a person promotes; the versions that it is pinned to come with it."""


class Promoted(TypedDict):
    """The champion after a promotion or a rollback, and the one before it."""

    champion: dict[str, int]
    previous: dict[str, int | None]


@task(name="promote")
def promote(settings: Settings, version: int, by: str, reason: str) -> Promoted:
    """Make a version of the policy, and the demand and response it was trained on, champion.

    Raises:
        Refused: the version does not exist, its verdict is not PASS, it is champion already, or nobody signs.
    """
    track.open_store(settings)
    signed = approval(by, reason)
    chosen = _pinned(version)
    for name, number in chosen.items():
        require_promotable(name, number, track.version_tags(name, number))
    before = {name: track.version_at(name, CHAMPION) for name in track.MODELS}
    if before == chosen:
        raise Refused(f"{HEAD} version {version} is champion already.")
    _move(chosen, before)
    for name, number in chosen.items():
        track.tag_version(name, number, signed.tags("promoted"))
    return Promoted(champion=chosen, previous=before)


@task(name="rollback")
def rollback(settings: Settings, by: str, reason: str) -> Promoted:
    """Make the previous champion champion again.

    Raises:
        Refused: there is no previous champion, or nobody signs.
    """
    track.open_store(settings)
    signed = approval(by, reason)
    back = {name: track.version_at(name, PREVIOUS) for name in track.MODELS}
    chosen = {name: number for name, number in back.items() if number is not None}
    if len(chosen) < len(track.MODELS):
        raise Refused("there is no previous champion to go back to.")
    before = {name: track.version_at(name, CHAMPION) for name in track.MODELS}
    _move(chosen, before)
    for name, number in chosen.items():
        track.tag_version(name, number, signed.tags("rolled_back_to"))
    return Promoted(champion=chosen, previous=before)


def _pinned(version: int) -> dict[str, int]:
    tags = track.version_tags(HEAD, version)
    require_promotable(HEAD, version, tags)
    assert tags is not None
    return {
        "demand": int(tags["demand_version"]),
        "price_response": int(tags["price_response_version"]),
        HEAD: version,
    }


def _move(chosen: dict[str, int], before: dict[str, int | None]) -> None:
    for name, number in chosen.items():
        old = before[name]
        if old is not None and old != number:
            track.set_alias(name, PREVIOUS, old)
        track.set_alias(name, CHAMPION, number)
