"""A season with a stock that cannot be refilled, solved exactly: after Gallego and van Ryzin.

In period t of T the shop sets a price of its ladder, the number of buyers is Poisson(mean_demand[t, a]),
and sales are the smaller of buyers and stock (Gallego and van Ryzin 1994, Management Science 40:999). What
is left after the season earns its salvage. The state is (t, stock), so that one backward pass gives the
optimum, and another one the exact value of any policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import stats

NO_DEMAND = 1e-12  # demand below this share of its scale is taken for 0


class CaseError(ValueError):
    """Parameters that define no case."""


@dataclass(frozen=True)
class StockCase:
    """A season of T periods with a stock of at most C units.

    Attributes:
        prices: ladder, currency/unit (actions,).
        mean_demand: expected buyers per period (T, actions).
        stock: units at the start, C.
        salvage: worth of a unit left after the season, currency/unit.
    """

    prices: np.ndarray
    mean_demand: np.ndarray
    stock: int
    salvage: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a market that sells nothing, and demand that clips to zero inside the price box."""
        negative = np.flatnonzero(~((self.mean_demand >= 0) & np.isfinite(self.mean_demand)).all(axis=0))
        if negative.size:
            action = negative[0]
            raise CaseError(
                "stock case: demand must be 0 or above at every price of the ladder. Received: "
                f"{self.mean_demand[:, action].min():g} at price {self.prices[action]:g}. "
                "A policy would learn to price out: narrow the ladder."
            )
        if self.stock < 1 or self.mean_demand.max() <= 0:
            raise CaseError(
                "stock case: there must be stock and demand. "
                f"Received: stock {self.stock}, demand {self.mean_demand.max():g}."
            )

    @property
    def periods(self) -> int:
        """Return T."""
        return len(self.mean_demand)

    @cached_property
    def sales(self) -> list[np.ndarray]:
        """Return P(k units sold | t, a, stock s) by period, over action, s and k (actions, C + 1, C + 1).

        Equal periods share their table.
        """
        sold, left = np.arange(self.stock + 1), np.arange(self.stock + 1)[:, None]
        tables: dict[bytes, np.ndarray] = {}
        for means in self.mean_demand:
            if means.tobytes() not in tables:
                mass = stats.poisson.pmf(sold, means[:, None])[:, None, :]  # [A, 1, C + 1]
                rest = stats.poisson.sf(sold - 1, means[:, None])[:, None, :]  # P(demand >= k)
                tables[means.tobytes()] = np.where(sold < left, mass, np.where(sold == left, rest, 0.0))
        return [tables[means.tobytes()] for means in self.mean_demand]

    def q_values(self, t: int, after: np.ndarray) -> np.ndarray:
        """Return the worth of every price in period t (C + 1, actions), in currency.

        Args:
            t: period, from 0.
            after: worth of every stock at the start of period t + 1 (C + 1,).
        """
        s = np.arange(self.stock + 1)
        left = s[:, None] - s  # [C + 1, C + 1]
        worth = np.where(left >= 0, after[np.maximum(left, 0)], 0.0)
        probability = self.sales[t]  # [A, C + 1, C + 1]
        return np.asarray((self.prices[:, None] * (probability @ s) + (probability * worth).sum(axis=2)).T)

    @cached_property
    def optimal(self) -> tuple[float, np.ndarray]:
        """Return the highest expected revenue from the full stock, and its actions (T, C + 1)."""
        return self._backward(lambda _, q: q.argmax(axis=1))

    def value(self, actions: np.ndarray) -> float:
        """Return the exact expected revenue of a policy from the full stock.

        Args:
            actions: price index by period and stock (T, C + 1).
        """
        return self._backward(lambda t, _: actions[t])[0]

    def baselines(self) -> dict[str, float]:
        """Return what simple policies earn, in currency.

        They are the best fixed price, the myopic price (the best of the period, with a unit worth its
        salvage and the scarcity of the stock ignored), a price drawn anew every period, and the fluid
        price.
        """
        shape = (self.periods, self.stock + 1)
        myopic = ((self.prices - self.salvage) * self.mean_demand).argmax(axis=1)
        return {
            "best_fixed": max(self._fixed()),
            "myopic": self.value(np.broadcast_to(myopic[:, None], shape)),
            "random": self._random(),
            "fluid": self.value(np.full(shape, self._fluid())),
        }

    def never_up(self) -> float:
        """Return the highest expected revenue of prices that only fall.

        The state also holds the last price, which is the highest one at the start.
        """
        order = np.argsort(-self.prices)
        after = np.repeat(
            self.salvage * np.arange(self.stock + 1.0)[:, None], len(order), axis=1
        )  # (C + 1, last price)
        for t in reversed(range(self.periods)):
            worth = [self.q_values(t, after[:, place])[:, action] for place, action in enumerate(order)]
            after = np.maximum.accumulate(np.stack(worth, axis=1)[:, ::-1], axis=1)[:, ::-1]
        return float(after[-1, 0])

    def best_fixed_price(self) -> float:
        """Return the fixed price that earns most, currency/unit."""
        return float(self.prices[int(np.argmax(self._fixed()))])

    def _fixed(self) -> list[float]:
        """Return what every price of the ladder earns where it never changes."""
        shape = (self.periods, self.stock + 1)
        return [self.value(np.full(shape, action)) for action in range(len(self.prices))]

    def _fluid(self) -> int:
        """Return the best fixed action where demand equals its mean (Gallego and van Ryzin)."""
        sold = np.minimum(self.mean_demand.sum(axis=0), self.stock)
        return int(np.argmax((self.prices - self.salvage) * sold))

    def _random(self) -> float:
        """Return what a price drawn anew every period earns."""
        after = self.salvage * np.arange(self.stock + 1.0)
        for t in reversed(range(self.periods)):
            after = self.q_values(t, after).mean(axis=1)
        return float(after[-1])

    def _backward(self, choose: Callable[[int, np.ndarray], np.ndarray]) -> tuple[float, np.ndarray]:
        """Return the value of a policy from the full stock, and its actions (T, C + 1).

        Args:
            choose: gives the actions of every stock (C + 1,) from the period and its ``q_values``.
        """
        after = self.salvage * np.arange(self.stock + 1.0)
        actions = np.empty((self.periods, self.stock + 1), int)
        for t in reversed(range(self.periods)):
            q = self.q_values(t, after)
            actions[t] = choose(t, q)
            after = q[np.arange(self.stock + 1), actions[t]]
        return float(after[-1]), actions


def finite_stock(case: Mapping[str, Any]) -> StockCase:
    """Return the case of a finite stock, with an equally spaced ladder.

    Args:
        case: ``kind`` of demand, ``exp`` for a exp(-b p) or ``lin`` for a - b p, with ``a`` and ``b``;
            ``price_min``, ``price_max`` and number of ``prices``; ``periods`` and ``stock``.
    """
    prices = np.linspace(case["price_min"], case["price_max"], case["prices"])
    if case["kind"] not in ("exp", "lin"):
        raise CaseError(f"finite_stock: `kind` must be exp or lin. Received: {case['kind']}.")
    mean = (
        case["a"] * np.exp(-case["b"] * prices) if case["kind"] == "exp" else case["a"] - case["b"] * prices
    )
    mean = np.where(np.abs(mean) < NO_DEMAND * case["a"], 0.0, mean)
    return StockCase(prices, np.tile(mean, (case["periods"], 1)), case["stock"])


def markdown(case: Mapping[str, Any]) -> StockCase:
    """Return the case of a season that ends in markdowns.

    Demand is base s_t (p / p0)^-e with s_t = 1 + amp sin(2 pi (t + 1/2) / T).

    Args:
        case: ``base``, ``e``, ``amp`` and ``T`` as above; ``p0`` and the ``ladder`` in shares of it; stock
            ``C`` and ``salvage``.
    """
    ladder, t = np.asarray(case["ladder"], float), np.arange(case["T"])
    season = 1 + case["amp"] * np.sin(2 * np.pi * (t + 0.5) / case["T"])
    mean = case["base"] * season[:, None] * ladder ** -case["e"]
    return StockCase(case["p0"] * ladder, mean, case["C"], case["salvage"])
