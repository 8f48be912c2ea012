"""What the worlds of the agent have in common: many episodes, stepped at once."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space


class BatchedEnv(gymnasium.vector.VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """B episodes in Gymnasium's vector interface; ``info`` carries ``allowed`` (B, actions).

    Attributes:
        features, actions, decisions, discount, goes_on, together, prior, worth_scale: as ``episodes.World``
            describes them.
    """

    together, prior = False, False
    metadata = {  # noqa: RUF012 - an instance variable to Gymnasium
        "render_modes": [],
        "autoreset_mode": AutoresetMode.DISABLED,
    }

    def __init__(
        self,
        environments: int,
        *,
        features: int,
        actions: int,
        decisions: int,
        discount: float,
        goes_on: bool,
    ) -> None:
        """Prepare the spaces of so many episodes."""
        self.num_envs, self.features, self.actions = environments, features, actions
        self.decisions, self.discount, self.goes_on = decisions, discount, goes_on
        self.worth_scale = np.ones(decisions + 1)
        self.single_observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (features,), np.float32)
        self.single_action_space = gymnasium.spaces.Discrete(actions)
        self.observation_space = batch_space(self.single_observation_space, environments)
        self.action_space = batch_space(self.single_action_space, environments)
        self._rng = np.random.default_rng(0)

    def replanned(self, actions: np.ndarray) -> np.ndarray:
        """Return the state in which the others are planned to take the given actions (B, features)."""
        raise NotImplementedError(f"{type(self).__name__}: its episodes do not depend on each other.")
