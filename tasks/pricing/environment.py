"""The market as a Gymnasium environment: many product environments stepped at once.

State: what the shop knows (``state.FEATURES``). Action: a step of the price ladder. Reward: expected profit
or revenue over that of holding, in shares of the revenue at the price in force. An episode is a season; its
end is a truncation, for the shop goes on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np

from tasks.pricing.batched import BatchedEnv
from tasks.pricing.demand import DemandDraws, draw_demand
from tasks.pricing.market import step
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.state import FEATURES, View, observe, opening


class MarketEnv(BatchedEnv):
    """B seasons of products drawn at random, begun and ended together; what follows is worth nothing.

    ``info`` carries ``allowed`` (B, actions), and after a step ``price`` (currency/unit), ``units`` and
    ``reward`` (currency), all of them (B,).
    """

    def __init__(self, products: Products, rules: Rules, environments: int) -> None:
        """Prepare environments over the given products."""
        super().__init__(
            environments,
            features=len(FEATURES),
            actions=len(rules.ladder),
            decisions=rules.decisions,
            discount=rules.discount,
            goes_on=False,
        )
        self._all, self.rules = products, rules
        self.view: View
        self._draws: DemandDraws
        self._allowed: np.ndarray

    def reset(
        self,
        *,
        seed: int | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002 - Gymnasium's signature
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Open a season for products drawn at random; a seed restarts the draws."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        products = self._all.take(self._rng.integers(len(self._all), size=self.num_envs))
        self.view = opening(products)
        self._draws = replace(draw_demand(products, self.rules.decisions, self._rng), rng=self._rng)
        self._allowed = self.rules.allowed(products)
        return observe(self.view, self.rules), {"allowed": self._allowed}

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Sell for a week at the chosen steps of the ladder."""
        self.view, week = step(self.view, np.asarray(actions), self._draws, self.rules)
        over = np.full(self.num_envs, self.view.week == self.rules.decisions)
        info = {"allowed": self._allowed, "price": week.price, "units": week.units, "reward": week.reward}
        return observe(self.view, self.rules), week.advantage, np.zeros_like(over), over, info


class ProductEnv(gymnasium.Env[np.ndarray, int]):
    """One product's season as ``gymnasium.Env``: a ``MarketEnv`` of one; a forbidden price means holding."""

    metadata = {"render_modes": []}  # noqa: RUF012 - an instance variable to Gymnasium

    def __init__(self, products: Products, rules: Rules) -> None:
        """Prepare a season of a product drawn at random."""
        self._batch = MarketEnv(products, rules, 1)
        self.observation_space = self._batch.single_observation_space
        self.action_space = self._batch.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Open a season."""
        super().reset(seed=seed)
        state, info = self._batch.reset(seed=seed, options=options)
        return state[0], _first(info)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Sell for a week."""
        rules = self._batch.rules
        allowed = rules.allowed(self._batch.view.products)[0]  # (actions,)
        actions = np.array([action if allowed[action] else rules.hold])
        state, reward, ended, cut, info = self._batch.step(actions)
        return state[0], float(reward[0]), bool(ended[0]), bool(cut[0]), _first(info)


def _first(info: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of the first environment."""
    return {name: values[0].copy() for name, values in info.items()}
