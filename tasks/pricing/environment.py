"""The market as a Gymnasium environment: many groups of products stepped at once.

An episode is a season of a substitute group; its members are decided together. State: what the shop knows of
a product and its group (``state.FEATURES``). Action: a step of the price ladder, relative to last week.
Reward: the difference that the product makes to what its group is expected to earn, less what the index
costs. The end of a season is a truncation, for the shop goes on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tasks.pricing.batched import BatchedEnv
from tasks.pricing.demand import DemandDraws, draw_demand
from tasks.pricing.market import step
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.state import FEATURES, REWARD_SCALE, View, expected_gains, observe, opening

OPENING = (0.8, 1.25)  # prices at which seasons begin, relative to those in force, where no bound is nearer
FREE_SHARE = 1 / 3  # share of the seasons in which the index costs nothing
MOVED_SHARE = 1 / 2  # share of the seasons that begin at other prices than those in force
ENDS = (0.05, 0.95)  # quantiles of the gains of a log price between which the price of the index is drawn
WIDER = 0.2  # beyond them, in weekly revenue


class MarketEnv(BatchedEnv):
    """Seasons of groups drawn at random, B products together; they begin and end together.

    The groups that come last are cut to fit: what remains of one is a group as well. ``info`` carries
    ``allowed`` (B, actions), and after a step ``price`` (currency/unit), ``units`` and ``reward`` (currency),
    all of them (B,).
    """

    together, prior = True, True

    def __init__(self, products: Products, rules: Rules, environments: int) -> None:
        """Prepare environments over the given products, one season of the shop."""
        super().__init__(
            environments,
            features=len(rules.ladder) + len(FEATURES),
            actions=len(rules.ladder),
            decisions=rules.decisions,
            discount=rules.discount,
            goes_on=False,
        )
        self._all, self.rules, self.worth_scale = products, rules, rules.later
        self._members = [
            np.flatnonzero(products.episode == group) for group in range(products.episode.max() + 1)
        ]
        self._index_prices = _index_prices(products, rules)
        self.view: View
        self._draws: DemandDraws
        self._allowed: np.ndarray

    def reset(
        self,
        *,
        seed: int | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002 - Gymnasium's signature
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Open seasons of groups drawn at random; a seed restarts the draws."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        products = self._drawn()
        view = opening(products, self._openings(products))
        self.view = view.plan(view.ratio, self._drawn_index_prices(products))
        self._draws = replace(draw_demand(products, self.rules.decisions, self._rng), rng=self._rng)
        return self._observed()

    def replanned(self, actions: np.ndarray) -> np.ndarray:
        """Return the state in which the siblings are planned to take the given actions (B, features)."""
        planned = self.view.ratio * self.rules.ladder[actions]
        self.view = self.view.plan(planned, self.view.index_price)
        return observe(self.view, self.rules)

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Sell for a week at the chosen steps of the ladder."""
        self.view, week = step(self.view, np.asarray(actions), self._draws, self.rules)
        over = np.full(self.num_envs, self.view.week == self.rules.decisions)
        state, info = self._observed()
        info |= {"price": week.price, "units": week.units, "reward": week.reward}
        return state, REWARD_SCALE * week.advantage, np.zeros_like(over), over, info

    def _observed(self) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the state and which actions are allowed in it."""
        self._allowed = self.rules.allowed(self.view.products, self.view.ratio)
        return observe(self.view, self.rules), {"allowed": self._allowed}

    def _drawn(self) -> Products:
        """Return B products of groups drawn at random, a season each; none comes twice before all came."""
        rows: list[np.ndarray] = []
        size = 0
        while size < self.num_envs:
            for group in self._rng.permutation(len(self._members)):
                members = self._members[group]
                if len(members) > self.num_envs - size:
                    members = self._rng.permutation(members)[: self.num_envs - size]
                rows.append(members)
                size += len(members)
                if size == self.num_envs:
                    break
        season = np.repeat(np.arange(len(rows)), [len(members) for members in rows])
        return replace(self._all.take(np.concatenate(rows)), season=season)

    def _openings(self, products: Products) -> np.ndarray:
        """Return prices at which seasons begin, relative to the prices in force (B,)."""
        low = np.maximum(np.fmax(products.lowest, self.rules.floor(products)) / products.price, OPENING[0])
        high = np.minimum(products.highest / products.price, OPENING[1])
        drawn = np.exp(self._rng.uniform(np.log(np.minimum(low, 1.0)), np.log(np.maximum(high, 1.0))))
        seasons = products.season.max() + 1
        moved = (self._rng.random(seasons) < MOVED_SHARE)[products.season] & self.rules.moves(products)
        return np.where(moved, drawn, 1.0)

    def _drawn_index_prices(self, products: Products) -> np.ndarray:
        """Return a price of the index for each season (B,)."""
        seasons = products.season.max() + 1
        drawn = self._rng.uniform(*self._index_prices, seasons)
        free = self._rng.random(seasons) < FREE_SHARE
        return np.asarray(np.where(free, 0.0, drawn)[products.season])


def _index_prices(products: Products, rules: Rules) -> tuple[float, float]:
    """Return between what the price of the index is drawn: what a log price is worth to the products."""
    if np.isinf(rules.index_week) and np.isinf(rules.index_season):
        return 0.0, 0.0
    view = opening(products)
    ends = view.ratio[:, None] * rules.ladder[[0, -1]]
    gains = np.diff(expected_gains(view, rules, ends), axis=1)[:, 0] / np.log(
        rules.ladder[-1] / rules.ladder[0]
    )
    low, high = np.quantile(gains, ENDS)
    return min(0.0, float(low) - WIDER), max(0.0, float(high) + WIDER)
