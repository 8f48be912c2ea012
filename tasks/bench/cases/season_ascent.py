"""The season of lists that earns most as a whole, where a price of today is remembered tomorrow.

A product changes its steps of a week, or of two weeks against each other or together, in the way that is best
for its group while the others stand, until no product does: coordinate ascent in all groups at once. The
slopes must be known and the price index free, so that groups do not touch each other.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np

from tasks.bench.cases.group_optimum import Truth

SWEEPS = 10  # over all products, at most; few are needed
MOVES = (-2, -1, 1, 2)  # steps of the ladder by which a decision changes


def best_season(truth: Truth, start: np.ndarray) -> np.ndarray:
    """Return the prices of the best season, relative to those in force at its start (weeks, products).

    Args:
        truth: of the market.
        start: lists that the ascent starts from (weeks, products).
    """
    ladder = truth.reach.steps
    before = np.vstack([np.ones(start.shape[1]), start[:-1]])
    steps = np.abs((start / before)[..., None] - ladder).argmin(axis=-1)
    changes = _changes(len(start))
    for _ in range(SWEEPS):
        last = steps.copy()
        for place in range(truth.place.max() + 1):
            movers = np.flatnonzero(truth.place == place)
            trials = np.tile(steps, (len(changes), 1, 1))
            trials[:, :, movers] += changes[:, :, None]
            steps[:, movers] = trials[_values(truth, trials)[:, movers].argmax(axis=0), :, movers].T
        if (steps == last).all():
            break
    return np.asarray(np.cumprod(ladder[steps], axis=0))


def _changes(weeks: int) -> np.ndarray:
    """Return the changes of a product's steps that are tried, the first of them none (changes, weeks)."""
    week, changes = np.eye(weeks, dtype=int), [np.zeros(weeks, int)]
    for move in MOVES:
        changes += [move * single for single in week]
        changes += [move * (first - second) for first, second in combinations(week, 2)]
        changes += [move * (first + second) for first, second in pairwise(week)]
    return np.array(changes)


def _values(truth: Truth, trials: np.ndarray) -> np.ndarray:
    """Return what each product's group earns in a season (trials, products), minus infinity out of bounds.

    Args:
        truth: of the market.
        trials: steps of the ladder (trials, weeks, products).
    """
    reach, last = truth.reach, len(truth.reach.steps) - 1
    on_ladder = ((trials >= 0) & (trials <= last)).all(axis=1)
    path = np.cumprod(reach.steps[trials.clip(0, last)], axis=1)
    low, high = reach.bounds
    inside = ((path >= low) & (path <= high)).all(axis=1)
    earned = truth.earned_by_group(np.moveaxis(path, 1, 0))
    return np.where(on_ladder & inside, earned, -np.inf)
