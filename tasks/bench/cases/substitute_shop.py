"""A simulated shop whose products take sales from each other, with a known effect of every price change.

    log mean units = level + group's mood + product's mood - OWN_PRICE log(price / base)
                     + CROSS_PRICE mean over siblings of log(their price / base)

Half of what a cut wins is taken from the siblings (own elasticity -2, +1 to the siblings' prices), as
between coffees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import ALL_STORES, DATE, PRICE, PRODUCT, STORE, UNITS

OWN_PRICE, CROSS_PRICE = 2.0, 1.0  # elasticities
GROUP_MOOD, PRODUCT_MOOD = 0.15, 0.1  # standard deviations of the daily moods, in logs
PERSISTENCE = 0.7  # of a group's mood from period to period


@dataclass(frozen=True)
class SubstituteShop:
    """Products in substitute groups.

    Attributes:
        group: number of each product's group, from 0 (products,).
        level: log mean units per period at the base prices (products,).
        price: base prices, currency/unit (products,).
    """

    group: np.ndarray
    level: np.ndarray
    price: np.ndarray

    def mean(self, ratio: np.ndarray) -> np.ndarray:
        """Return mean units at prices relative to the base, moods apart (..., products)."""
        same = (self.group[:, None] == self.group) & ~np.eye(len(self.group), dtype=bool)
        others = same / np.maximum(same.sum(axis=1, keepdims=True), 1)
        return np.asarray(
            np.exp(self.level - OWN_PRICE * np.log(ratio) + CROSS_PRICE * np.log(ratio) @ others.T)
        )

    def sales(self, ratio: np.ndarray, dates: pd.DatetimeIndex, rng: np.random.Generator) -> pd.DataFrame:
        """Return the sales table at prices relative to the base (dates, products)."""
        mood = rng.normal(size=(len(dates), self.group.max() + 1))
        for t in range(1, len(dates)):
            mood[t] = PERSISTENCE * mood[t - 1] + np.sqrt(1 - PERSISTENCE**2) * mood[t]
        swing = np.exp(GROUP_MOOD * mood[:, self.group] + PRODUCT_MOOD * rng.normal(size=ratio.shape))
        units = rng.poisson(self.mean(ratio) * swing)
        return pd.DataFrame(
            {
                DATE: np.repeat(dates, len(self.group)),
                PRODUCT: np.tile([f"p{i:03d}" for i in range(len(self.group))], len(dates)),
                STORE: ALL_STORES,
                UNITS: units.ravel().astype(float),
                PRICE: (self.price * ratio).ravel(),
            }
        )

    def lift(self, ratio: float) -> float:
        """Return the true relative change of revenue if every price is multiplied by ``ratio``."""
        base, moved = self.mean(np.ones(len(self.group))), self.mean(np.full(len(self.group), ratio))
        return float((moved * ratio) @ self.price / (base @ self.price) - 1)


def substitute_shop(rng: np.random.Generator, groups: int, size: int) -> SubstituteShop:
    """Return a shop of ``groups`` groups of ``size`` substitutes each."""
    group = np.arange(groups).repeat(size)
    return SubstituteShop(group, rng.normal(3.0, 0.4, len(group)), np.exp(rng.normal(1.0, 0.3, len(group))))
