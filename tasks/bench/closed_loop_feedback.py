"""What feedback is worth: weekly lists that learn from the sales, against weekly lists that do not.

In every shop the belief of the policy is wrong by the same error in all elasticities, up in shops of even
seed, down in those of odd seed. A part of every list is varied at random, so that there is something to learn
from. Both seasons have the same policy, the same random numbers and the same weeks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats
from typing_extensions import TypedDict

from conf import Settings
from tasks.bench.cases.price_yardstick import Yardstick
from tasks.bench.cases.true_shops import TrueShop, true_shop
from tasks.bench.closed_loop import rules_of, settings_at
from tasks.bench.closed_loop_chain import Chain
from tasks.bench.closed_loop_season import Season
from tasks.runtime.artifacts import save_text

SHARED_ERROR = 0.7  # in all elasticities
VARIATION = {"share": 0.1, "size": 0.05}  # of every list
CONFIDENCE = 0.95
KIND = "nested_cost"  # of the shops, if nothing else is chosen


class FeedbackShop(TypedDict):
    """True lifts of a season with and without feedback, over holding all prices, and their difference (1)."""

    shop: str
    kind: str
    seed: int
    objective: str
    error: float
    feedback: float
    frozen: float
    difference: float
    weekly_difference: list[float]
    seconds: float


class Difference(TypedDict):
    """The mean of paired differences with its interval, which two shops at least have."""

    mean: float
    low: float | None
    high: float | None


class Feedback(TypedDict):
    """What ``--json`` writes."""

    profile: str
    shops: list[FeedbackShop]
    difference: Difference
    seconds: float


def bench_feedback(
    settings: Settings,
    chosen: Sequence[tuple[str, int]],
    chain: Chain,
    *,
    weeks: int,
    folder: Path,
    say: Callable[[str], None],
) -> Feedback:
    """Price the season of every shop twice, with and without feedback, and compare.

    Args:
        settings: of every retraining; source, data folder and variation are those of the experiment.
        chosen: kind and seed of every shop.
        chain: the product under test.
        weeks: that are priced, at most 13.
        folder: holds a folder per shop.
        say: takes a line of progress.
    """
    begin, results = time.monotonic(), []
    for number, (kind, seed) in enumerate(chosen, start=1):
        shop = true_shop(kind, seed)
        results.append(with_and_without(shop, settings, chain, weeks, folder / shop.name))
        say(f"shop {number} of {len(chosen)}: {feedback_line(results[-1])}")
    return feedback_of(results, settings.profile, time.monotonic() - begin)


def feedback_of(results: Sequence[FeedbackShop], profile: str, seconds: float) -> Feedback:
    """Return the results of shops with the mean of their differences."""
    differences = [result["difference"] for result in results]
    return Feedback(
        profile=profile, shops=list(results), difference=paired_mean(differences), seconds=seconds
    )


def with_and_without(
    shop: TrueShop, settings: Settings, chain: Chain, weeks: int, folder: Path
) -> FeedbackShop:
    """Retrain on a shop's history, mislead the policy, and price a season with and without feedback."""
    start = time.monotonic()
    here = settings_at(_varied(settings), shop, folder)
    error = SHARED_ERROR if shop.seed % 2 == 0 else -SHARED_ERROR
    summary = chain.retrain(here)
    chain.mislead(here, error, shop.seed)
    version = summary["versions"]["pricing_policy"]
    season = Season(shop=shop, chain=chain, settings=here, version=version, folder=folder)
    yardstick = Yardstick(shop=shop, objective=summary["objective"], rules=rules_of(settings))
    learning = yardstick.lifts(season.lists(weeks, feedback=True))
    frozen = yardstick.lifts(replace(season, folder=folder / "frozen").lists(weeks, feedback=False))
    result = FeedbackShop(
        shop=shop.name,
        kind=shop.kind,
        seed=shop.seed,
        objective=yardstick.objective,
        error=error,
        feedback=float(learning.mean()),
        frozen=float(frozen.mean()),
        difference=float((learning - frozen).mean()),
        weekly_difference=(learning - frozen).tolist(),
        seconds=time.monotonic() - start,
    )
    save_text(json.dumps(result, indent=2) + "\n", folder / "result.json")
    return result


def feedback_line(result: FeedbackShop) -> str:
    """Return the result of a shop in a line."""
    return (
        f"{result['shop']}, error {result['error']:+.1f}: with feedback {result['feedback']:+.2%}, "
        f"without {result['frozen']:+.2%}, difference {result['difference']:+.2%}"
    )


def paired_mean(differences: Sequence[float]) -> Difference:
    """Return the mean of differences with the interval of Student's t."""
    mean, count = float(np.mean(differences)), len(differences)
    if count == 1:
        return Difference(mean=mean, low=None, high=None)
    error = float(np.std(differences, ddof=1)) / np.sqrt(count)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * error)
    return Difference(mean=mean, low=mean - half, high=mean + half)


def _varied(settings: Settings) -> Settings:
    """Return the settings with the lists' random variation."""
    tree = settings.model_dump()
    tree["price"]["variation"] = VARIATION
    return Settings(**tree)
