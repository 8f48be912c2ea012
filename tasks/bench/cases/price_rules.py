"""The rules of a week's price list, and the lists that they leave within reach of the prices in force.

Of a product with price in force p, slow reference price r and unit cost c, a price lies between

    max((1 - step) p, min(p, max((1 - band) r, c)))   and   min((1 + step) p, max(p, (1 + band) r)),

so that the price in force is always allowed, and one outside the band or below its cost only moves back. The
price index of a list is the mean change of log prices, weighted by revenue, since the season began.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import DATE, PRICE, SERIES, promotions

STEPS_A_SIDE = 4  # of a ladder, below and above the price in force
SLACK = 1e-9  # by which a bound on the grid of prices may be missed for the arithmetic of floats


@dataclass(frozen=True, kw_only=True)
class PriceRules:
    """What a price list may change in a week.

    Attributes:
        step: largest change of a price (share of the price in force).
        band: largest distance from the slow reference price (share of it).
        index_week: largest change of the price index of all products in a week (share).
        index_season: the same of a season (share).
        reference_weeks: weeks whose median price is the slow reference (weeks).
        decimals: of a price.
    """

    step: float = 0.05
    band: float = 0.2
    index_week: float = 0.01
    index_season: float = 0.03
    reference_weeks: int = 52
    decimals: int = 2


@dataclass(frozen=True, kw_only=True)
class Reach:
    """A shop's prices at the start of a season, and what the rules measure later prices by.

    Attributes:
        rules: of a list.
        start: prices when the season began, currency/unit (products,).
        reference: slow reference prices, currency/unit (products,).
        floor: known unit costs, 0 where none is known, currency/unit (products,).
        weight: share of every product in the revenue (products,).
        moving: which prices may move (products,).
    """

    rules: PriceRules
    start: np.ndarray
    reference: np.ndarray
    floor: np.ndarray
    weight: np.ndarray
    moving: np.ndarray

    def ladder(self, prices: np.ndarray) -> np.ndarray:
        """Return the rounded prices within reach of the prices in force, rising (products, steps)."""
        low, high = self._bounds(prices)
        share = np.linspace(0, 1, STEPS_A_SIDE + 1)
        below = low[:, None] + (prices - low)[:, None] * share
        above = prices[:, None] + (high - prices)[:, None] * share[1:]
        ladder = np.hstack([below, above]).round(self.rules.decimals)
        ladder[:, STEPS_A_SIDE] = prices  # also where it has more decimals
        return np.where(self.moving[:, None], ladder, prices[:, None])

    def index(self, prices: np.ndarray) -> np.ndarray:
        """Return the logarithm of the price index since the season began, of lists (..., products)."""
        return np.asarray(np.log(prices / self.start) @ self.weight)

    def index_bounds(self, prices: np.ndarray) -> tuple[float, float]:
        """Return the least and the largest index of a list that follows these prices."""
        week, season = np.log1p([self.rules.index_week, self.rules.index_season])
        index = float(self.index(prices))
        return min(index, max(index - week, -season)), max(index, min(index + week, season))

    def _bounds(self, prices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the least and the largest price of every product, rounded inwards (products,)."""
        rules, grid = self.rules, 10.0**self.rules.decimals
        lowest = np.maximum((1 - rules.band) * self.reference, self.floor)
        low = np.maximum((1 - rules.step) * prices, np.minimum(prices, lowest))
        highest = np.maximum(prices, (1 + rules.band) * self.reference)
        high = np.minimum((1 + rules.step) * prices, highest)
        inward = np.ceil(low * grid - SLACK) / grid, np.floor(high * grid + SLACK) / grid
        return np.minimum(inward[0], prices), np.maximum(inward[1], prices)


def slow_reference(history: pd.DataFrame, weeks: int) -> np.ndarray:
    """Return the median price of every product's last weeks without promotions, currency/unit (products,).

    Args:
        history: sales table, sorted by product and store.
        weeks: that count.
    """
    announced = (history[promotions(history.columns)] > 0).any(axis=1)
    recent = history[DATE] > history[DATE].max() - pd.Timedelta(weeks=weeks)
    regular = history[recent & ~announced]
    return regular.groupby(SERIES, sort=False)[PRICE].median().to_numpy(float)
