"""What the shop knows at the start of a week, and the numbers in which a policy reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tasks.pricing.products import Products
from tasks.pricing.rules import Rules

FEATURES = (
    "last_ratio",
    "remembered",
    "weeks_left",
    "elasticity",
    "elasticity_sd",
    "surprise",
    "margin",
    "noise",
    "cover",
)
# Scales by which every feature is of O(1); the weights of a policy hold for these alone.
RATIO_SCALE = 5.0  # a ladder of +-20 % becomes +-1
TYPICAL_ELASTICITY, ELASTICITY_SCALE = -2.0, 0.5  # elasticities from -4 to 0 become -1 to 1
SURPRISES = (-1.0, 3.0)  # sales of nothing, and of four times what was expected
MOST_COVER = 2.0  # stock for twice the weeks left does not run out


@dataclass(frozen=True, kw_only=True)
class View:
    """What the shop knows at the start of a week about B product environments.

    Attributes:
        products: the products, one per environment.
        week: decisions taken so far.
        ratio: price of last week, relative to the price in force (B,).
        remembered: price that buyers remember, relative to the price in force (B,).
        mean, variance: belief about the hidden elasticity (B,).
        surprise: smoothed units over what the belief expected, minus 1 (B,).
        stock: units on hand, infinite where unknown (B,).
    """

    products: Products
    week: int
    ratio: np.ndarray
    remembered: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    surprise: np.ndarray
    stock: np.ndarray


class Policy(Protocol):
    """What decides the prices of a week."""

    def __call__(self, view: View, rules: Rules) -> np.ndarray:
        """Return a step of the ladder for every product environment, an allowed one (B,)."""
        ...


def opening(products: Products) -> View:
    """Return what the shop knows before the first decision: the price in force is the one remembered."""
    ones = np.ones(len(products))
    mean, variance = products.believed()
    return View(
        products=products,
        week=0,
        ratio=ones,
        remembered=ones,
        mean=mean,
        variance=variance,
        surprise=0 * ones,
        stock=products.stock,
    )


def observe(view: View, rules: Rules) -> np.ndarray:
    """Return the state as the agent reads it, in the order of ``FEATURES`` (B, features) float32.

    ``noise`` is the standard deviation of a week's units relative to their mean. ``cover`` is the stock in
    weeks of usual sales, relative to the weeks left.
    """
    products = view.products
    state = np.empty((len(products), len(FEATURES)), np.float32)
    state[:, 0] = RATIO_SCALE * (view.ratio - 1)
    state[:, 1] = RATIO_SCALE * (view.remembered - 1)
    state[:, 2] = 1 - view.week / rules.decisions
    state[:, 3] = ELASTICITY_SCALE * (view.mean - TYPICAL_ELASTICITY)
    state[:, 4] = np.sqrt(view.variance)
    state[:, 5] = np.clip(view.surprise, *SURPRISES)
    state[:, 6] = rules.margin(products, np.ones(1)) / products.price
    state[:, 7] = np.sqrt(1 / products.units + products.dispersion)
    cover = view.stock / products.units / (rules.decisions - view.week + 1)
    state[:, 8] = np.minimum(cover, MOST_COVER) - 1
    return state
