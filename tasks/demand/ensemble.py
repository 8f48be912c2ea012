"""Networks that differ only by their seed, trained from origin to origin; their forecasts are averaged.

A network starts at an origin from the weights of the origin before: the past of an earlier origin is part
of the past of a later one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from expectations.columns import PRODUCT
from tasks.demand import recurrent
from tasks.demand.distribution import Distribution
from tasks.demand.history import History
from tasks.demand.metrics import Criterion
from tasks.demand.panel import Panel
from tasks.demand.pool import Pool
from tasks.demand.splits import Fold
from tasks.demand.training import Plan, Shape

WARM = 3  # later origins go on for a third of the epochs and a third of the step size
SEEDS_APART = 1000  # between the roots of two networks, more than there are origins


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the networks of an ensemble are made.

    Attributes:
        shape: of every network.
        plan: of the training at the first origin.
        members: networks.
        gap: periods between an origin and its first target.
        trial_epochs: epochs at the first origin in a search.
    """

    shape: Shape
    plan: Plan
    members: int
    gap: int
    trial_epochs: int

    def tuned(self, params: Mapping[str, Any]) -> Recipe:
        """Return the recipe with searched ``units``, ``embedding``, ``dropout`` and ``learning_rate``."""
        shape = {name: value for name, value in params.items() if name != "learning_rate"}
        return replace(
            self,
            shape=replace(self.shape, **shape),
            plan=replace(self.plan, learning_rate=params["learning_rate"]),
        )


@dataclass(frozen=True)
class Trained:
    """What a network leaves behind.

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


@dataclass(frozen=True)
class Networks:
    """What the ensemble leaves behind.

    Attributes:
        forecasts: the mean of the networks', from every origin.
        losses: mean over the networks, of every epoch (epochs,).
        served: weights, states and scaling at the last origin, by name, as ``model`` reads them.
    """

    forecasts: list[Distribution]
    losses: list[float]
    served: dict[str, np.ndarray]


class Trainer:
    """A network, trained in Keras and read in NumPy."""

    def __init__(self, panel: Panel, first: Fold, shape: Shape, gap: int, seed: int) -> None:
        """Build the network; the scaling is that of the first origin, and stays."""
        from tasks.demand.lstm import Network

        self._panel, self._shape = panel, shape
        self.scaling = recurrent.scaling_of(panel, first.origin)
        self._history, self._known = self.scaling.history(panel), self.scaling.known(panel.known)
        self._products = panel.series[PRODUCT].factorize()[0]
        horizon = first.targets.stop - first.targets.start
        self._network = Network(panel, self.scaling, shape, gap=gap, horizon=horizon, seed=seed)

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
    """Return the plan of an origin that goes on from the weights of the origin before."""
    return replace(plan, epochs=max(1, plan.epochs // WARM), learning_rate=plan.learning_rate / WARM)


def score_through(
    panel: Panel, folds: Sequence[Fold], recipe: Recipe, criterion: Criterion, seed: int
) -> Iterator[float]:
    """Train a network through some folds and yield its mean error over them so far, epoch by epoch.

    Args:
        panel: sales and features.
        folds: origins in the order of time.
        recipe: of the network; the first origin takes ``trial_epochs``.
        criterion: error that counts.
        seed: root of weights, windows and dropout.
    """
    trainer = Trainer(panel, folds[0], recipe.shape, recipe.gap, seed)
    first, later = replace(recipe.plan, epochs=recipe.trial_epochs), warm(recipe.plan)
    errors: list[float] = []
    for number, fold in enumerate(folds):
        for _ in trainer.train(fold, later if number else first, seed + number):
            latest = criterion.error(panel.units[:, fold.targets], trainer.forecast(fold))
            yield float(np.mean([*errors, latest]))
        errors.append(latest)


def train_members(
    panel: Panel, folds: Sequence[Fold], recipe: Recipe, seed: int, pool: Pool
) -> list[Trained]:
    """Train the networks, a process for each, from the first to the last of the folds."""
    seeds = [seed + SEEDS_APART * member for member in range(recipe.members)]
    train = partial(train_through, panel=panel, folds=folds, recipe=recipe)
    return pool.over_items("lstm members", train, seeds)


def train_through(seed: int, panel: Panel, folds: Sequence[Fold], recipe: Recipe) -> Trained:
    """Train a network at the first origin, then go on from origin to origin.

    Args:
        seed: root of weights, windows and dropout.
        panel: sales and features; past an origin only the known features of its targets are read.
        folds: origins in the order of time.
        recipe: shape and plan of the network.
    """
    trainer = Trainer(panel, folds[0], recipe.shape, recipe.gap, seed)
    forecasts: list[Distribution] = []
    losses: list[float] = []
    seconds: list[float] = []
    for number, fold in enumerate(folds):
        begin = time.monotonic()
        losses += trainer.train(fold, warm(recipe.plan) if number else recipe.plan, seed + number)
        forecasts.append(trainer.forecast(fold))
        seconds.append(time.monotonic() - begin)
    return Trained(forecasts, losses, seconds, trainer.served(folds[-1]))


def averaged(members: Sequence[Trained]) -> list[Distribution]:
    """Return the members' mean forecast from every origin."""
    return [
        recurrent.averaged(forecasts)
        for forecasts in zip(*(member.forecasts for member in members), strict=True)
    ]


def networks(history: History, members: Sequence[Trained]) -> Networks:
    """Return mean forecasts of networks trained through all origins of a history, and what serves them."""
    scaling = recurrent.scaling_of(history.panel, history.folds[0].origin)
    served = {"level": scaling.level, "known_mean": scaling.known_mean, "known_spread": scaling.known_spread}
    served |= {
        f"lstm.{number}.{name}": values
        for number, member in enumerate(members)
        for name, values in member.served.items()
    }
    losses = np.mean([member.losses for member in members], axis=0).tolist()
    return Networks(averaged(members), losses, served)
