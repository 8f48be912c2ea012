"""Rejection: a named person says that a version is no candidate any more."""

from __future__ import annotations

from typing_extensions import TypedDict

from conf import Settings
from tasks.governance.approval import Refused, approval
from tasks.governance.champion import HEAD
from tasks.governance.ledger import REJECTED
from tasks.runtime import champion_aliases, champion_store, track


class Rejected(TypedDict):
    """The rejected version of the policy, and who rejected it, when and why.

    ``number`` is that of the ledger's entry.
    """

    version: int
    number: int
    by: str
    at: str
    reason: str


def reject(settings: Settings, version: int, by: str, reason: str) -> Rejected:
    """Reject a version of the policy: it loses the alias of the candidate and is not promoted any more.

    Raises:
        Refused: there is no such version, it is champion or rejected already, nobody signs, or who is
            champion is not settled.
    """
    signed = approval(by, reason)
    seen = champion_aliases.champion(settings)
    if track.version_tags(HEAD, version) is None:
        raise Refused(
            f"{HEAD} version {version}: there is no such version. `repricer ui` lists those that exist."
        )
    entry = champion_store.decide(settings, seen, REJECTED, {"version": version}, signed)
    champion_aliases.mirror(settings)
    return Rejected(
        version=version,
        number=entry.number,
        by=entry.approval.by,
        at=entry.approval.at.isoformat(timespec="seconds"),
        reason=entry.approval.reason,
    )
