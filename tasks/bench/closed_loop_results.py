"""What a closed loop says of a shop: claims beside the truth, and what could be had within the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from typing_extensions import TypedDict

from tasks.bench.cases.price_rules import Reach
from tasks.bench.cases.price_yardstick import Yardstick

NOTHING = {"lift": 0.0, "low": 0.0, "high": 0.0}  # what holding all prices claims


class Claim(TypedDict):
    """A claimed lift with its interval, none where none was shown, and the true lift (1)."""

    lift: float | None
    low: float | None
    high: float | None
    true: float


class Arm(TypedDict):
    """A way to price the season: its first list, all its weeks, and what it leaves on the table."""

    list: Claim
    season: Claim
    share_of_possible: float | None
    share_of_possible_season: float | None
    weekly_regret: list[float]


class Covered(TypedDict):
    """Whether an interval holds the truth; none where no interval was shown."""

    list: bool | None
    season: bool | None


class Moves(TypedDict):
    """How many prices of a list rise, fall, hold, and go as far as the rules let them."""

    up: int
    down: int
    held: int
    at_ends: int


class Changes(TypedDict):
    """The largest changes of a season's lists, and how many of their prices break a rule.

    ``step`` is that of a price in a week, ``index_week`` and ``index_season`` those of the log price index;
    ``broken`` counts prices beyond step, band or known cost by more than a unit of the last decimal.
    """

    step: float
    index_week: float
    index_season: float
    broken: int


class Arms(TypedDict):
    """Other ways to price the season, beside the weekly lists that follow prices and sales.

    ``hold`` keeps all prices, ``one_list`` the first list; ``frozen`` are weekly lists that follow the prices
    alone, ``independent`` those of a market without substitutes.
    """

    hold: Arm
    one_list: Arm
    frozen: Arm
    independent: Arm


class ShopResult(Arm, Arms):
    """The result of a shop; its arm without a name is the weekly lists of the retraining."""

    shop: str
    kind: str
    seed: int
    objective: str
    verdict: str
    reasons: list[str]
    claimed_by: str
    best_possible: float
    best_possible_season: float
    covered: Covered
    moves: Moves
    changes: Changes
    seconds: dict[str, float]


def claims_of(summary: Mapping[str, Any]) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    """Return who speaks for the list, and the claims of list and season.

    A retraining that claims nothing of its list (``list``) is held to what its trial says of the season.
    """
    speaker = "list" if summary.get("list") else "trial"
    return speaker, summary[speaker], summary["trial"]


def arm_of(
    yardstick: Yardstick, season: np.ndarray, of_list: Mapping[str, Any], of_season: Mapping[str, Any]
) -> Arm:
    """Return the arm of a season of lists.

    Args:
        yardstick: of the shop.
        season: price lists, currency/unit (weeks, rows).
        of_list: claim of the first list.
        of_season: claim of all weeks.
    """
    lifts, best = yardstick.lifts(season), yardstick.best_lifts[: len(season)]
    return Arm(
        list=_beside(of_list, float(lifts[0])),
        season=_beside(of_season, float(lifts.mean())),
        share_of_possible=ratio(float(lifts[0]), float(best[0])),
        share_of_possible_season=ratio(float(lifts.mean()), float(best.mean())),
        weekly_regret=(best - lifts).tolist(),
    )


def covered_of(arm: Arm) -> Covered:
    """Return whether the intervals of an arm hold the truth."""
    return Covered(list=_holds(arm["list"]), season=_holds(arm["season"]))


def moves_of(prices: np.ndarray, reach: Reach) -> Moves:
    """Return how the prices of the first list move."""
    ladder, start = reach.ladder(reach.start), reach.start
    ends = (prices <= ladder[:, 0]) | (prices >= ladder[:, -1])
    return Moves(
        up=int((prices > start).sum()),
        down=int((prices < start).sum()),
        held=int((prices == start).sum()),
        at_ends=int((ends & (prices != start)).sum()),
    )


def changes_of(season: np.ndarray, reach: Reach) -> Changes:
    """Return the largest changes of a season's lists (weeks, rows), and how many prices break a rule."""
    before = np.vstack([reach.start, season[:-1]])
    index, broken, unit = reach.index(season), 0, 10.0**-reach.rules.decimals
    for prices, last in zip(season, before, strict=True):
        ladder = reach.ladder(last)
        broken += int(((prices < ladder[:, 0] - unit) | (prices > ladder[:, -1] + unit)).sum())
    return Changes(
        step=float(np.abs(season / before - 1).max()),
        index_week=float(np.abs(index - reach.index(before)).max()),
        index_season=float(np.abs(index).max()),
        broken=broken,
    )


def ratio(gain: float, possible: float) -> float | None:
    """Return the share of a possible gain, none where none is possible."""
    return gain / possible if possible > 0 else None


def _beside(claim: Mapping[str, Any], true: float) -> Claim:
    return Claim(lift=claim["lift"], low=claim["low"], high=claim["high"], true=true)


def _holds(claim: Claim) -> bool | None:
    """Return whether an interval holds the truth."""
    if claim["low"] is None or claim["high"] is None:
        return None
    return bool(claim["low"] <= claim["true"] <= claim["high"])
