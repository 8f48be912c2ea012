"""What a version must carry before a person may make it champion, and what an approval says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.governance.format import require_format

CANDIDATE, CHAMPION, PREVIOUS = "candidate", "champion", "previous"
VERDICT, PASS = "verdict", "PASS"
UNKNOWN = "unknown"
"""What the run of a retraining says of an account without a name."""


class Refused(RuntimeError):
    """A promotion or a rollback that must not happen."""


LONGEST_NAME, LONGEST_REASON = 255, 4000  # characters; both stand in tags of the version


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
        Refused: the name or the reason is blank, or too long for the tags of a version.
    """
    for option, text, most in (("--by", by, LONGEST_NAME), ("--reason", reason, LONGEST_REASON)):
        if not text.strip():
            raise Refused(f"{option} is blank: a promotion carries the name of a person and a reason.")
        if len(text) > most:
            raise Refused(f"{option} has {len(text)} characters, at most {most} are kept. Shorten it.")
    return Approval(by.strip(), reason.strip(), datetime.now(UTC))


def failed_gates(tags: Mapping[str, str]) -> list[str]:
    """Return the gates that a version failed, by its tags; the verdict itself where no gate is named."""
    if tags.get(VERDICT) == PASS:
        return []
    sentences = tags.get("reasons", "").split(" · ")
    names = [name for name, colon, _ in (sentence.partition(": ") for sentence in sentences) if colon]
    return sorted(set(names) - {"note"}) or [VERDICT]


def require_promotable(
    model: str, version: int, tags: Mapping[str, str] | None, overridden: Sequence[str] = ()
) -> None:
    """Accept a version that exists, that this code can read and that passed every gate.

    Args:
        model: registered model.
        version: its number.
        tags: of the version, none where it does not exist.
        overridden: gates that a person overrides by name.

    Raises:
        Refused: it does not exist, or failed a gate that is not overridden; the message carries them.
        FormatError: it is of another format.
    """
    if tags is None:
        raise Refused(
            f"{model} version {version}: there is no such version. `repricer ui` lists those that exist."
        )
    require_format(model, version, tags)
    left = [name for name in failed_gates(tags) if name not in overridden]
    if left:
        reasons = tags.get("reasons", "").rstrip(". ")
        raise Refused(
            f"{model} version {version}: its verdict is {tags.get(VERDICT, 'missing')}, only PASS is "
            f"promotable. {reasons + '. ' if reasons else ''}Who promotes it all the same names what failed: "
            f"`repricer promote {' '.join(f'--override {name}' for name in left)}`."
        )


def require_failed(overridden: Sequence[str], failed: Sequence[str]) -> None:
    """Accept only names of what failed: who overrides anything else means another version.

    Raises:
        Refused: a name did not fail.
    """
    for name in overridden:
        if name not in failed:
            raise Refused(
                f"--override {name}: it did not fail. What failed: {', '.join(failed) or 'nothing'}."
            )


def require_second_person(by: str, trainer: str | None) -> None:
    """Accept an approver who is not the account that ran the retraining.

    Raises:
        Refused: they are the same, or nobody knows who trained the version.
    """
    if trainer in (None, UNKNOWN):
        raise Refused(
            "two persons are needed (approval.two_persons), and the run of this version does not say who "
            "trained it. Retrain with an account that has a name (LOGNAME), and promote what it registers."
        )
    if " ".join(by.split()).casefold() == " ".join(str(trainer).split()).casefold():
        raise Refused(
            f"--by {by}: who trained a version does not approve it (approval.two_persons). "
            "Let a second person promote it."
        )
