"""What a version must carry before a person may make it champion, and what an approval says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.governance.format import require_format

CANDIDATE, CHAMPION, PREVIOUS = "candidate", "champion", "previous"
VERDICT = "verdict"


class Refused(RuntimeError):
    """A promotion or a rollback that must not happen."""


@dataclass(frozen=True)
class Approval:
    """Who made a version champion, when and why."""

    by: str
    reason: str
    at: datetime

    def tags(self, action: str) -> dict[str, str]:
        """Return the approval as tags of a version: ``promoted_by``, ``promoted_at``, ``promoted_reason``."""
        return {
            f"{action}_by": self.by,
            f"{action}_at": self.at.isoformat(timespec="seconds"),
            f"{action}_reason": self.reason,
        }


def approval(by: str, reason: str) -> Approval:
    """Return an approval of now.

    Raises:
        Refused: the name or the reason is blank.
    """
    for option, text in (("--by", by), ("--reason", reason)):
        if not text.strip():
            raise Refused(f"{option} is blank: a promotion carries the name of a person and a reason.")
    return Approval(by.strip(), reason.strip(), datetime.now(UTC))


def require_promotable(model: str, version: int, tags: Mapping[str, str] | None) -> None:
    """Accept a version that exists, that this code can read and whose verdict is PASS.

    Raises:
        Refused: it does not exist, or its verdict is anything else; the message carries the failed gates.
        FormatError: it is of another format.
    """
    if tags is None:
        raise Refused(
            f"{model} version {version}: there is no such version. `repricer ui` lists those that exist."
        )
    require_format(model, version, tags)
    verdict = tags.get(VERDICT, "missing")
    if verdict != "PASS":
        raise Refused(
            f"{model} version {version}: its verdict is {verdict}, only PASS is promotable. "
            f"{tags.get('reasons', '')}".rstrip()
        )
