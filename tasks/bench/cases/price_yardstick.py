"""Lists of a shop held to its true demand: what they earn, and what the best list would earn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tasks.bench.cases.joint_optimum import joint_optimum
from tasks.bench.cases.true_shops import TrueShop


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """A shop, what is earned in it, and the ladder of its prices.

    Attributes:
        shop: whose demand is known.
        objective: ``revenue`` or ``profit``.
        ladder: steps, relative to the price in force (steps,).
        decimals: of a price.
    """

    shop: TrueShop
    objective: str
    ladder: np.ndarray
    decimals: int

    @cached_property
    def held(self) -> float:
        """Return what a week at the prices in force at the end of the history earns, currency/week."""
        return float(self.shop.earned(self.shop.price, self.objective).sum())

    def lift(self, prices: np.ndarray) -> float:
        """Return the relative change of a week's objective with a list (rows,), over holding all prices."""
        return float(self.shop.earned(prices, self.objective).sum()) / self.held - 1

    @cached_property
    def best(self) -> np.ndarray:
        """Return the joint optimum on the ladder around the prices at the end of the history (rows,).

        As in a list, prices are rounded, and none but the price in force lies below a known cost.
        """
        shop = self.shop
        ladder = (shop.price[:, None] * self.ladder).round(self.decimals)
        covered = ladder >= shop.unit_cost[:, None] if shop.traits.costs else ladder > 0
        allowed = covered | (ladder == shop.price[:, None])
        group = shop.demand.goods.group
        return joint_optimum(lambda prices: shop.earned(prices, self.objective), ladder, group, allowed)

    @cached_property
    def best_lift(self) -> float:
        """Return the lift of that list (1)."""
        return self.lift(self.best)
