"""The market as a Gymnasium environment: many product environments stepped at once.

State: what the shop knows (``market.FEATURES``). Action: a step of the price ladder. Reward: expected profit or revenue over that of
holding, in shares of the revenue at the price in force. An episode is a season; its end is a truncation, for the shop goes on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np

from tasks.pricing.batched import BatchedEnv
from tasks.pricing.market import FEATURES, Luck, Products, Rules, View, draw_luck, observe, opening, step


class MarketEnv(BatchedEnv):
    """B seasons of products drawn at random, all beginning and ending together; what follows a season is not learned about.

    ``info`` carries ``allowed`` (B, actions), and after a step ``price`` (currency/unit), ``units`` and ``reward`` (currency), each (B,).
    """

    def __init__(self, products: Products, rules: Rules, environments: int) -> None:
        """Prepare environments over the given products."""
        super().__init__(
            environments, len(FEATURES), len(rules.ladder), rules.decisions, rules.discount, False
        )
        self._all, self.rules = products, rules
        self.view: View
        self._luck: Luck
        self._allowed: np.ndarray

    def reset(  # Gymnasium's signature
        self,
        *,
        seed: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Open a season for products drawn at random; a seed restarts the draws."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        products = self._all.take(self._rng.integers(len(self._all), size=self.num_envs))
        self.view = opening(products)
        self._luck = replace(draw_luck(products, self.rules.decisions, self._rng), rng=self._rng)
        self._allowed = self.rules.allowed(products)
        return observe(self.view, self.rules), {"allowed": self._allowed}

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Sell for a week at the chosen steps of the ladder."""
        self.view, week = step(self.view, np.asarray(actions), self._luck, self.rules)
        over = np.full(self.num_envs, self.view.week == self.rules.decisions)
        told = {"allowed": self._allowed, "price": week.price, "units": week.units, "reward": week.reward}
        return observe(self.view, self.rules), week.advantage, np.zeros_like(over), over, told


class ProductEnv(gymnasium.Env[np.ndarray, int]):
    """One product's season as ``gymnasium.Env``: ``MarketEnv`` with one environment; a forbidden price is taken for holding."""

    metadata = {"render_modes": []}

    def __init__(self, products: Products, rules: Rules) -> None:
        """Prepare a season of a product drawn at random."""
        self._many = MarketEnv(products, rules, 1)
        self.observation_space, self.action_space = (
            self._many.single_observation_space,
            self._many.single_action_space,
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Open a season."""
        super().reset(seed=seed)
        state, told = self._many.reset(seed=seed, options=options)
        return state[0], {name: values[0].copy() for name, values in told.items()}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Sell for a week."""
        rules = self._many.rules
        allowed = rules.allowed(self._many.view.products)[0]  # (actions,)
        state, reward, ended, cut, told = self._many.step(
            np.array([action if allowed[action] else rules.hold])
        )
        return (
            state[0],
            float(reward[0]),
            bool(ended[0]),
            bool(cut[0]),
            {name: values[0].copy() for name, values in told.items()},
        )
