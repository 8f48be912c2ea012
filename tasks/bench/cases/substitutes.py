"""Products that take each other's buyers, priced together: linear demand, and the multinomial logit.

The joint optimum counts what a price wins for the other products. The naive price does not, and a Nash price
maximises the profit of its product alone. In the logit case every product has the same mark-up at the joint
optimum (Anderson, de Palma and Thisse 1992).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import lambertw

from tasks.bench.cases.closed_forms import best_price
from tasks.bench.cases.stock import CaseError

STEPS = 41  # prices of a product's ladder
NASH_ROUNDS, NASH_STEP = 1000, 0.5  # rounds of the search for the Nash prices, and the damping of its steps
ROUNDING = 1e-9  # units below 0 that are rounding errors


@dataclass(frozen=True)
class SubstitutesCase:
    """Products sold together for one period, with unlimited stock.

    Attributes:
        demand: ``linear`` (q = a - B p) or ``mnl`` (q_i = M exp(u_i - b p_i) / (1 + sum_j exp(u_j - b p_j))).
        parameters: a, B, c; or u, b, c, M.
    """

    demand: str
    parameters: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse an unknown demand, and a linear one without a maximum."""
        if self.demand not in ("linear", "mnl"):
            raise CaseError(f"substitutes: `demand` must be linear or mnl. Received: {self.demand}.")
        if self.demand == "linear" and np.linalg.eigvalsh(self._slopes + self._slopes.T).min() <= 0:
            raise CaseError(
                "substitutes: B + B' must be positive definite, else a higher price always earns more."
            )

    @property
    def costs(self) -> np.ndarray:
        """Return unit costs (products,)."""
        return np.asarray(self.parameters["c"], float)

    @property
    def _slopes(self) -> np.ndarray:
        """Return B of linear demand (products, products)."""
        return np.asarray(self.parameters["B"], float)

    def units(self, prices: np.ndarray) -> np.ndarray:
        """Return units of every product; prices and units (..., products)."""
        if self.demand == "linear":
            return np.asarray(self.parameters["a"] - prices @ self._slopes.T)
        pull = np.exp(np.asarray(self.parameters["u"]) - self.parameters["b"] * prices)
        return np.asarray(self.parameters["M"] * pull / (1 + pull.sum(axis=-1, keepdims=True)))

    def profit(self, prices: np.ndarray) -> np.ndarray:
        """Return the profit of all products together (...); prices (..., products)."""
        return np.asarray(((prices - self.costs) * self.units(prices)).sum(axis=-1))

    @cached_property
    def optimal(self) -> tuple[float, np.ndarray]:
        """Return the highest joint profit and its prices (products,).

        They solve a linear system, or have the common mark-up that Lambert's W gives.
        """
        if self.demand == "linear":
            prices = np.linalg.solve(
                self._slopes + self._slopes.T, self.parameters["a"] + self._slopes.T @ self.costs
            )
        else:
            b = self.parameters["b"]
            pull = np.exp(np.asarray(self.parameters["u"]) - b * self.costs - 1).sum()
            prices = self.costs + (1 + float(lambertw(pull).real)) / b
        return float(self.profit(prices)), prices

    def naive(self) -> np.ndarray:
        """Return the prices that ignore the other products (products,)."""
        if self.demand == "linear":
            return np.asarray((self.parameters["a"] / np.diag(self._slopes) + self.costs) / 2)
        market, b = self.parameters["M"], self.parameters["b"]
        pairs = zip(self.parameters["u"], self.costs, strict=True)
        return np.array([best_price("logit", {"M": market, "u": u, "b": b, "c": c}).price for u, c in pairs])

    def nash(self) -> np.ndarray:
        """Return the prices at which no product alone gains by another price (products,)."""
        if self.demand == "linear":
            diagonal = np.diag(np.diag(self._slopes))
            right = self.parameters["a"] + diagonal @ self.costs
            return np.asarray(np.linalg.solve(self._slopes + diagonal, right))
        prices = self.naive()
        for _ in range(NASH_ROUNDS):
            share = self.units(prices) / self.parameters["M"]
            best = self.costs + 1 / (self.parameters["b"] * (1 - share))
            prices = (1 - NASH_STEP) * prices + NASH_STEP * best
        return prices

    @cached_property
    def ladders(self) -> np.ndarray:
        """Return a ladder for every product, from its cost to a price above any best price (products, STEPS).

        Linear: to the price at which every demand is 0. Logit: past the largest possible mark-up, because
        (1 + W(x)) / b is below (1 + log(1 + x)) / b.
        """
        if self.demand == "linear":
            high = np.linalg.solve(self._slopes, np.asarray(self.parameters["a"], float))
        else:
            b = self.parameters["b"]
            pull = np.exp(np.asarray(self.parameters["u"]) - b * self.costs - 1).sum()
            high = self.costs + (2 + np.log1p(pull)) / b
        if not (high > self.costs).all():
            raise CaseError(
                "substitutes: every product must sell above its cost. "
                f"Received: cost {self.costs}, no demand at {high}."
            )
        return np.linspace(self.costs, high, STEPS, axis=1)

    @cached_property
    def possible(self) -> np.ndarray:
        """Return which prices of the ladders leave every demand at 0 or above, bool (STEPS, ..., STEPS)."""
        return np.asarray((self.units(self._price_grid) >= -ROUNDING).all(axis=-1))

    @cached_property
    def profits(self) -> np.ndarray:
        """Return the joint profit at every choice of prices (STEPS, ..., STEPS)."""
        return self.profit(self._price_grid)

    @cached_property
    def _price_grid(self) -> np.ndarray:
        """Return every combination of the ladders' prices (STEPS, ..., STEPS, products)."""
        return np.stack(np.meshgrid(*self.ladders, indexing="ij"), axis=-1)

    def baselines(self) -> dict[str, float]:
        """Return what the best, random, naive ("myopic") and Nash prices earn, in currency."""
        profits = self.profits[self.possible]
        fixed = {"best_fixed": float(profits.max()), "random": float(profits.mean())}
        return {**fixed, "myopic": float(self.profit(self.naive())), "nash": float(self.profit(self.nash()))}


def substitutes(case: Mapping[str, Any]) -> SubstitutesCase:
    """Return the case of products priced together.

    Args:
        case: ``demand`` and ``parameters`` as in ``SubstitutesCase``, with lists for arrays.
    """
    parameters = {
        name: np.asarray(value, float) if isinstance(value, list) else value
        for name, value in case["parameters"].items()
    }
    return SubstitutesCase(case["demand"], parameters)
