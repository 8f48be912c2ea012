"""The best list that the rules leave within reach, and the season of such lists, week after week.

The price index couples all groups: a list maximises what is earned less toll x weight x log price, and the
toll is found by bisection. A list that is best at a toll is best of all lists with its index (Everett 1963,
Oper. Res. 11:399). What a common toll leaves of the index, as whole groups move at once, is filled product by
product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tasks.bench.cases.joint_optimum import Value, optimal_steps
from tasks.bench.cases.price_rules import Reach

DOUBLINGS = 40  # of the toll, at most, until the index is within its bounds
HALVINGS = 10  # of the interval of the toll, at most
CLOSE = 5e-4  # distance from the bound of the index at which the search ends


def best_list(value: Value, group: np.ndarray, reach: Reach, prices: np.ndarray) -> np.ndarray:
    """Return the prices that earn most of those within reach of the prices in force (products,).

    Args:
        value: what a product earns. Groups must not touch each other.
        group: number of each product's group, from 0 (products,).
        reach: the rules.
        prices: in force, currency/unit (products,).
    """
    search = _Search(value=value, group=group, reach=reach, prices=prices)
    steps = search.within_bounds()
    least, largest = reach.index_bounds(prices)
    if not least <= reach.index(search.list_of(steps)) <= largest:
        steps = search.holding
    best = search.list_of(search.filled(steps))
    return best if value(best).sum() > value(prices).sum() else prices


def best_path(value: Value, group: np.ndarray, reach: Reach, weeks: int) -> Iterator[np.ndarray]:
    """Yield the best list of every week (products,), each within reach of the one before."""
    prices = reach.start
    for _ in range(weeks):
        prices = best_list(value, group, reach, prices)
        yield prices


@dataclass(frozen=True, kw_only=True)
class _Bound:
    """A bound of the log price index, from above (side 1) or from below (side -1)."""

    side: float
    index: float


@dataclass(frozen=True, kw_only=True)
class _Search:
    """A search for the best steps of a ladder around the prices in force.

    Attributes:
        value: what a product earns.
        group: number of each product's group (products,).
        reach: the rules.
        prices: in force, currency/unit (products,).
    """

    value: Value
    group: np.ndarray
    reach: Reach
    prices: np.ndarray

    @cached_property
    def ladder(self) -> np.ndarray:
        """Return the prices of every product (products, steps)."""
        return self.reach.ladder(self.prices)

    def list_of(self, steps: np.ndarray) -> np.ndarray:
        """Return the prices of steps (products,)."""
        return np.asarray(self.ladder[np.arange(len(steps)), steps])

    def within_bounds(self) -> np.ndarray:
        """Return the steps that are best at the smallest toll which keeps the index within its bounds."""
        products, count = self.ladder.shape
        free = self._best_at(0.0, *(np.full(products, step) for step in (0, count - 1, count // 2)))
        least, largest = self.reach.index_bounds(self.prices)
        index = self.reach.index(self.list_of(free))
        if least <= index <= largest:
            return free
        bound = _Bound(side=1.0, index=largest) if index > largest else _Bound(side=-1.0, index=least)
        low, high = 0.0, float(np.abs(self.value(self.prices)).sum())
        best = self._best_at(bound.side * high, free)
        for _ in range(DOUBLINGS):
            if self._excess(best, bound) <= 0:
                break
            low, high = high, 2 * high
            best = self._best_at(bound.side * high, best)
        return self._bisected(bound, low, high, best)

    @property
    def holding(self) -> np.ndarray:
        """Return the steps of the prices in force (products,)."""
        return np.asarray((self.ladder == self.prices[:, None]).argmax(axis=1))

    def filled(self, steps: np.ndarray) -> np.ndarray:
        """Return steps that no move of a single product improves while the index keeps its bounds."""
        steps, (least, largest) = steps.copy(), self.reach.index_bounds(self.prices)
        while True:
            before = steps.copy()
            for product in range(len(steps)):
                trials = np.tile(self.list_of(steps), (self.ladder.shape[1], 1))
                trials[:, product] = self.ladder[product]
                index = self.reach.index(trials)
                allowed = (least <= index) & (index <= largest)
                steps[product] = np.where(allowed, self.value(trials).sum(axis=1), -np.inf).argmax()
            if (steps == before).all():
                return steps

    def _bisected(self, bound: _Bound, low: float, high: float, best: np.ndarray) -> np.ndarray:
        """Return the steps at the least toll that suffices.

        Args:
            bound: that the index keeps.
            low: a toll that is too low.
            high: a toll that suffices.
            best: the steps at it (products,).
        """
        for _ in range(HALVINGS):
            if self._excess(best, bound) > -CLOSE:
                break
            toll = (low + high) / 2
            steps = self._best_at(bound.side * toll, best)
            if self._excess(steps, bound) > 0:
                low = toll
            else:
                high, best = toll, steps
        return best

    def _excess(self, steps: np.ndarray, bound: _Bound) -> float:
        """Return how far the index of a list lies beyond a bound."""
        return float(bound.side * (self.reach.index(self.list_of(steps)) - bound.index))

    def _best_at(self, toll: float, *starts: np.ndarray) -> np.ndarray:
        """Return the steps that are best at a toll on every log price, currency a week (products,)."""

        def taxed(lists: np.ndarray) -> np.ndarray:
            return self.value(lists) - toll * self.reach.weight * np.log(lists / self.prices)

        return optimal_steps(taxed, self.ladder, self.group, starts)
