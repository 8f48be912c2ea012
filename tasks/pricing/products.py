"""The products of the market, one row per product and store."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from tasks.pricing.errors import MarketError
from tasks.pricing.known_cost import trusted_costs
from tasks.pricing.slopes import SlopeDraws

UNKNOWN = {
    "anchor": 1.0,
    "lowest": 0.0,
    "highest": np.inf,
    "step": np.nan,
    "stock": np.inf,
    "arrivals": 0.0,
    "filled_to": 0.0,
    "cost_stale": False,
    "cost_assumed": False,
    "tax_rate": 0.0,
}
"""What stands for an optional column."""


@dataclass(frozen=True, kw_only=True)
class Products:
    """What is sold, one row per product and store.

    Attributes:
        price: price in force, currency/unit (products,).
        list_price: price before promotion, currency/unit (products,).
        unit_cost: last known, without tax, currency/unit; nan where none was ever known (products,).
        units: expected units/week at the price in force (products,).
        dispersion: variance of the gamma frailty, 0 for Poisson demand (products,).
        identified: whether the estimates may move the price (products,), bool.
        slopes: how the groups answer prices.
        group: each product's column of ``slopes``; by default a column each (products,).
        season: number of the season of the shop that a row is in, from 0 (products,).
        anchor: price in force over the price at which the slopes hold (products,).
        lowest, highest: prices between which the rules of the shop keep it, currency/unit (products,).
        step: most that a price changes in a week, nan where it is that of the rules (share) (products,).
        stock: units left before the first week, infinite where unknown (products,).
        arrivals: units that arrive before every week (products,).
        filled_to: units to which the stock is filled up before every week, 0 where it is not (products,).
        cost_stale: whether the cost is too old to be trusted (products,), bool.
        cost_assumed: whether the cost is that of a stated margin, which protects no price (products,), bool.
        tax_rate: tax and fee in the price over what the shop keeps of it, 0 where there are none (products,).
    """

    price: np.ndarray
    list_price: np.ndarray
    unit_cost: np.ndarray
    units: np.ndarray
    dispersion: np.ndarray
    identified: np.ndarray
    slopes: SlopeDraws
    group: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    season: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    anchor: np.ndarray = field(default_factory=lambda: np.empty(0))
    lowest: np.ndarray = field(default_factory=lambda: np.empty(0))
    highest: np.ndarray = field(default_factory=lambda: np.empty(0))
    step: np.ndarray = field(default_factory=lambda: np.empty(0))
    stock: np.ndarray = field(default_factory=lambda: np.empty(0))
    arrivals: np.ndarray = field(default_factory=lambda: np.empty(0))
    filled_to: np.ndarray = field(default_factory=lambda: np.empty(0))
    cost_stale: np.ndarray = field(default_factory=lambda: np.empty(0))
    cost_assumed: np.ndarray = field(default_factory=lambda: np.empty(0))
    tax_rate: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        """Refuse arrays of other lengths and impossible numbers; fill optional columns that are empty."""
        rows = self.price.shape
        columns = {"group": np.arange(*rows), "season": np.zeros(rows, int)}
        columns |= {name: np.full(rows, unknown) for name, unknown in UNKNOWN.items()}
        for name, unknown in columns.items():
            if getattr(self, name).shape != rows and not getattr(self, name).size:
                object.__setattr__(self, name, unknown)
        for name in _COLUMNS:
            shape = getattr(self, name).shape
            if shape != rows:
                raise MarketError(f"Products: `{name}` needs a value per product, {rows}. Received: {shape}.")
        for name in ("price", "list_price", "units", "anchor"):
            self._check(name, getattr(self, name) > 0, "above 0")
        for name in ("dispersion", "arrivals", "filled_to", "tax_rate", "lowest"):
            self._check(name, getattr(self, name) >= 0, "0 or above")
        if not (self.stock >= 0).all():
            raise MarketError(
                f"Products: `stock` must be 0 or above. Received: {self.stock[~(self.stock >= 0)][0]}."
            )
        groups = self.slopes.within.shape[1]
        self._check("group", (self.group >= 0) & (self.group < groups), f"one of {groups} groups")

    def _check(self, name: str, holds: np.ndarray, rule: str) -> None:
        values = getattr(self, name)
        wrong = np.flatnonzero(~(holds & np.isfinite(values)))
        if wrong.size:
            raise MarketError(
                f"Products: `{name}` must be finite and {rule}. "
                f"Received: {values[wrong[0]]} in row {wrong[0]}."
            )

    def __len__(self) -> int:
        """Return the number of products."""
        return len(self.price)

    @cached_property
    def cost_trusted(self) -> np.ndarray:
        """Return which costs a price may be decided on (products,), bool."""
        trusted = trusted_costs(self.price, self.covering_price, self.cost_stale)
        return trusted | self.cost_assumed.astype(bool)

    @cached_property
    def covering_price(self) -> np.ndarray:
        """Return the price with tax that just covers the cost, currency/unit, nan without one (products,)."""
        return self.unit_cost * (1 + self.tax_rate)

    @cached_property
    def episode(self) -> np.ndarray:
        """Return the number of each row's group in its season, from 0 (products,)."""
        groups = self.slopes.within.shape[1]
        return np.unique(self.season * groups + self.group, return_inverse=True)[1].reshape(-1)

    @cached_property
    def share(self) -> np.ndarray:
        """Return each product's share of what its group sells at the prices in force (products,)."""
        return self.units / self.group_sum(self.units)

    @cached_property
    def revenue_share(self) -> np.ndarray:
        """Return each product's share of the revenue of its group at the prices in force (products,)."""
        revenue = self.price * self.units
        return revenue / self.group_sum(revenue)

    @cached_property
    def alone(self) -> np.ndarray:
        """Return which products are the only ones of their group (products,), bool."""
        return np.bincount(self.episode)[self.episode] == 1

    def on_hand(self, left: np.ndarray) -> np.ndarray:
        """Return the units on hand in a week, by what was left before it (products,)."""
        return np.maximum(left + self.arrivals, self.filled_to)

    def group_sum(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of each row's group in its season (products,)."""
        return np.bincount(self.episode, values)[self.episode]

    def season_sum(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of each row's season (products,)."""
        return np.bincount(self.season, values)[self.season]

    def take(self, rows: np.ndarray) -> Self:
        """Return the products of the given rows, in the same season; a row is given once."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    def repeat(self, seasons: int) -> Self:
        """Return the products so many times, each time in a season of its own (seasons * products,)."""
        many = self.take(np.tile(np.arange(len(self)), seasons))
        return replace(many, season=np.repeat(np.arange(seasons), len(self)))


_COLUMNS = [column.name for column in fields(Products) if column.name != "slopes"]


def products_of(table: pd.DataFrame, slopes: SlopeDraws) -> Products:
    """Return the products of a market table, one row per product and store."""
    columns = {name: table[name].to_numpy(copy=True) for name in _COLUMNS if name in table}
    return Products(**columns, slopes=slopes)


def index_since_training(products: Products, rows: np.ndarray, price: pd.Series) -> np.ndarray:
    """Return the log price index of a season that began at the end of the training (products,).

    An announced price is none of the list's: the price in force before it counts.

    Args:
        products: of the market.
        rows: of the products whose prices are given (prices,).
        price: in force, currency/unit (prices,).
    """
    logs = np.zeros(len(products))
    logs[rows] = np.log(price.to_numpy(float) / products.price[rows])
    revenue = products.price * products.units
    return np.full(len(products), revenue @ logs / revenue.sum())
