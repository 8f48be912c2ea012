"""The candidate is a version of the policy with the versions that it is pinned to; three aliases name them.

MLflow moves one alias at a time. The policy's is moved first and decides: whoever finds the others elsewhere,
after a kill or a hand that moved them, lets them follow it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tasks.governance.approval import CANDIDATE
from tasks.governance.champion import HEAD, MODELS
from tasks.runtime import track


def nominate(versions: Mapping[str, int]) -> None:
    """Let ``candidate`` point to the versions of a retraining."""
    for name in sorted(MODELS, key=lambda model: model != HEAD):
        track.set_alias(name, CANDIDATE, versions[name])


def candidate_of(name: str) -> int | None:
    """Return the version of a model that is candidate, none where there is none."""
    standing = track.aliases(name).get(CANDIDATE)
    return _pins().get(name, standing)


def follow_policy(rejected: Collection[int] = ()) -> list[str]:
    """Let the aliases of the other models follow the policy's and return a line for each that was put right.

    One process of a data folder at a time.

    Args:
        rejected: versions of the policy that are no candidates any more.
    """
    head = track.aliases(HEAD).get(CANDIDATE)
    if head is None or head in rejected:
        return _withdrawn()
    corrections = []
    for name, version in _pins().items():
        pointed = track.aliases(name).get(CANDIDATE)
        if pointed != version:
            track.set_alias(name, CANDIDATE, version)
            corrections.append(
                f"{name}: the alias {CANDIDATE} pointed to {pointed}, not {version}; it is put back."
            )
    return corrections


def _withdrawn() -> list[str]:
    """Take the aliases away, the policy's first, and return a line for each that there was."""
    corrections = []
    for name in sorted(MODELS, key=lambda model: model != HEAD):
        pointed = track.aliases(name).get(CANDIDATE)
        if pointed is not None:
            track.drop_alias(name, CANDIDATE)
            corrections.append(f"{name}: version {pointed} is {CANDIDATE} no more; the alias is taken away.")
    return corrections


def _pins() -> dict[str, int]:
    """Return the versions that the candidate policy is pinned to, but for those that are not registered."""
    head = track.aliases(HEAD).get(CANDIDATE)
    tags = None if head is None else track.version_tags(HEAD, head)
    pins = {name: (tags or {}).get(f"{name}_version", "") for name in MODELS if name != HEAD}
    return {
        name: int(pin)
        for name, pin in pins.items()
        if pin.isdecimal() and track.version_tags(name, int(pin)) is not None
    }
