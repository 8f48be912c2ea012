"""A market without substitutes: every product has the elasticity that was estimated for it, and no siblings.

    q_i = u_i (p_i / p_i0)^e_i

Its lists show what a retraining would recommend if it overlooked that a cut takes sales from the siblings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tasks.bench.cases.price_rules import Reach
from tasks.bench.cases.ruled_optimum import best_path


@dataclass(frozen=True, kw_only=True)
class IndependentMarket:
    """Products that do not touch each other.

    Attributes:
        price: prices in force at the start, currency/unit (products,).
        units: sold at them, units/week (products,).
        elasticity: of every product, below 0 (products,).
        identified: which products may move by it (products,).
        cost: what a unit costs where profit counts, else 0, currency/unit (products,).
    """

    price: np.ndarray
    units: np.ndarray
    elasticity: np.ndarray
    identified: np.ndarray
    cost: np.ndarray

    def earned(self, prices: np.ndarray) -> np.ndarray:
        """Return what every product earns in a week, currency/week (..., products)."""
        return np.asarray((prices - self.cost) * self.units * (prices / self.price) ** self.elasticity)

    def lifts(self, prices: np.ndarray) -> np.ndarray:
        """Return the relative change of a week's objective with lists (..., products), over holding."""
        return np.asarray(self.earned(prices).sum(axis=-1) / self.earned(self.price).sum() - 1)

    def lists(self, reach: Reach, weeks: int) -> np.ndarray:
        """Return the list that this market takes for best in every week (weeks, products).

        Args:
            reach: the rules, which are those of every list.
            weeks: one after the other.
        """
        still = replace(reach, moving=reach.moving & self.identified)
        return np.array(list(best_path(self.earned, np.arange(len(self.price)), still, weeks)))
