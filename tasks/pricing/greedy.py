"""The learned policy as it is served: the network's forward pass in NumPy, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tasks.pricing.listing import ListPlan, listed
from tasks.pricing.rules import Rules
from tasks.pricing.state import FEATURES, REWARD_SCALE, View, observe

HEADS = ("value", "advantage")


class WeightError(ValueError):
    """Weights that make no policy."""


@dataclass(frozen=True)
class Dueling:
    """The forward pass of a dueling network (Wang et al. 2016, arXiv:1511.06581).

    Where the world knows a part of an action's worth, the network learns the rest (residual policy learning:
    Silver et al. 2018, arXiv:1812.06298).

    Attributes:
        weights: ``hidden_<i>.kernel`` (inputs, outputs) and ``hidden_<i>.bias`` (outputs,) for i = 0, 1, ...,
            and the same of the heads ``value`` and ``advantage``; perhaps ``prior.kernel``, by which the
            first numbers of a state are what is known of the actions' worths.
    """

    weights: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        """Refuse weights that are missing or not finite."""
        for name in ["hidden_0.kernel", *(f"{head}.{part}" for head in HEADS for part in ("kernel", "bias"))]:
            if name not in self.weights:
                raise WeightError(
                    f"policy weights: `{name}` must be present. Received: {sorted(self.weights)}. "
                    "Train the policy anew."
                )
        for name, weight in self.weights.items():
            if not np.isfinite(weight).all():
                wrong = np.count_nonzero(~np.isfinite(weight))
                raise WeightError(
                    f"policy weights: `{name}` must be finite. Received: {wrong} that are not. "
                    "Train the policy anew."
                )

    def q_values(self, states: np.ndarray) -> np.ndarray:
        """Return Q = V + A - mean(A) (B, actions).

        Args:
            states: as the world observes them (B, features).
        """
        x = states
        for i in range(sum(name.startswith("hidden_") for name in self.weights) // 2):
            x = np.maximum(self._dense(x, f"hidden_{i}"), 0)
        advantage = self._dense(x, "advantage")  # (B, A)
        q = self._dense(x, "value") + advantage - advantage.mean(axis=1, keepdims=True)
        if "prior.kernel" in self.weights:
            kernel = self.weights["prior.kernel"]
            q = q + states[:, : len(kernel)] @ kernel
        return np.asarray(q)

    def best(self, states: np.ndarray, allowed: np.ndarray | bool = True) -> np.ndarray:
        """Return the allowed action of the highest Q-value (B,).

        Args:
            states: as the world observes them (B, features).
            allowed: which actions may be taken (B, actions).
        """
        return np.argmax(np.where(allowed, self.q_values(states), -np.inf), axis=1)

    def _dense(self, x: np.ndarray, layer: str) -> np.ndarray:
        return np.asarray(x @ self.weights[f"{layer}.kernel"] + self.weights[f"{layer}.bias"])


@dataclass(frozen=True)
class Greedy(Dueling):
    """Take the allowed step of the highest Q-value in the market fitted to the sales."""

    def __post_init__(self) -> None:
        """Refuse weights that read another state, too."""
        super().__post_init__()
        read, actions = self.weights["hidden_0.kernel"].shape[0], self.weights["advantage.bias"].shape[0]
        if read != len(FEATURES) + actions:
            raise WeightError(
                f"policy weights: `hidden_0.kernel` must read {actions} gains and the {len(FEATURES)} "
                f"features {FEATURES}. Received: {read} numbers. Train the policy anew."
            )

    def __call__(self, view: View, rules: Rules) -> ListPlan:
        """Return the list of a week."""
        return listed(view, rules, self.worth)

    def worth(self, view: View, rules: Rules) -> np.ndarray:
        """Return what every step is worth until the season ends, in weekly revenue (B, actions)."""
        return self.q_values(observe(view, rules)) * rules.later[view.week] / REWARD_SCALE
