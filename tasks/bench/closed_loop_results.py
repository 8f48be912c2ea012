"""What a closed loop says of a shop and of many: claims beside the truth, and their totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from typing_extensions import TypedDict

from tasks.bench.cases.price_yardstick import Yardstick

WORTH_WHILE = 0.01  # least lift to be had in a shop whose intervals are held to their width
EVERY_KIND = "all"
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
    weekly_regret: list[float]


class Covered(TypedDict):
    """Whether an interval holds the truth; none where no interval was shown."""

    list: bool | None
    season: bool | None


class ShopResult(Arm):
    """The result of a shop; its own arm is the weekly lists of the retraining."""

    shop: str
    kind: str
    seed: int
    objective: str
    verdict: str
    reasons: list[str]
    claimed_by: str
    best_possible: float
    covered: Covered
    moves: dict[str, int]
    hold: Arm
    one_list: Arm
    seconds: dict[str, float]


class Totals(TypedDict):
    """Totals over shops; shares and means are none where there is nothing to count."""

    shops: int
    passed: int
    coverage_list: float | None
    coverage_season: float | None
    claimed: float | None
    true: float
    best_possible: float
    share_of_possible: float | None
    true_of_passed: float | None
    losing_passed: int
    losing_passed_season: int
    width_of_passed: float | None
    season_true: float
    one_list_true: float


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
    lifts, best = [yardstick.lift(prices) for prices in season], yardstick.best_lift
    return Arm(
        list=_beside(of_list, lifts[0]),
        season=_beside(of_season, float(np.mean(lifts))),
        share_of_possible=_ratio(lifts[0], best),
        weekly_regret=[best - lift for lift in lifts],
    )


def covered_of(arm: Arm) -> Covered:
    """Return whether the intervals of an arm hold the truth."""
    return Covered(list=_holds(arm["list"]), season=_holds(arm["season"]))


def totals_of(results: Sequence[ShopResult]) -> dict[str, Totals]:
    """Return the totals of all shops and of each kind."""
    kinds = list(dict.fromkeys(result["kind"] for result in results))
    by_kind = {kind: _totals([r for r in results if r["kind"] == kind]) for kind in kinds}
    return {EVERY_KIND: _totals(results), **by_kind}


def _totals(results: Sequence[ShopResult]) -> Totals:
    """Return the totals of some shops, in which each shop counts the same."""
    passed = [result for result in results if result["verdict"] == "PASS"]
    true = [result["list"]["true"] for result in results]
    best = [result["best_possible"] for result in results]
    return Totals(
        shops=len(results),
        passed=len(passed),
        coverage_list=_mean([result["covered"]["list"] for result in results]),
        coverage_season=_mean([result["covered"]["season"] for result in results]),
        claimed=_mean([result["list"]["lift"] for result in results]),
        true=float(np.mean(true)),
        best_possible=float(np.mean(best)),
        share_of_possible=_ratio(sum(true), sum(best)),
        true_of_passed=_mean([result["list"]["true"] for result in passed]),
        losing_passed=sum(result["list"]["true"] < 0 for result in passed),
        losing_passed_season=sum(result["season"]["true"] < 0 for result in passed),
        width_of_passed=_width(passed),
        season_true=float(np.mean([result["season"]["true"] for result in results])),
        one_list_true=float(np.mean([result["one_list"]["season"]["true"] for result in results])),
    )


def _width(passed: Sequence[ShopResult]) -> float | None:
    """Return the median half-width of the lists' intervals over the claim, where a gain is to be had."""
    claims = [result["list"] for result in passed if result["best_possible"] >= WORTH_WHILE]
    widths = [(c["high"] - c["low"]) / 2 / abs(c["lift"]) for c in claims if c["lift"]]  # type: ignore[operator]
    return float(np.median(widths)) if widths else None


def _beside(claim: Mapping[str, Any], true: float) -> Claim:
    return Claim(lift=claim["lift"], low=claim["low"], high=claim["high"], true=true)


def _holds(claim: Claim) -> bool | None:
    """Return whether an interval holds the truth."""
    if claim["low"] is None or claim["high"] is None:
        return None
    return bool(claim["low"] <= claim["true"] <= claim["high"])


def _ratio(gain: float, possible: float) -> float | None:
    return gain / possible if possible > 0 else None


def _mean(values: Sequence[float | bool | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return float(np.mean(known)) if known else None
