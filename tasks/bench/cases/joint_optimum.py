"""The list on a ladder of prices that earns most at a known demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

SWEEPS = 50  # over all products, at most; few are needed
Value = Callable[[np.ndarray], np.ndarray]
"""What a product earns (..., products) at the prices of all products (..., products)."""


def joint_optimum(value: Value, ladder: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return the prices that earn most together, by coordinate ascent in all groups at once (products,).

    A product takes the step that is best for its group while the others stand, until none moves. As two
    products that would have to move together can hold each other back, the ascent starts from the lowest, the
    highest and the middle prices, and a group keeps the best of the three.

    Args:
        value: what a product earns. Groups must not touch each other.
        ladder: prices of every product, from the lowest to the highest (products, steps).
        group: number of each product's group, from 0 (products,).
    """
    products, steps = ladder.shape
    starts = [np.full(products, step) for step in (0, steps - 1, steps // 2)]
    return np.asarray(ladder[np.arange(products), optimal_steps(value, ladder, group, starts)])


def optimal_steps(
    value: Value, ladder: np.ndarray, group: np.ndarray, starts: Sequence[np.ndarray]
) -> np.ndarray:
    """Return the steps of the joint optimum, by an ascent from each of some lists of steps (products,)."""
    members = group[:, None] == np.arange(group.max() + 1)  # (products, groups)
    rows = np.arange(len(ladder))
    ends = np.array([_ascent(value, ladder, members, start) for start in starts])
    earned = value(ladder[rows, ends]) @ members  # (starts, groups)
    best = earned.argmax(axis=0)[group]
    return np.asarray(ends[best, rows])


def _ascent(value: Value, ladder: np.ndarray, members: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the steps at which no product alone improves its group (products,).

    Products at the same place of different groups are moved together, as groups do not touch each other.
    """
    steps, rows, group = start.copy(), np.arange(len(ladder)), members.argmax(axis=1)
    place = (members.cumsum(axis=0) - 1)[rows, group]
    for _ in range(SWEEPS):
        before = steps.copy()
        for turn in range(place.max() + 1):
            movers = np.flatnonzero(place == turn)
            trials = np.tile(ladder[rows, steps], (ladder.shape[1], 1))
            trials[:, movers] = ladder[movers].T
            earned = value(trials) @ members  # (steps, groups)
            steps[movers] = earned[:, group[movers]].argmax(axis=0)
        if (steps == before).all():
            break
    return steps
