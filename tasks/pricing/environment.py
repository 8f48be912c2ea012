"""The market as a Gymnasium environment: many product environments stepped at once.

State: what the shop knows (``market.FEATURES``). Action: a step of the price ladder. Reward: expected profit or revenue over that of
holding, in shares of the revenue at the price in force. An episode is a season; its end is a truncation, for the shop goes on.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from tasks.pricing.market import FEATURES, Luck, Products, Rules, View, draw_luck, observe, opening, step


class MarketEnv(gymnasium.vector.VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """B seasons of products drawn at random, all beginning and ending together.

    ``info`` carries ``allowed`` (B, actions), and after a step ``price`` (currency/unit), ``units`` and ``reward`` (currency), each (B,).

    Attributes:
        features, actions, decisions, discount, goes_on: as ``dqn.World`` needs them; what follows a season is not learned about.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012  Gymnasium's own convention

    def __init__(self, products: Products, rules: Rules, environments: int) -> None:
        """Prepare environments over the given products."""
        self._all, self.rules, self.num_envs = products, rules, environments
        self.features, self.actions = len(FEATURES), len(rules.ladder)
        self.decisions, self.discount, self.goes_on = rules.decisions, rules.discount, False
        self.single_observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (len(FEATURES),), np.float32)
        self.single_action_space = gymnasium.spaces.Discrete(len(rules.ladder))
        self.observation_space = batch_space(self.single_observation_space, environments)
        self.action_space = batch_space(self.single_action_space, environments)
        self._rng = np.random.default_rng(0)
        self.view: View
        self._luck: Luck

    def reset(  # Gymnasium's signature
        self,
        *,
        seed: int | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Open a season for products drawn at random; a seed restarts the draws."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        products = self._all.take(self._rng.integers(len(self._all), size=self.num_envs))
        self.view, self._luck = opening(products), draw_luck(products, self.rules.decisions, self._rng)
        return observe(self.view, self.rules), {"allowed": self.rules.allowed(products)}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Sell for a week at the chosen steps of the ladder."""
        self.view, week = step(self.view, np.asarray(actions), self._luck, self.rules)
        over = np.full(self.num_envs, self.view.week == self.rules.decisions)
        told = {"allowed": self.rules.allowed(self.view.products), "price": week.price, "units": week.units, "reward": week.reward}
        return observe(self.view, self.rules), week.advantage, np.zeros_like(over), over, told
