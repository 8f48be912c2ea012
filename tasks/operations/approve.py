"""Operation: what a person handed in on the form of an approval is checked and done."""

from __future__ import annotations

from typing_extensions import TypedDict

from conf import Settings
from tasks.governance.approval import CHAMPION, Refused
from tasks.governance.champion import HEAD
from tasks.operations.promote import Promoted, promote
from tasks.operations.reject import Rejected, reject
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
    """What came of an answer: the promotion, the rejection, or why it was refused."""

    answer: Answer
    promoted: Promoted | None
    rejected: Rejected | None
    refused: str


def decide(settings: Settings, answer: Answer) -> Decided:
    """Promote or reject the version that was compared, as ``repricer promote`` and ``repricer reject`` do.

    Raises:
        FormatError: the version, or one that it is pinned to, is of another format.
        ManifestError: one of them is not what was registered.
    """
    version, signed = answer["version"], (answer["by"], answer["reason"])
    decided = Decided(answer=answer, promoted=None, rejected=None, refused="")
    try:
        if answer["decision"] == LEAVE:
            decided["rejected"] = reject(settings, version, *signed)
        else:
            _require_same_champion(settings, answer)
            decided["promoted"] = promote(settings, version, *signed)
    except Refused as refusal:
        decided["refused"] = str(refusal)
    return decided


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
