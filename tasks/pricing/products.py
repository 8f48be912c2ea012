"""The products of the market, one row per product and store."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from tasks.pricing.belief import believed_moments
from tasks.pricing.known_cost import trusted_costs

UNKNOWN = {"stock": np.inf, "arrivals": 0.0, "cost_stale": False, "tax_rate": 0.0}
"""What stands for an optional column."""


class MarketError(ValueError):
    """Products, rules or actions that make no market."""


@dataclass(frozen=True, kw_only=True)
class Products:
    """What is sold, one row per product and store.

    Attributes:
        price: price in force, currency/unit (products,).
        list_price: price before promotion, currency/unit (products,).
        unit_cost: last known, without tax, currency/unit; nan where none was ever known (products,).
        units: expected units/week at the price in force (products,).
        dispersion: variance of the gamma frailty, 0 for Poisson demand (products,).
        elasticity: estimate of the own-price elasticity (products,).
        standard_error: its uncertainty (products,).
        identified: whether the estimate may move the price (products,), bool.
        stock: units on hand before the first decision, infinite where unknown (products,).
        arrivals: units that arrive after every week (products,).
        cost_stale: whether the cost is too old to be trusted (products,), bool.
        tax_rate: tax in the price over the price without it, 0 where prices are without tax (products,).
    """

    price: np.ndarray
    list_price: np.ndarray
    unit_cost: np.ndarray
    units: np.ndarray
    dispersion: np.ndarray
    elasticity: np.ndarray
    standard_error: np.ndarray
    identified: np.ndarray
    stock: np.ndarray = field(default_factory=lambda: np.empty(0))
    arrivals: np.ndarray = field(default_factory=lambda: np.empty(0))
    cost_stale: np.ndarray = field(default_factory=lambda: np.empty(0))
    tax_rate: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        """Refuse arrays of other lengths and impossible numbers; fill optional columns that are empty."""
        for name, unknown in UNKNOWN.items():
            if getattr(self, name).shape != self.price.shape and not getattr(self, name).size:
                object.__setattr__(self, name, np.full(self.price.shape, unknown))
        for column in fields(self):
            shape = getattr(self, column.name).shape
            if shape != self.price.shape:
                raise MarketError(
                    f"Products: `{column.name}` needs a value per product, {self.price.shape}. "
                    f"Received: {shape}."
                )
        for name in ("price", "list_price", "units"):
            self._check(name, getattr(self, name) > 0, "above 0")
        for name in ("dispersion", "standard_error", "arrivals", "tax_rate"):
            self._check(name, getattr(self, name) >= 0, "0 or above")
        if not (self.stock >= 0).all():
            raise MarketError(
                f"Products: `stock` must be 0 or above. Received: {self.stock[~(self.stock >= 0)][0]}."
            )
        self._check("elasticity", np.isfinite(self.elasticity), "a number")

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
        return trusted_costs(self.price, self.covering_price, self.cost_stale)

    @cached_property
    def covering_price(self) -> np.ndarray:
        """Return the price with tax that just covers the cost, currency/unit, nan without one (products,)."""
        return self.unit_cost * (1 + self.tax_rate)

    def take(self, rows: np.ndarray) -> Self:
        """Return the products of the given rows; a row may be given more than once."""
        return replace(self, **{column.name: getattr(self, column.name)[rows] for column in fields(self)})

    def believed(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and variance of the elasticity before anything is sold (products,)."""
        return believed_moments(self.elasticity, self.standard_error)


def products_of(table: pd.DataFrame) -> Products:
    """Return the products of a market table, one row per product and store."""
    return Products(
        **{
            column.name: table[column.name].to_numpy(copy=True)
            for column in fields(Products)
            if column.name in table
        }
    )
