"""Lists of a shop held to its true demand: what they earn, and what the best within reach would earn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tasks.bench.cases.price_rules import PriceRules, Reach, slow_reference
from tasks.bench.cases.ruled_optimum import best_path
from tasks.bench.cases.shop_history import SEASON_WEEKS
from tasks.bench.cases.true_shops import TrueShop


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """A shop, what is earned in it, and the rules of its lists.

    Attributes:
        shop: whose demand is known.
        objective: ``revenue`` or ``profit``.
        rules: of a week's list.
    """

    shop: TrueShop
    objective: str
    rules: PriceRules

    @cached_property
    def held(self) -> float:
        """Return what a week at the prices in force at the end of the history earns, currency/week."""
        return float(self.earned(self.shop.price).sum())

    @cached_property
    def reach(self) -> Reach:
        """Return what the rules measure the prices of the season by."""
        shop = self.shop
        revenue = shop.earned(shop.price, "revenue")
        return Reach(
            rules=self.rules,
            start=shop.price,
            reference=slow_reference(shop.history, self.rules.reference_weeks),
            floor=shop.unit_cost if shop.traits.costs else np.zeros(len(revenue)),
            weight=revenue / revenue.sum(),
            moving=np.ones(len(revenue), bool),
        )

    @cached_property
    def best_lists(self) -> np.ndarray:
        """Return the best list of every week of a season, each from the one before (weeks, rows)."""
        path = best_path(self.earned, self.shop.demand.goods.group, self.reach, SEASON_WEEKS)
        return np.array(list(path))

    @cached_property
    def best_lifts(self) -> np.ndarray:
        """Return the lifts of these lists (weeks,)."""
        return self.lifts(self.best_lists)

    def earned(self, prices: np.ndarray) -> np.ndarray:
        """Return what every row truly earns in a week, currency/week (..., rows)."""
        return self.shop.earned(prices, self.objective)

    def lifts(self, prices: np.ndarray) -> np.ndarray:
        """Return the relative change of a week's objective with lists (..., rows), over holding."""
        return np.asarray(self.earned(prices).sum(axis=-1) / self.held - 1)
