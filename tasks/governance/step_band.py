"""Step and band of a price, exact in parts of a minor unit: the only place where they are computed.

With the price in force p0, the recent prices from l to h, step s, reference r and band b, a price p has

    h (1 - s) <= p <= l (1 + s)    and    r (1 - b) <= p <= r (1 + b)

and the price in force is always allowed: what is outside its band may stay or move towards it. A price that
already differs by more than a step from a recent one holds until that is past.
"""

from __future__ import annotations

import numpy as np

from tasks.governance.money import MILLIONTHS, NO_AMOUNT, millionths, times_down, times_up


def step_bounds(
    in_force: np.ndarray, low: np.ndarray, high: np.ndarray, step: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest price of a step, in parts (rows,), (rows,).

    Args:
        in_force: price of now, parts (rows,).
        low, high: lowest and highest recent price, parts (rows,).
        step: share of a price (rows,).
    """
    share = millionths(np.asarray(step))
    least = times_up(np.maximum(high, in_force), MILLIONTHS - share)
    most = times_down(np.minimum(low, in_force), MILLIONTHS + share)
    may = (least <= in_force) & (in_force <= most)
    return np.where(may, least, in_force), np.where(may, most, in_force)


def band_bounds(
    in_force: np.ndarray, reference: np.ndarray, band: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the band, widened to the price in force, in parts (rows,), (rows,).

    Args:
        in_force: price of now, parts (rows,).
        reference: slow reference price, parts (rows,).
        band: share of the reference (rows,).
    """
    share = millionths(np.asarray(band))
    low, high = times_up(reference, MILLIONTHS - share), times_down(reference, MILLIONTHS + share)
    return holding(low, high, in_force)


def holding(low: np.ndarray, high: np.ndarray, in_force: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return bounds that are widened to the price in force, where there are any, in parts (rows,) each."""
    return (
        np.where(low == NO_AMOUNT, NO_AMOUNT, np.minimum(low, in_force)),
        np.where(high == NO_AMOUNT, NO_AMOUNT, np.maximum(high, in_force)),
    )
