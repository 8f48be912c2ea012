"""The best list on a ladder of prices at a known demand: the yardstick of any list."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SWEEPS = 50  # over all products, at most; few are needed
Value = Callable[[np.ndarray], np.ndarray]
"""What each product earns (products,) at the prices of all products (products,)."""


def joint_optimum(value: Value, ladder: np.ndarray, group: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Return the prices that earn most together, by coordinate ascent in all groups at once (products,).

    A product takes the step that is best for its group while the others stand, until none moves. As two
    products that would have to move together can hold each other back, the ascent starts from the lowest, the
    highest and the middle prices, and a group keeps the best of the three.

    Args:
        value: what each product earns. Groups must not touch each other.
        ladder: prices of every product (products, steps).
        group: number of each product's group, from 0 (products,).
        allowed: which of these prices a product may have, one at least (products, steps).
    """
    rows = np.arange(len(ladder))
    price = np.where(allowed, ladder, np.nan)
    starts = [np.nanargmin(price, axis=1), np.nanargmax(price, axis=1), _middle(allowed)]
    ends = [_ascent(value, ladder, group, allowed, start) for start in starts]
    earned = np.array([np.bincount(group, value(ladder[rows, end])) for end in ends])  # (starts, groups)
    best = earned.argmax(axis=0)[group]
    return np.asarray(ladder[rows, np.array(ends)[best, rows]])


def _middle(allowed: np.ndarray) -> np.ndarray:
    """Return for every product the allowed step nearest to the middle of its ladder (products,)."""
    distance = np.abs(np.arange(allowed.shape[1]) - allowed.shape[1] // 2)
    return np.asarray(np.where(allowed, distance, np.inf).argmin(axis=1))


def _ascent(
    value: Value, ladder: np.ndarray, group: np.ndarray, allowed: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Return the steps at which no product alone improves its group (products,).

    Products at the same place of different groups are moved together, as groups do not touch each other.
    """
    steps, rows = start.copy(), np.arange(len(ladder))
    place = np.array([np.count_nonzero(group[:row] == group[row]) for row in rows])
    for _ in range(SWEEPS):
        before = steps.copy()
        for turn in range(place.max() + 1):
            movers = np.flatnonzero(place == turn)
            earned = np.full((len(movers), ladder.shape[1]), -np.inf)
            for step in range(ladder.shape[1]):
                trial = steps.copy()
                trial[movers] = step
                total = np.bincount(group, value(ladder[rows, trial]))
                earned[:, step] = np.where(allowed[movers, step], total[group[movers]], -np.inf)
            steps[movers] = earned.argmax(axis=1)
        if (steps == before).all():
            break
    return steps
