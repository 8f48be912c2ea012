"""How long a champion publishes: past one age its list leaves with a warning, past the next not at all.

Demand moves on. A model is old by the calendar, and it is old where the sales of today lie far from those
that it was trained on; each age is measured and named by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.governance.approval import Refused

REMEDY = "`repricer retrain`, then `repricer promote`"


@dataclass(frozen=True, kw_only=True)
class AgeLimits:
    """Ages past which a champion is old, and past which it is too old to publish (days)."""

    warn: int
    stop: int


@dataclass(frozen=True, kw_only=True)
class ChampionAge:
    """How old a champion is.

    Attributes:
        version: of its policy.
        trained: since it was trained and registered (days).
        sales: of the newest sales beyond those that it was trained on, 0 where none are given (days).
    """

    version: int
    trained: int
    sales: int

    def sentences(self) -> dict[str, int]:
        """Return both ages (days) by what they say."""
        return {
            f"version {self.version} was trained {self.trained} days ago": self.trained,
            f"the sales go on {self.sales} days after those of version {self.version}": self.sales,
        }


def age_warnings(age: ChampionAge, limits: AgeLimits) -> list[str]:
    """Return what to warn of, a sentence for each age past a limit."""
    old = f"Past {limits.stop} days nothing of it is published"
    return [
        f"the champion is too old, nothing of it is published: {_beyond(sentence, limits)}"
        if days > limits.stop
        else f"the champion is old: {sentence}. {old}. {REMEDY}"
        for sentence, days in age.sentences().items()
        if days > limits.warn
    ]


def require_fresh(age: ChampionAge, limits: AgeLimits) -> list[str]:
    """Return what to warn of, a sentence for each age past the first limit.

    Raises:
        Refused: an age is past the second limit.
    """
    for sentence, days in age.sentences().items():
        if days > limits.stop:
            raise Refused(f"the champion is too old, nothing was published: {_beyond(sentence, limits)}")
    return age_warnings(age, limits)


def _beyond(sentence: str, limits: AgeLimits) -> str:
    """Return that an age is past the second limit."""
    return f"{sentence}, and at most {limits.stop} are allowed (publish.champion_stop_days). {REMEDY}"
