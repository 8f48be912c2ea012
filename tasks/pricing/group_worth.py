"""What one price changes of what its whole group earns, in a few operations per product.

A group earns U A I^power, with A = sum_j s_j w_j m_j over its members, m the margins, and I the sum in its
price index (of either kind: ``demand``). A product that takes another price changes a term of each sum:

    A' = A - s_i w_i m_i + s_i w_i' m_i',   I' = I - term_i + term_i'

The difference that a product makes to its group is its reward: what each does for itself is then best for
all (difference reward: Wolpert and Tumer 2002, Advances in Complex Systems 4:265). Linked groups are part of
it by the first order of their answer: what they earn times zeta, for a unit of its group's log index.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.pricing.demand import Answer
from tasks.pricing.links import caused
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules

TINY = 1e-300  # keeps the sum of a group of one above 0, where rounding leaves it below


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
        products, answer = self.products, self.answer
        now = answer.attraction(products, self.ratio, self.pull)
        then = answer.attraction(products, ratio, pull)
        weight, other = products.share * now, products.share[:, None] * then
        served = np.broadcast_to(self.served, now.shape)
        earned = weight * self.rules.margin(products, self.ratio) * served
        taken = other * self.rules.margin(products, ratio) * served[:, None]
        worth = (products.group_sum(earned) - earned)[:, None] + taken
        before, after = answer.terms(products, self.ratio, now), answer.terms(products, ratio, then)
        powers = answer.powers(products)
        for term, changed, power in zip(before, after, powers, strict=True):
            if power.any():
                worth = worth * _with_other(products, term, changed) ** power[:, None]
        worth = products.group_sum(products.units)[:, None] * worth
        return self._with_links(worth, before, after[0], earned) if answer.cross.size else worth

    def _with_links(
        self, worth: np.ndarray, before: tuple[np.ndarray, np.ndarray], after: np.ndarray, earned: np.ndarray
    ) -> np.ndarray:
        """Return what a group and those linked to it earn if one member takes another price (B, prices).

        Args:
            worth: what the group earns as if it had no links (B, prices).
            before: terms of both indices at the planned prices (B,).
            after: terms of the first index at the other prices (B, prices).
            earned: share, answer and margin of every product at the planned prices (B,).
        """
        products, answer = self.products, self.answer
        totals = [products.group_sum(term) for term in before]
        beyond = answer.links(products, totals[0])
        planned = products.group_sum(products.units) * products.group_sum(earned) * beyond
        for total, power in zip(totals, answer.powers(products), strict=True):
            planned = planned * total**power
        index = answer.index(products, _with_other(products, before[0], after))
        change = caused(products, planned, answer.cross)[:, None] * index
        return np.asarray(worth * np.reshape(beyond, (-1, 1)) + change)


def _with_other(products: Products, term: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Return the sums of the groups if one member's term is another one (B, prices)."""
    return np.maximum((products.group_sum(term) - term)[:, None] + changed, TINY)
