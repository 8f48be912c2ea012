"""The kinds of shops: what their demand looks like, what their table holds, and what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import ALL_STORES, CATEGORY, SERIES
from tasks.bench.cases.true_demand import (
    Assortment,
    Demand,
    Departments,
    LinearCross,
    NestedLogit,
    OutsideLogit,
    SaturatedCes,
)

GROUPS, MEMBERS = 16, 4  # substitute groups and the products in each
WITHIN = (2.2, 3.4)  # range of the slope within a group
NESTED_THETA = 0.2  # answer of a group over the answer within it
DEPARTMENT_THETA, DEPARTMENT_PHI = 0.7, 0.2  # of groups, and of the departments whose groups are substitutes
DEPARTMENT_GROUPS = 2  # groups of a department
CROSS_SHARE = 0.7  # linear demand: answer to the siblings' common change over the own answer
REACH, SPEED = 0.6, 2.0  # saturation of a category's consumption
OUTSIDE = 0.3  # share of buyers who buy nothing at base prices


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What sets the shops of a kind apart.

    Attributes:
        demand: ``nested``, ``departments``, ``linear``, ``ces`` or ``logit``.
        theta: of nested demand; 1: independent products.
        costs: whether the sales table has the unit cost.
        stock: whether no more than the stock of the week is sold.
        promotions: whether there are announced promotions.
        peaks: whether promotions are placed where demand peaks.
        confounded: whether shocks that no table shows move demand and price.
        stores: number of stores; they share the products, not the buyers.
    """

    demand: str = "nested"
    theta: float = NESTED_THETA
    costs: bool = False
    stock: bool = False
    promotions: bool = True
    peaks: bool = False
    confounded: bool = False
    stores: int = 1

    @property
    def independent(self) -> bool:
        """Return whether no product has substitutes."""
        return self.demand == "nested" and self.theta == 1.0


KINDS = {
    "nested": Kind(),
    "nested_cost": Kind(costs=True),
    "independent": Kind(theta=1.0),
    "independent_cost": Kind(theta=1.0, costs=True),
    "linear_cost": Kind(demand="linear", costs=True),
    "ces": Kind(demand="ces"),
    "logit_cost": Kind(demand="logit", costs=True),
    "nested_stock": Kind(costs=True, stock=True),
    "nested_peaks": Kind(costs=True, peaks=True),
    "confounded_instrument": Kind(costs=True, promotions=False, confounded=True),
    "confounded": Kind(promotions=False, confounded=True),
    "two_stores": Kind(costs=True, stores=2),
    "linear": Kind(demand="linear"),
    "ces_cost": Kind(demand="ces", costs=True),
    "logit": Kind(demand="logit"),
    "departments_cost": Kind(demand="departments", costs=True),
}
"""Kinds of shops by name; a benchmark of many shops goes through them in this order, again and again."""


def rows_of(stores: int) -> pd.DataFrame:
    """Return products in stores, sorted by product and store."""
    names = [ALL_STORES] if stores == 1 else [f"s{store}" for store in range(stores)]
    products = GROUPS * MEMBERS // stores
    table = [
        (f"p{product:03d}", store, f"c{product // MEMBERS:02d}")
        for product in range(products)
        for store in names
    ]
    return pd.DataFrame(table, columns=[*SERIES, CATEGORY], dtype="str")


def demand_of(kind: Kind, goods: Assortment, slope: np.ndarray) -> Demand:
    """Return the demand of a kind, with the slope of each product within its group (products,)."""
    if kind.demand == "linear":
        return LinearCross(goods=goods, own_elasticity=slope, cross=CROSS_SHARE * slope)
    if kind.demand == "ces":
        return SaturatedCes(goods=goods, sigma=slope, reach=REACH, speed=SPEED)
    if kind.demand == "logit":
        mean = goods.total(goods.price) / goods.total(np.ones_like(goods.price))
        return OutsideLogit(goods=goods, beta=slope / mean, outside=OUTSIDE)
    if kind.demand == "departments":
        return Departments(
            goods=goods,
            department=goods.group // DEPARTMENT_GROUPS,
            within=slope,
            theta=DEPARTMENT_THETA,
            phi=DEPARTMENT_PHI,
        )
    return NestedLogit(goods=goods, within=slope, theta=kind.theta)
