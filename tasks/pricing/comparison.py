"""What policies earn on the same seasons, and by how much one earns more than another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from typing_extensions import TypedDict

from tasks.pricing import policies
from tasks.pricing.greedy import Greedy
from tasks.pricing.listing import Policy
from tasks.pricing.plan import PricingPlan, Seeds
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.seasons import Seasons, play

TO_BEAT = ("hold", "best_fixed", "myopic")  # policies that a candidate must beat
USED = 0.001  # share of decisions from which a step of the ladder counts as used


class Interval(TypedDict):
    """A mean over independent draws, with its interval."""

    value: float
    low: float
    high: float


def play_policies(
    products: Products, rules: Rules, policy: Greedy, plan: PricingPlan, seeds: Seeds
) -> dict[str, Seasons]:
    """Play the learned policy, ``dqn``, and every baseline on the same demand draws, by name.

    Args:
        products: of the market.
        rules: of the market.
        policy: the learned one.
        plan: its number of seasons.
        seeds: of the comparison and of the random policy.
    """
    by_name: dict[str, Policy] = {
        "dqn": policy,
        "hold": policies.hold,
        "cost_plus": policies.cost_plus,
        "myopic": policies.myopic,
        "random": policies.Random(np.random.default_rng(seeds.random)),
        "best_fixed": policies.best_fixed(products, rules),
    }
    return {
        name: play(products, rules, player, plan.seasons, seeds.comparison)
        for name, player in by_name.items()
    }


def interval(values: np.ndarray, confidence: float) -> Interval:
    """Return the mean of independent draws with its t-interval.

    Args:
        values: a number per draw (draws,).
        confidence: probability of the interval (1).
    """
    from scipy import stats

    quantile = stats.t.ppf(0.5 + confidence / 2, len(values) - 1)
    half = float(quantile * values.std(ddof=1) / np.sqrt(len(values)))
    mean = float(values.mean())
    return Interval(value=mean, low=mean - half, high=mean + half)


def earnings(seasons: Seasons, confidence: float) -> Interval:
    """Return what a policy earns per product-week, with its interval over draws (currency)."""
    return interval(seasons.rewards.mean(axis=(1, 2)), confidence)


def gain(baseline: Seasons, seasons: Seasons, confidence: float) -> Interval:
    """Return the relative gain of a policy over a baseline that met the same demand draws.

    The interval is that of the paired differences, so that what both share cancels.
    """
    base, earned = (played.rewards.mean(axis=(1, 2)) for played in (baseline, seasons))  # (draws,)
    return interval((earned - base) / base.mean(), confidence)


def gains_of(seasons: Seasons, baselines: Mapping[str, Seasons], confidence: float) -> dict[str, Interval]:
    """Return the gain over every policy that a candidate must beat, as ``over_<name>``."""
    return {f"over_{name}": gain(baselines[name], seasons, confidence) for name in TO_BEAT}


def gain_figures(gains: Mapping[str, Interval]) -> dict[str, float]:
    """Return gains with their intervals by metric name: ``gain.over_hold``, ``gain.over_hold.low``, ..."""
    ends = (("", "value"), (".low", "low"), (".high", "high"))
    return {
        f"gain.{name}{end}": gain[key]  # type: ignore[literal-required]
        for name, gain in gains.items()
        for end, key in ends
    }


def planning_note(gain: Interval) -> str:
    """Return what planning ahead adds to the list that is best for this week alone, in words."""
    span = " to ".join(f"{100 * gain[end]:+.2f}" for end in ("low", "high"))  # type: ignore[literal-required]
    return f"note: planning ahead adds {100 * gain['value']:+.2f} % ({span}) to the best list of each week"


def distinct_prices(seasons: Seasons, in_force: np.ndarray, rules: Rules) -> int:
    """Return how many steps of the ladder a policy uses.

    Args:
        seasons: of the policy.
        in_force: price in force of every product, currency/unit (products,).
        rules: of the market.
    """
    steps = steps_of(seasons, in_force)
    return sum(float(np.isclose(steps, step).mean()) >= USED for step in rules.ladder)


def steps_of(seasons: Seasons, in_force: np.ndarray) -> np.ndarray:
    """Return the prices of every week relative to those of the week before (draws, products, weeks).

    Args:
        seasons: of a policy.
        in_force: price in force of every product, currency/unit (products,).
    """
    first = np.broadcast_to(in_force[:, None], (*seasons.prices.shape[:2], 1))
    before = np.concatenate([first, seasons.prices[..., :-1]], axis=2)
    return np.asarray(seasons.prices / before)
