"""The simulated trial of a candidate, read by the same estimator as a real one; and the same trial with nothing to find (A/A)."""

from __future__ import annotations

import numpy as np

from tasks.trial.randomisation import assign
from tasks.trial.effects import Arm, Effect, Levels, arm_of, estimates, relative
from tasks.trial.errors import TrialError


def arms_of(
    outcome: np.ndarray, covariate: np.ndarray, treated: np.ndarray, clusters: np.ndarray
) -> tuple[Arm, Arm]:
    """Return control and treated; a unit is a cluster of products in one market.

    Args:
        outcome: outcome of every product (markets, products).
        covariate: known before (products,).
        treated: as ``assign`` returns it (markets, products).
        clusters: number of each product's cluster, from 0 (products,).
    """
    return _split(_sums(outcome, covariate, clusters), treated, clusters)


def lift(arms: tuple[Arm, Arm], confidence: float) -> Effect:
    """Return the relative effect, sharpened by what was known before.

    Raises:
        TrialError: an arm has fewer than two clusters, or nothing was earned in the control arm.
    """
    effect = relative(
        *estimates(*arms, adjusted=True), Levels(1 - confidence, float(sum(arm.n for arm in arms)))
    )
    if effect is None:
        raise TrialError("trial: the control arm must earn something. Received: nothing. Check the market.")
    return effect


def same_against_same(
    outcome: np.ndarray,
    covariate: np.ndarray,
    clusters: np.ndarray,
    share: float,
    confidence: float,
    trials: int,
    seed: int,
) -> np.ndarray:
    """Return the p-values of trials in which both arms hold the price in force: uniform, if the intervals are right (trials,).

    Args:
        outcome: of every product at the price in force (markets, products).
        covariate, clusters: as ``arms_of`` takes them.
        share: probability that a cluster is treated.
        trials: number of assignments.
        seed: root of the assignments.
    """
    sums = _sums(outcome, covariate, clusters)
    seeds = np.random.SeedSequence(seed).generate_state(trials)
    draws = (assign(len(outcome), clusters, share, int(each)) for each in seeds)
    return np.array([lift(_split(sums, treated, clusters), confidence).p for treated in draws])


def _sums(outcome: np.ndarray, covariate: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Return outcome, size and covariate of every cluster of every market (market x cluster, 3)."""
    member = np.eye(clusters.max() + 1)[clusters]  # (products, clusters)
    size, known = (np.tile(part @ member, len(outcome)) for part in (np.ones(len(clusters)), covariate))
    return np.stack([(outcome @ member).ravel(), size, known], axis=1)


def _split(sums: np.ndarray, treated: np.ndarray, clusters: np.ndarray) -> tuple[Arm, Arm]:
    first = np.unique(clusters, return_index=True)[1]  # a cluster has one arm: that of its first product
    mine = treated[:, first].ravel()
    y, d, x = sums.T
    return (
        arm_of(y[~mine], d[~mine], x[~mine], d[~mine], grouped=True),
        arm_of(y[mine], d[mine], x[mine], d[mine], grouped=True),
    )
