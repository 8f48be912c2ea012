"""Lists of a shop held to its true demand: what they earn, and what the best list in reach would earn."""

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

    def best(self, in_force: np.ndarray) -> np.ndarray:
        """Return the joint optimum on the ladder around prices in force (rows,).

        As in a list, prices are rounded, and none but the price in force lies below a known cost.
        """
        ladder = (in_force[:, None] * self.ladder).round(self.decimals)
        covered = ladder >= self.shop.unit_cost[:, None] if self.shop.kind.costs else ladder > 0
        allowed = covered | (ladder == in_force[:, None])
        group = self.shop.demand.goods.group
        return joint_optimum(lambda prices: self.shop.earned(prices, self.objective), ladder, group, allowed)

    def regrets(self, season: np.ndarray) -> list[float]:
        """Return what the best list in reach would have earned more in each week, over ``held`` (1).

        In reach are the lists on the ladder around the prices of the week before, which are the list's own.

        Args:
            season: price lists, currency/unit (weeks, rows).
        """
        before = np.vstack([self.shop.price, season[:-1]])
        known: dict[bytes, float] = {}  # an arm that holds its prices asks the same question every week
        for in_force in before:
            if in_force.tobytes() not in known:
                known[in_force.tobytes()] = self.lift(self.best(in_force))
        pairs = zip(before, season, strict=True)
        return [known[in_force.tobytes()] - self.lift(prices) for in_force, prices in pairs]
