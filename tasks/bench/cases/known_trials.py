"""Simulated trials whose truth is known, to which intervals, tests and planned sizes are held.

Visitors: activity u ~ Gamma(4, 1/4); sessions s ~ 1 + Poisson(2 u); revenue ~ Gamma(0.3 s, 10 u). Revenue
before the trial comes from the same activity and other sessions. A treated visitor's revenue is multiplied
by 1 + lift.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tasks.trial.effects import Arm, Effect, Levels, absolute, arm_of, estimates, relative
from tasks.trial.randomisation import switched

REVENUE, SESSIONS = 10.5, 3.0  # means: E[3 u (1 + 2 u)], E[1 + 2 u]
LEVELS = Levels()


class Visitors(NamedTuple):
    """Revenue, sessions and revenue before the trial of visitors, all (visitors,)."""

    revenue: np.ndarray
    sessions: np.ndarray
    before: np.ndarray


def visitors(rng: np.random.Generator, count: int, lift: float = 0.0) -> Visitors:
    """Return visitors of one arm."""
    activity = rng.gamma(4.0, 0.25, count)
    sessions, earlier = 1 + rng.poisson(2 * activity), 1 + rng.poisson(2 * activity)
    revenue, before = (rng.gamma(0.3 * session_count, 10 * activity) for session_count in (sessions, earlier))
    return Visitors(revenue * (1 + lift), sessions.astype(float), before)


def visitor_effects(rng: np.random.Generator, count: int, lift: float) -> dict[str, tuple[Effect, float]]:
    """Return the effect by every estimator in one trial of ``count`` visitors per arm, and the truth."""
    control, treated = visitors(rng, count), visitors(rng, count, lift)
    means = [arm_of(arm.revenue, x=arm.before) for arm in (control, treated)]
    ratios = [arm_of(arm.revenue, d=arm.sessions) for arm in (control, treated)]
    pairs = [
        estimates(*means, adjusted=False),
        estimates(*ratios, adjusted=False),
        estimates(*means, adjusted=True),
    ]
    effects = [*(absolute(*pair, LEVELS) for pair in pairs), *(relative(*pair, LEVELS) for pair in pairs)]
    truth = [lift * REVENUE, lift * REVENUE / SESSIONS, lift * REVENUE, lift, lift, lift]
    names = ("mean", "ratio", "cuped", "relative_mean", "relative_ratio", "relative_cuped")
    return {
        name: (effect, value)
        for name, effect, value in zip(names, effects, truth, strict=True)
        if effect is not None
    }


def cluster_effect(rng: np.random.Generator, lift: float, clusters: int = 60) -> Effect:
    """Return the relative effect of clusters of 1 to 12 units that share a level, half of them treated."""
    size = rng.integers(1, 13, clusters)
    owner = np.arange(clusters).repeat(size)
    level = rng.lognormal(0.0, 0.3, clusters)
    treated = rng.permutation(clusters) % 2 == 1
    unit = 10 * level[owner] * rng.lognormal(0.0, 0.5, len(owner)) * (1 + lift * treated[owner])
    total = np.bincount(owner, unit)
    return lift_of(
        arm_of(total[~treated], size[~treated], grouped=True),
        arm_of(total[treated], size[treated], grouped=True),
    )


def switchback_effect(
    rng: np.random.Generator,
    lift: float,
    *,
    blocks: int = 40,
    block: int = 7,
    burn_in: int = 1,
    carry: float = 0.6,
) -> Effect:
    """Return the relative effect of one place that switches, read by block.

    Args:
        rng: source of the draws.
        lift: true relative effect.
        blocks: number of blocks.
        block: periods of a block.
        burn_in: first periods of a block that are left out.
        carry: share of the effect of the price before that lasts for one more period.
    """
    treated = switched(1, blocks, 0.5, rng)[0]
    noise = np.empty(blocks * block)
    noise[0], news = rng.normal(), rng.normal(size=blocks * block)
    for t in range(1, len(noise)):
        noise[t] = 0.5 * noise[t - 1] + np.sqrt(0.75) * news[t]
    answer = lift * treated.astype(float)[:, None].repeat(block, axis=1)
    answer[1:, 0] = (1 - carry) * answer[1:, 0] + carry * answer[:-1, -1]
    value = 10 * (1 + 0.1 * noise.reshape(blocks, block)) * (1 + answer)
    kept = value[:, burn_in:]
    rows = np.full(blocks, float(kept.shape[1]))
    arms = [
        arm_of(kept[arm].sum(axis=1), rows[arm], m=rows[arm], grouped=True) for arm in (~treated, treated)
    ]
    return lift_of(*arms)


def looked_at(rng: np.random.Generator, looks: int, per_look: int) -> list[Effect]:
    """Return the effect at every look of an A/A trial.

    Args:
        rng: source of the draws.
        looks: number of looks.
        per_look: visitors of each arm between two looks.
    """
    arms = []
    for _ in range(2):
        rows = np.column_stack([visitors(rng, looks * per_look).revenue, np.ones(looks * per_look)])
        sums = np.add.reduceat(rows, np.arange(0, len(rows), per_look)).cumsum(axis=0)
        square = np.add.reduceat(rows[:, 0] ** 2, np.arange(0, len(rows), per_look)).cumsum()
        arms.append([_moments(n, y, yy) for n, y, yy in zip(sums[:, 1], sums[:, 0], square, strict=True)])
    return [
        absolute(*estimates(control, treated, adjusted=False), LEVELS)
        for control, treated in zip(*arms, strict=True)
    ]


def _moments(n: float, total: float, square: float) -> Arm:
    """Return an arm from count, sum and sum of squares: a mean per unit has denominator and weight 1."""
    mean = np.array([total / n, 1.0, 0.0, 1.0])
    second = np.outer(mean, mean)
    second[0, 0] = square / n
    return Arm(int(n), mean, second)


def lift_of(control: Arm, treated: Arm, *, adjusted: bool = False) -> Effect:
    """Return the relative effect; control must earn something."""
    effect = relative(*estimates(control, treated, adjusted=adjusted), LEVELS)
    assert effect is not None
    return effect
