"""How demand answers a whole price list: substitutes share what their group sells.

    x_i = h_k(p_i / r_i) - h_k(p_i0 / r_i),   s_j the members' shares of the base units
    q_i = u_i exp(-b_g x_i) exp((b_g - eta_g) X_g)

    X_g = -ln(sum_j s_j exp(-b_g x_j)) / b_g               where buyers who switch buy as many units
    X_g = -ln(sum_j v_j r_j exp(-b_g x_j)) / (b_g - 1)     where they spend as much, v_j shares of revenue

with r_j the price over the base price. A year of sales does not tell which, so half of the draws have either.

Groups that are linked also answer each other's index: the units of group g are multiplied by
exp(sum_h zeta_gh X_h), over the groups h that it receives from, X_h the first index.

At the base prices the own elasticity is -(b (1 - s_i) + eta s_i), the cross elasticity (b - eta) s_j, and the
group answers a common change by -eta. Groups of one answer by eta alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import pandas as pd

from expectations.columns import PRICE, UNITS
from tasks.response.curves import curved

GROUP = "group"  # column: number of a substitute group
REFERENCE = "reference"  # column: price at which the slopes hold, currency/unit
LEAST_SUBSTITUTION = 0.2  # slope in an index at least
LEAST_UNITS = 1e-12  # keeps the shares of a group that sells nothing finite


@dataclass(frozen=True, kw_only=True)
class GroupDemand:
    """Posterior draws of the demand of a shop, D draws of n products in G groups.

    Attributes:
        group: number of each product's group, from 0 (n,).
        reference: prices at which the slopes hold, currency/unit (n,).
        base_price: prices at which the base units are sold, currency/unit (n,).
        base_units: units/week (n,).
        within: b, draws of the within slopes (D, G).
        whole: eta, draws of the group slopes (D, G).
        curve: k, draws of the curve (D,).
        by_revenue: whether buyers who switch keep money, 1, or units, 0 (D,).
        link: groups that receive and cause, in two rows (2, L).
        cross: zeta, what each receiver answers to the index of the other (D, L).
    """

    group: np.ndarray
    reference: np.ndarray
    base_price: np.ndarray
    base_units: np.ndarray
    within: np.ndarray
    whole: np.ndarray
    curve: np.ndarray
    by_revenue: np.ndarray = field(default_factory=lambda: np.zeros(1))
    link: np.ndarray = field(default_factory=lambda: np.empty((2, 0), int))
    cross: np.ndarray = field(default_factory=lambda: np.empty((1, 0)))

    def units_of_list(self, prices: np.ndarray) -> np.ndarray:
        """Return the units a week that a price list sells (D, n).

        Args:
            prices: of all products, currency/unit (n,).
        """
        x = self._changes(prices)
        attraction = np.exp(-self.within[:, self.group] * x)
        units, money = self.base_units, self.base_price * self.base_units
        by_units = self._index(units, attraction, self.within)
        by_money = self._index(money, attraction * prices / self.base_price, self.within - 1)
        several = np.bincount(self.group, minlength=self.within.shape[1]) > 1
        index = np.where((self.by_revenue[:, None] > 0) & several, by_money, by_units)
        answer = np.exp((self.within - self.whole) * index + self._received(by_units))
        return np.asarray(self.base_units * attraction * answer[:, self.group])

    def _received(self, index: np.ndarray) -> np.ndarray:
        """Return the change of log units of every group by the first indices of the linked ones (D, G)."""
        change = np.zeros_like(index)
        for (receiver, source), cross in zip(self.link.T, self.cross.T, strict=True):
            change[:, receiver] += cross * index[:, source]
        return change

    def _index(self, weight: np.ndarray, attraction: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Return the log price index of every group in every draw (D, G)."""
        share = weight / np.maximum(self._sums(weight), LEAST_UNITS)[self.group]
        total = np.maximum(self._sums(share * attraction), LEAST_UNITS)
        return np.asarray(-np.log(total) / np.maximum(slope, LEAST_SUBSTITUTION))

    def from_base(self, prices: np.ndarray, units: np.ndarray) -> Self:
        """Return the same slopes from other base prices (currency/unit) and base units (units/week) (n,)."""
        return replace(self, base_price=prices, base_units=units)

    def take(self, rows: np.ndarray) -> Self:
        """Return some of the products (rows,)."""
        names = ("group", "reference", "base_price", "base_units")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def _changes(self, prices: np.ndarray) -> np.ndarray:
        """Return the curved price change of every product in every draw (D, n)."""
        changes = np.empty((len(self.curve), len(prices)))
        for k in np.unique(self.curve):
            change = curved(prices / self.reference, k) - curved(self.base_price / self.reference, k)
            changes[self.curve == k] = change
        return changes

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """Return sums over the members of every group (..., G)."""
        groups = self.within.shape[1]
        order = np.argsort(self.group, kind="stable")
        there, starts = np.unique(self.group[order], return_index=True)
        sums = np.zeros((*values.shape[:-1], groups))
        sums[..., there] = np.add.reduceat(values[..., order], starts, axis=-1)
        return sums


def demand_of(products: pd.DataFrame, draws: Mapping[str, np.ndarray]) -> GroupDemand:
    """Return the demand of products, as ``GroupResponse`` keeps them, with its draws."""
    return GroupDemand(
        group=products[GROUP].to_numpy(),
        reference=products[REFERENCE].to_numpy(float),
        base_price=products[PRICE].to_numpy(float),
        base_units=products[UNITS].to_numpy(float),
        **draws,
    )


def interval(draws: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the central interval of draws, over their first axis."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
    return low, high
