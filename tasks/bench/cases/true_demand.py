"""Demand of whole shops in closed form: how units of all products follow from the prices of all products.

Products form substitute groups; groups touch each other in ``Departments`` alone. r_i is the price over the
base price, s_i the product's share of its group's units at base prices, a_i the pull of an announcement or of
a mood (log units). None of the forms is the market that a retraining fits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

LOWEST, HIGHEST = 0.65, 1.5  # price index of a group over its base between which the forms hold
LEAVING = 4.0  # elasticity by which buyers leave a group that is dearer than that


@dataclass(frozen=True, kw_only=True)
class Assortment:
    """Products in substitute groups, and what they sell at their base prices.

    Attributes:
        group: number of each product's group, from 0 (products,).
        level: units/week at base prices (products,).
        price: base prices, currency/unit (products,).
    """

    group: np.ndarray
    level: np.ndarray
    price: np.ndarray

    def total(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of each product's group (..., products)."""
        members = self.group[:, None] == np.arange(self.group.max() + 1)  # (products, groups)
        return np.asarray((values @ members)[..., self.group])

    @property
    def share(self) -> np.ndarray:
        """Return the share of each product in its group's units at base prices (products,)."""
        return self.level / self.total(self.level)


class Demand(Protocol):
    """Expected units of all products."""

    @property
    def goods(self) -> Assortment:
        """Return the products."""
        ...

    def units(self, prices: np.ndarray, pull: np.ndarray | float = 0.0) -> np.ndarray:
        """Return units/week (..., products) at prices in currency/unit (..., products)."""
        ...


@dataclass(frozen=True, kw_only=True)
class NestedLogit:
    """Nested logit in log prices, a nest per group.

        v_i = -b ln r_i + a_i,  S = sum_j s_j exp(v_j),  q_i = level_i exp(v_i) S^(theta - 1)

    At base prices the own elasticity is -b (1 - s_i) - theta b s_i, that to the price of j is
    b (1 - theta) s_j, and the group answers a common change by -theta b. With theta = 1 products are
    independent.

    Attributes:
        goods: the products.
        within: b of each product's group, above 0 (products,).
        theta: answer of the group over the answer within it, 0 to 1.
    """

    goods: Assortment
    within: np.ndarray
    theta: float

    def units(self, prices: np.ndarray, pull: np.ndarray | float = 0.0) -> np.ndarray:
        """Return units/week (..., products)."""
        attraction = np.exp(-self.within * np.log(prices / self.goods.price) + pull)
        inclusive = self.goods.total(self.goods.share * attraction)  # S (..., products)
        return np.asarray(self.goods.level * attraction * inclusive ** (self.theta - 1))


@dataclass(frozen=True, kw_only=True)
class Departments:
    """Nested logit in three levels: groups of a department steal from each other.

        v_i = -b ln r_i + a_i,  S = sum_j s_j exp(v_j),  T = sum_g w_g S_g^theta
        q_i = level_i exp(v_i) S^(theta - 1) T^(phi - 1)

    with w_g a group's share of its department's units at base prices. At base prices a group answers a common
    change of its own prices by -theta b (1 - (1 - phi) w_g), and one of group h of its department by
    (1 - phi) theta b w_h. With phi = 1 groups do not touch each other.

    Attributes:
        goods: the products.
        department: number of each product's department, from 0 (products,).
        within: b of each product's group, above 0 (products,).
        theta: answer of a group over the answer within it, 0 to 1.
        phi: answer of a department over the answer of its groups, 0 to 1.
    """

    goods: Assortment
    department: np.ndarray
    within: np.ndarray
    theta: float
    phi: float

    def units(self, prices: np.ndarray, pull: np.ndarray | float = 0.0) -> np.ndarray:
        """Return units/week (..., products)."""
        departments = replace(self.goods, group=self.department)
        attraction = np.exp(-self.within * np.log(prices / self.goods.price) + pull)
        inclusive = self.goods.total(self.goods.share * attraction)  # S (..., products)
        # A group's S^theta, counted by its members' shares of the department.
        reached = departments.total(departments.share * inclusive**self.theta)  # T (..., products)
        nested = attraction * inclusive ** (self.theta - 1) * reached ** (self.phi - 1)
        return np.asarray(self.goods.level * nested)


@dataclass(frozen=True, kw_only=True)
class LinearCross:
    """Linear demand with cross effects.

        q_i = level_i exp(a_i) max(0, 1 - own_i (r_i - 1) + cross_i mean over siblings of (r_j - 1))

    A sibling counts up to the price at which it would sell nothing alone, 1 + 1 / own_j: nobody leaves a
    product that nobody buys.

    Attributes:
        goods: the products, at least two a group.
        own_elasticity: own elasticity at base prices, without its sign (products,).
        cross: elasticity to a common change of the siblings' prices at base prices, below the own one
            (products,).
    """

    goods: Assortment
    own_elasticity: np.ndarray
    cross: np.ndarray

    def units(self, prices: np.ndarray, pull: np.ndarray | float = 0.0) -> np.ndarray:
        """Return units/week (..., products)."""
        change = prices / self.goods.price - 1
        felt = np.minimum(change, 1 / self.own_elasticity)
        siblings = (self.goods.total(felt) - felt) / (self.goods.total(np.ones_like(self.own_elasticity)) - 1)
        answer = np.maximum(1 - self.own_elasticity * change + self.cross * siblings, 0.0)
        return np.asarray(self.goods.level * np.exp(pull) * answer)


@dataclass(frozen=True, kw_only=True)
class SaturatedCes:
    """Constant elasticity of substitution within a category whose consumption saturates.

        P = (sum_j w_j exp(a_j) r_j^(1 - sigma))^(1 / (1 - sigma)),  Q = (1 + reach) / (1 + reach P^speed)
        q_i = level_i exp(a_i) (r_i / P)^(-sigma) Q

    with w_j the share of the group's revenue at base prices. No cut sells the group more than 1 + reach
    times its usual units. At base prices a group answers a common change by -eta,
    eta = speed reach / (1 + reach); the own elasticity is -sigma (1 - w_i) - eta w_i, that to the price of j
    is (sigma - eta) w_j.

    Attributes:
        goods: the products.
        sigma: elasticity of substitution of each product's group, above 1 (products,).
        reach: largest gain of a group, over its usual units.
        speed: how fast consumption saturates.
    """

    goods: Assortment
    sigma: np.ndarray
    reach: float
    speed: float

    def units(self, prices: np.ndarray, pull: np.ndarray | float = 0.0) -> np.ndarray:
        """Return units/week (..., products)."""
        revenue = self.goods.level * self.goods.price
        weight, ratio = revenue / self.goods.total(revenue), prices / self.goods.price
        index = self.goods.total(weight * np.exp(pull) * ratio ** (1 - self.sigma)) ** (1 / (1 - self.sigma))
        consumption = (1 + self.reach) / (1 + self.reach * index**self.speed)
        return np.asarray(self.goods.level * np.exp(pull) * (ratio / index) ** -self.sigma * consumption)


@dataclass(frozen=True, kw_only=True)
class OutsideLogit:
    """Multinomial logit in prices with an outside good, a choice per group.

        v_i = -beta (p_i - base_i) + a_i
        q_i = level_i exp(v_i) / (outside + (1 - outside) sum_j s_j exp(v_j))

    With S_i = (1 - outside) s_i, the share of all buyers at base prices, the own elasticity there is
    -beta p_i (1 - S_i), that to the price of j is beta p_j S_j.

    Attributes:
        goods: the products.
        beta: utility of a unit of currency in each product's group (products,).
        outside: share of buyers who buy nothing at base prices, 0 to 1.
    """

    goods: Assortment
    beta: np.ndarray
    outside: float

    def units(self, prices: np.ndarray, pull: np.ndarray | float = 0.0) -> np.ndarray:
        """Return units/week (..., products)."""
        attraction = np.exp(-self.beta * (prices - self.goods.price) + pull)
        buyers = self.goods.total(self.goods.share * attraction)
        return np.asarray(self.goods.level * attraction / (self.outside + (1 - self.outside) * buyers))


@dataclass(frozen=True, kw_only=True)
class Bounded:
    """A demand whose form holds near its base prices only, as that of every shop.

    X is a group's mean of r_i, weighted by s_i. Below ``LOWEST`` nobody buys more: units are those at prices
    scaled up to ``LOWEST``. Above ``HIGHEST`` buyers leave: units are multiplied by (HIGHEST / X)^LEAVING.
    Without it, a group that answers a common change weakly could be made dearer for ever.

    Attributes:
        form: demand near the base prices.
    """

    form: Demand

    @property
    def goods(self) -> Assortment:
        """Return the products."""
        return self.form.goods

    def units(self, prices: np.ndarray, pull: np.ndarray | float = 0.0) -> np.ndarray:
        """Return units/week (..., products)."""
        index = self.goods.total(self.goods.share * prices / self.goods.price)
        staying = np.minimum(HIGHEST / index, 1.0) ** LEAVING
        return self.form.units(prices * np.maximum(LOWEST / index, 1.0), pull) * staying
