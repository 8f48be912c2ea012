"""Totals of a closed loop over shops: how often claims hold, and how much of the possible is had."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from typing_extensions import TypedDict

from tasks.bench.cases.shop_kinds import KINDS
from tasks.bench.closed_loop_results import ShopResult, ratio

WORTH_WHILE = 0.01  # least lift to be had in a shop whose intervals are held to their width
EVERY_KIND = "all"


class Totals(TypedDict):
    """Totals over shops; shares and means are none where there is nothing to count.

    Names that end in ``_passed`` count the shops that passed their gates, ``share_of_independent`` those
    whose products are independent. Lifts are means over shops.
    """

    shops: int
    passed: int
    coverage_list: float | None
    coverage_season: float | None
    coverage_list_passed: float | None
    coverage_season_passed: float | None
    claimed: float | None
    true: float
    best_possible: float
    share_of_possible: float | None
    season_claimed: float | None
    season_true: float
    best_possible_season: float
    share_of_possible_season: float | None
    share_of_passed: float | None
    share_of_passed_season: float | None
    share_of_independent: float | None
    share_of_independent_season: float | None
    true_of_passed: float | None
    losing_passed: int
    losing_passed_season: int
    width_of_passed: float | None
    one_list_true: float
    frozen_true: float
    independent_true: float


def totals_of(results: Sequence[ShopResult]) -> dict[str, Totals]:
    """Return the totals of all shops and of each kind."""
    kinds = list(dict.fromkeys(result["kind"] for result in results))
    by_kind = {kind: _totals([r for r in results if r["kind"] == kind]) for kind in kinds}
    return {EVERY_KIND: _totals(results), **by_kind}


def _totals(results: Sequence[ShopResult]) -> Totals:
    """Return the totals of some shops, in which each shop counts the same."""
    passed = [result for result in results if result["verdict"] == "PASS"]
    independent = [result for result in results if KINDS[result["kind"]].independent]
    return Totals(
        shops=len(results),
        passed=len(passed),
        coverage_list=_mean([result["covered"]["list"] for result in results]),
        coverage_season=_mean([result["covered"]["season"] for result in results]),
        coverage_list_passed=_mean([result["covered"]["list"] for result in passed]),
        coverage_season_passed=_mean([result["covered"]["season"] for result in passed]),
        claimed=_mean([result["list"]["lift"] for result in results]),
        true=float(np.mean([result["list"]["true"] for result in results])),
        best_possible=float(np.mean([result["best_possible"] for result in results])),
        share_of_possible=_share(results),
        season_claimed=_mean([result["season"]["lift"] for result in results]),
        season_true=float(np.mean([result["season"]["true"] for result in results])),
        best_possible_season=float(np.mean([result["best_possible_season"] for result in results])),
        share_of_possible_season=_season_share(results),
        share_of_passed=_share(passed),
        share_of_passed_season=_season_share(passed),
        share_of_independent=_share(independent),
        share_of_independent_season=_season_share(independent),
        true_of_passed=_mean([result["list"]["true"] for result in passed]),
        losing_passed=sum(result["list"]["true"] < 0 for result in passed),
        losing_passed_season=sum(result["season"]["true"] < 0 for result in passed),
        width_of_passed=_width(passed),
        one_list_true=float(np.mean([result["one_list"]["season"]["true"] for result in results])),
        frozen_true=float(np.mean([result["frozen"]["season"]["true"] for result in results])),
        independent_true=float(np.mean([result["independent"]["season"]["true"] for result in results])),
    )


def _share(results: Sequence[ShopResult]) -> float | None:
    """Return the sum of the lists' gains over the sum of the possible ones."""
    return ratio(sum(r["list"]["true"] for r in results), sum(r["best_possible"] for r in results))


def _season_share(results: Sequence[ShopResult]) -> float | None:
    """Return the sum of the seasons' gains over the sum of the possible ones."""
    return ratio(sum(r["season"]["true"] for r in results), sum(r["best_possible_season"] for r in results))


def _width(passed: Sequence[ShopResult]) -> float | None:
    """Return the median half-width of the lists' intervals over the claim, where a gain is to be had."""
    claims = [result["list"] for result in passed if result["best_possible"] >= WORTH_WHILE]
    widths = [(c["high"] - c["low"]) / 2 / abs(c["lift"]) for c in claims if c["lift"]]  # type: ignore[operator]
    return float(np.median(widths)) if widths else None


def _mean(values: Sequence[float | bool | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return float(np.mean(known)) if known else None
