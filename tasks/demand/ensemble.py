"""Networks that differ only by their seed, each trained from origin to origin; their forecasts are averaged.

Each starts at an origin from the weights of the one before: the past of an earlier origin is part of the past of a later one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from expectations.columns import PRODUCT
from tasks.demand import recurrent
from tasks.demand.distribution import Distribution
from tasks.demand.panel import Panel
from tasks.demand.splits import Fold

if TYPE_CHECKING:
    from tasks.demand.lstm import Plan, Shape

WARM = 3  # later origins go on for a third of the epochs and a third of the step size


@dataclass(frozen=True)
class Trained:
    """What one network leaves behind.

    Attributes:
        forecasts: from every origin.
        losses: of every epoch.
        seconds: that each origin took.
        served: weights of decoder, embedding and head, and ``state``, at the last origin.
    """

    forecasts: list[Distribution]
    losses: list[float]
    seconds: list[float]
    served: dict[str, np.ndarray]


class Trainer:
    """One network, trained in Keras and read in NumPy."""

    def __init__(self, panel: Panel, first: Fold, shape: Shape, gap: int, seed: int) -> None:
        """Build the network; the scaling is that of the first origin, and stays."""
        from tasks.demand.lstm import Network

        self._panel, self._shape = panel, shape
        self.scaling = recurrent.scaling_of(panel, first.origin)
        self._history, self._known = self.scaling.history(panel), self.scaling.known(panel.known)
        self._products = panel.series[PRODUCT].factorize()[0]
        self._network = Network(
            panel, self.scaling, shape, gap, first.targets.stop - first.targets.start, seed
        )

    def train(self, fold: Fold, plan: Plan, seed: int) -> Iterator[float]:
        """Train on what is known at the origin and yield the loss of every epoch."""
        for epoch in self._network.train(fold.origin, plan, seed):
            yield epoch.loss

    def forecast(self, fold: Fold) -> Distribution:
        """Return the forecast of a fold by the weights as they are."""
        weights = self._network.weights()
        return recurrent.decode(
            weights,
            self._state(weights, fold),
            self._known[:, fold.targets],
            self.scaling.level,
            self._products,
        )

    def served(self, fold: Fold) -> dict[str, np.ndarray]:
        """Return what forecasts from an origin once the encoder has read the history."""
        weights = self._network.weights()
        kept = {name: values for name, values in weights.items() if not name.startswith("encoder.")}
        return {**kept, "state": self._state(weights, fold)}

    def _state(self, weights: recurrent.Weights, fold: Fold) -> np.ndarray:
        return recurrent.encode(
            weights, self._history[:, fold.origin + 1 - self._shape.window : fold.origin + 1]
        )


def warm(plan: Plan) -> Plan:
    """Return the plan of an origin that goes on from the weights of the one before."""
    return replace(plan, epochs=max(1, plan.epochs // WARM), learning_rate=plan.learning_rate / WARM)


def train_through(
    seed: int, panel: Panel, folds: Sequence[Fold], shape: Shape, plan: Plan, gap: int
) -> Trained:
    """Train a network at the first origin, then go on from origin to origin.

    Args:
        seed: root of weights, windows and dropout.
        panel: sales and features; nothing past an origin is looked at for it but the known features of its targets.
        folds: origins in the order of time.
        shape: of the network.
        plan: of the first origin.
        gap: periods between an origin and its first target.
    """
    trainer = Trainer(panel, folds[0], shape, gap, seed)
    forecasts: list[Distribution] = []
    losses: list[float] = []
    seconds: list[float] = []
    for number, fold in enumerate(folds):
        begin = time.monotonic()
        losses += trainer.train(fold, warm(plan) if number else plan, seed + number)
        forecasts.append(trainer.forecast(fold))
        seconds.append(time.monotonic() - begin)
    return Trained(forecasts, losses, seconds, trainer.served(folds[-1]))


def averaged(members: Sequence[Trained]) -> list[Distribution]:
    """Return the members' mean forecast from every origin."""
    return [
        recurrent.averaged(forecasts)
        for forecasts in zip(*(member.forecasts for member in members), strict=True)
    ]
