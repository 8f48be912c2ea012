"""What the seasons of a market of groups earn, and the best list of every week: exact, without simulation.

Of prices r relative to those in force, the products of a group that sells U units at these earn in a week,
with shares s, margins m, slopes b and eta, and the price l that buyers remember,

    U s_i w_i S^(eta / b - 1) m_i,   w_i = r_i^-b (l_i / r_i)^effect,   S = sum_j s_j w_j:

constant elasticity, written apart from the market of the product. The best list within reach of the list
before is found by coordinate ascent over all members of all groups. Without memory, weeks are linked by reach
alone, so that the path of such lists is the season to aim at; with memory a policy can plan beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from tasks.bench.cases.group_markets import GroupMarket
from tasks.bench.cases.price_rules import PriceRules, Reach
from tasks.bench.cases.ruled_optimum import best_list
from tasks.pricing.rules import Rules

ROUNDING = 1e-9  # relative; by which a step may miss a bound for the arithmetic of floats


@dataclass(frozen=True, kw_only=True)
class StepReach(Reach):
    """The lists within reach by the steps of a ladder; prices are relative to those in force at the start.

    Attributes:
        steps: of a week, relative to the price of the week before (steps,).
        lowest, highest: bounds of every price (products,).
    """

    steps: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray

    def ladder(self, prices: np.ndarray) -> np.ndarray:
        """Return the prices within reach (products, steps); in place of one out of bounds that before."""
        stepped = prices[:, None] * self.steps
        low, high = self.bounds
        inside = (stepped >= low[:, None]) & (stepped <= high[:, None]) & self.moving[:, None]
        return np.where(inside, stepped, prices[:, None])

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the least and the largest price of every product (products,)."""
        return np.maximum(self.lowest, self.floor) * (1 - ROUNDING), self.highest * (1 + ROUNDING)


@dataclass(frozen=True)
class Truth:
    """What the products of a market truly earn, the mean over the draws of the slopes.

    Attributes:
        market: whose slopes are known, with constant elasticity.
    """

    market: GroupMarket

    def earned(
        self, ratio: np.ndarray, remembered: np.ndarray, draws: Sequence[int] | None = None
    ) -> np.ndarray:
        """Return what every product earns in a week, currency (..., products).

        Args:
            ratio: prices relative to those in force at the start (..., products).
            remembered: prices that buyers remember, relative to the same (..., products).
            draws: of the slopes over which the mean is taken; none: all of them.
        """
        products, effect = self.market.products, self.market.rules.reference_effect
        log, pull = np.log(ratio), effect * np.log(remembered / ratio)
        sold = np.zeros(np.broadcast_shapes(ratio.shape, remembered.shape))
        rows = range(len(products.slopes)) if draws is None else draws
        within, whole = products.slopes.within[rows], products.slopes.whole[rows]
        for b, eta in zip(within[:, self._group], whole[:, self._group], strict=True):
            attraction = np.exp(pull - b * log)
            inclusive = (self._share * attraction) @ self._members  # (..., groups)
            sold += attraction * inclusive[..., self._group] ** (eta / b - 1)
        margin = ratio * products.price - products.unit_cost
        return np.asarray(margin * products.units * sold / len(within))

    def season(self, path: np.ndarray, draws: Sequence[int] | None = None) -> float:
        """Return what a season of lists earns, currency.

        Args:
            path: prices relative to those in force at the start (weeks, products).
            draws: of the slopes over which the mean is taken; none: all of them.
        """
        return float(self._season(path, draws).sum())

    def earned_by_group(self, path: np.ndarray) -> np.ndarray:
        """Return what the group of each product earns in a season, currency (..., products).

        Args:
            path: prices relative to those in force at the start (weeks, ..., products).
        """
        return np.asarray((self._season(path) @ self._members)[..., self._group])

    def _season(self, path: np.ndarray, draws: Sequence[int] | None = None) -> np.ndarray:
        """Return what every product earns in a season of lists (weeks, ..., products)."""
        total, remembered = np.zeros(path.shape[1:]), np.ones(path.shape[1:])
        for ratio in path:
            total += self.earned(ratio, remembered, draws)
            remembered = self._after(remembered, ratio)
        return total

    @cached_property
    def held(self) -> float:
        """Return what a season at the prices in force earns, currency."""
        return self.season(np.ones((self._rules.decisions, len(self._group))))

    def best_path(self) -> np.ndarray:
        """Return the best list of every week, each within reach of the one before (weeks, products)."""
        ratio = remembered = np.ones(len(self._group))
        path = []
        for _ in range(self._rules.decisions):
            ratio = best_list(partial(self.earned, remembered=remembered), self._group, self.reach, ratio)
            remembered = self._after(remembered, ratio)
            path.append(ratio)
        return np.array(path)

    @cached_property
    def reach(self) -> StepReach:
        """Return the rules of a list."""
        products, rules = self.market.products, self._rules
        revenue = products.price * products.units
        index = PriceRules(index_week=rules.index_week, index_season=rules.index_season)
        return StepReach(
            rules=index,
            start=np.ones(len(products)),
            reference=np.ones(len(products)),
            floor=products.unit_cost / products.price,
            weight=revenue / revenue.sum(),
            moving=products.identified,
            steps=rules.ladder,
            lowest=products.lowest / products.price,
            highest=products.highest / products.price,
        )

    def _after(self, remembered: np.ndarray, ratio: np.ndarray) -> np.ndarray:
        """Return what buyers remember after a week at given prices (products,)."""
        memory = self._rules.reference_memory
        return memory * remembered + (1 - memory) * ratio

    @property
    def _rules(self) -> Rules:
        return self.market.rules

    @cached_property
    def _group(self) -> np.ndarray:
        return np.unique(self.market.products.group, return_inverse=True)[1].reshape(-1)

    @cached_property
    def _members(self) -> np.ndarray:
        """Return which product is in which group (products, groups)."""
        return (self._group[:, None] == np.arange(self._group.max() + 1)).astype(float)

    @cached_property
    def place(self) -> np.ndarray:
        """Return each product's place among the members of its group, from 0 (products,)."""
        return (self._members.cumsum(axis=0) - 1)[np.arange(len(self._group)), self._group].astype(int)

    @cached_property
    def _share(self) -> np.ndarray:
        """Return the shares of the products in the units of their groups (products,)."""
        units = self.market.products.units
        return units / (units @ self._members)[self._group]
