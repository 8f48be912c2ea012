"""What one price changes of what its whole group earns, in a few operations per product.

With S and A = sum_j s_j w_j m_j over the members of a group, m the margins, the group earns
U A S^(eta / b - 1). A product that takes another price changes two terms of two sums:

    S' = S - s_i w_i + s_i w_i',   A' = A - s_i w_i m_i + s_i w_i' m_i'

The difference that a product makes to its group is its reward: what each does for itself is then best for
all (difference reward: Wolpert and Tumer 2002, Advances in Complex Systems 4:265).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.pricing.demand import Answer
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules


@dataclass(frozen=True, kw_only=True)
class GroupWorth:
    """What the groups of B products earn at the planned prices of all of them.

    Attributes:
        products: of the market.
        rules: of the market.
        answer: how they answer prices.
        ratio: planned prices relative to those in force (B,).
        pull: change of log units at them (B,).
        served: probability that another unit demanded of a product can be sold (B,); 1 without stock.
    """

    products: Products
    rules: Rules
    answer: Answer
    ratio: np.ndarray
    pull: np.ndarray | float = 0.0
    served: np.ndarray | float = 1.0

    def at(self, ratio: np.ndarray, pull: np.ndarray | float = 0.0) -> np.ndarray:
        """Return what a group earns if one member takes another price, currency/week (B, prices).

        Args:
            ratio: other prices of every product, relative to those in force (B, prices).
            pull: change of log units at them (B, prices).
        """
        products, share = self.products, self.products.share
        weight = share * self.answer.attraction(products, self.ratio, self.pull)  # s w
        earned = weight * self.rules.margin(products, self.ratio) * self.served
        other = share[:, None] * self.answer.attraction(products, ratio, pull)
        served = np.broadcast_to(self.served, share.shape)[:, None]
        taken = other * self.rules.margin(products, ratio) * served
        inclusive = (products.group_sum(weight) - weight)[:, None] + other
        total = (products.group_sum(earned) - earned)[:, None] + taken
        units = products.group_sum(products.units)
        return np.asarray(units[:, None] * total * inclusive ** self.answer.power(products)[:, None])
