"""Buyers who remember prices, over an infinite horizon, solved on a fine grid of remembered prices.

At remembered price r and price p, D = a - b p + gain max(r - p, 0) - loss max(p - r, 0) units sell at
margin p - cost (Popescu and Wu 2007, Operations Research 55:413). The remembered price becomes memory r +
(1 - memory) p, and every period counts ``discount`` times the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tasks.bench.cases.stock import CaseError

GRID = 8001  # remembered prices of the exact solution
BACKUPS = 100  # evaluations of a policy between two improvements
TOLERANCE = 1e-10  # largest change of the values, relative to them, at which they have converged
NEGLIGIBLE = 1e-12  # weight of the first period that a roll-out leaves out


@dataclass(frozen=True, kw_only=True)
class ReferenceCase:
    """Demand that answers the price and the price remembered.

    Attributes:
        prices: ladder, currency/unit (actions,).
        a, b: units/period at price 0, and units lost per unit of price.
        gain, loss: units per unit of price below and above the remembered one.
        memory: weight of the past in the remembered price.
        discount: worth of a reward one period later.
        cost: currency/unit.
        start: remembered price at the start.
    """

    prices: np.ndarray
    a: float
    b: float
    gain: float
    loss: float
    memory: float
    discount: float
    cost: float
    start: float

    def __post_init__(self) -> None:
        """Refuse demand that is clipped at zero.

        Its "optimum" would be to sell nothing at a high price, which lifts the remembered price.
        """
        low, high = float(self.prices[0]), float(self.prices[-1])
        least = self.a - self.b * high - self.loss * (high - min(low, self.start))
        if least <= 0:
            raise CaseError(
                "reference price: demand must be above 0 for every price and remembered price of the ladder. "
                f"Received: {least:g} at price {high:g}, remembered {min(low, self.start):g}. "
                "A policy would learn to price out: narrow the ladder."
            )

    def demand(self, remembered: np.ndarray, price: np.ndarray) -> np.ndarray:
        """Return units/period; the arguments broadcast."""
        gap = remembered - price
        return np.asarray(
            self.a - self.b * price + self.gain * np.maximum(gap, 0) - self.loss * np.maximum(-gap, 0)
        )

    def reward(self, remembered: np.ndarray, price: np.ndarray) -> np.ndarray:
        """Return currency/period; the arguments broadcast."""
        return (price - self.cost) * self.demand(remembered, price)

    def after(self, remembered: np.ndarray, price: np.ndarray) -> np.ndarray:
        """Return the remembered price of the next period."""
        return self.memory * remembered + (1 - self.memory) * price

    @cached_property
    def grid(self) -> np.ndarray:
        """Return the remembered prices of the exact solution (grid,)."""
        return np.linspace(min(self.prices[0], self.start), max(self.prices[-1], self.start), GRID)

    @cached_property
    def optimal(self) -> tuple[float, np.ndarray]:
        """Return the discounted profit of the best policy from the start, and the values of the grid (grid,).

        Policy iteration: what a policy is worth is a fixed point, computed to ``TOLERANCE`` by repeated
        backups; linear between grid points.
        """
        reward = self.reward(self.grid[:, None], self.prices)  # [G, A]
        index, share = self._places(self.after(self.grid[:, None], self.prices))
        rows, worth = np.arange(GRID), np.zeros(GRID)
        while True:
            q = reward + self.discount * ((1 - share) * worth[index] + share * worth[index + 1])
            best = q.argmax(axis=1)
            before, worth = worth, q[rows, best]
            r, i, w = reward[rows, best], index[rows, best], share[rows, best]
            for _ in range(BACKUPS):
                worth = r + self.discount * ((1 - w) * worth[i] + w * worth[i + 1])
            if np.abs(worth - before).max() < TOLERANCE * max(1.0, np.abs(worth).max()):
                break
        return self.value(self.greedy(worth)), worth

    def greedy(self, worth: np.ndarray) -> Callable[[float], int]:
        """Return the policy that looks one period ahead by the worth of the grid."""

        def act(remembered: float) -> int:
            later = np.interp(self.after(np.asarray(remembered), self.prices), self.grid, worth)
            return int(np.argmax(self.reward(np.asarray(remembered), self.prices) + self.discount * later))

        return act

    def value(self, act: Callable[[float], int]) -> float:
        """Return the discounted profit of a policy from the start, until what follows is negligible."""
        remembered, weight, total = self.start, 1.0, 0.0
        while weight > NEGLIGIBLE:
            price = self.prices[act(remembered)]
            total += weight * float(self.reward(np.asarray(remembered), price))
            remembered, weight = float(self.after(np.asarray(remembered), price)), weight * self.discount
        return total

    def baselines(self) -> dict[str, float]:
        """Return what the best fixed price, the myopic price and a price drawn anew every period earn."""
        return {
            "best_fixed": max(self._fixed()),
            "myopic": self.value(lambda r: int(np.argmax(self.reward(np.asarray(r), self.prices)))),
            "random": self._random(),
        }

    def best_fixed_price(self) -> float:
        """Return the fixed price that earns most, currency/unit."""
        return float(self.prices[int(np.argmax(self._fixed()))])

    def _fixed(self) -> list[float]:
        """Return what every price of the ladder earns where it never changes."""

        def always(action: int) -> Callable[[float], int]:
            return lambda _: action

        return [self.value(always(action)) for action in range(len(self.prices))]

    def _random(self) -> float:
        """Return what a price drawn anew every period earns."""
        reward = self.reward(self.grid[:, None], self.prices).mean(axis=1)
        index, share = self._places(self.after(self.grid[:, None], self.prices))
        worth, change = np.zeros(GRID), np.inf
        while change > TOLERANCE * max(1.0, np.abs(worth).max()):
            new = reward + self.discount * ((1 - share) * worth[index] + share * worth[index + 1]).mean(
                axis=1
            )
            worth, change = new, float(np.abs(new - worth).max())
        return float(np.interp(self.start, self.grid, worth))

    def _places(self, remembered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the grid points below remembered prices, and the weights of the next ones."""
        place = (remembered - self.grid[0]) / (self.grid[1] - self.grid[0])
        index = np.clip(place.astype(int), 0, GRID - 2)
        return index, place - index


def reference_price(case: Mapping[str, Any]) -> ReferenceCase:
    """Return the case of a remembered price, on an equally spaced ladder.

    Args:
        case: ``lo``, ``hi`` and number ``m`` of prices, demand ``a`` and ``b``, gain ``bg``, loss ``bl``,
            memory ``al``, discount ``g``, ``cost``, and the remembered price at the start ``r0``.
    """
    return ReferenceCase(
        prices=np.linspace(case["lo"], case["hi"], case["m"]),
        a=case["a"],
        b=case["b"],
        gain=case["bg"],
        loss=case["bl"],
        memory=case["al"],
        discount=case["g"],
        cost=case["cost"],
        start=case["r0"],
    )
