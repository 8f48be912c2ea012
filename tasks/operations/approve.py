"""Operation: what a person handed in on the form of an approval is checked and done."""

from __future__ import annotations

from typing_extensions import TypedDict

from conf import Settings
from tasks.governance.approval import CHAMPION, Refused
from tasks.governance.champion import HEAD
from tasks.operations.promote import Promoted, promote
from tasks.runtime import champion_aliases

PROMOTE, LEAVE = "promote", "do not promote"


class Answer(TypedDict):
    """What was handed in: the decision, who took it and why, and which comparison was read before.

    ``replaces`` is the champion of that comparison, 0 where there was none.
    """

    decision: str
    by: str
    reason: str
    version: int
    replaces: int


class Decided(TypedDict):
    """What came of an answer: the promotion, or why it was refused; neither where the answer was no."""

    answer: Answer
    promoted: Promoted | None
    refused: str


def decide(settings: Settings, answer: Answer) -> Decided:
    """Promote the version that was compared if the answer says so, as ``repricer promote`` does.

    Raises:
        FormatError: the version, or one that it is pinned to, is of another format.
        ManifestError: one of them is not what was registered.
    """
    if answer["decision"] == LEAVE:
        return Decided(answer=answer, promoted=None, refused="")
    try:
        _require_same_champion(settings, answer)
        promoted = promote(settings, answer["version"], answer["by"], answer["reason"])
    except Refused as refusal:
        return Decided(answer=answer, promoted=None, refused=str(refusal))
    return Decided(answer=answer, promoted=promoted, refused="")


def _require_same_champion(settings: Settings, answer: Answer) -> None:
    """Accept an answer while the champion is the one that the version was compared with.

    Raises:
        Refused: somebody promoted another one since.
    """
    champion = champion_aliases.version_of(settings, HEAD, CHAMPION) or 0
    if champion != answer["replaces"]:
        compared = f"champion version {answer['replaces']}" if answer["replaces"] else "the prices in force"
        raise Refused(
            f"version {answer['version']} was compared with {compared}, and the champion is now version "
            f"{champion}. Nothing was changed; start the approval again and look at the new comparison."
        )
