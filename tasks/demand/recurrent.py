"""The trained LSTM as it is served: its forward pass in NumPy, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from expectations.columns import LEVELS
from tasks.demand.distribution import Distribution
from tasks.demand.panel import Panel

MIDDLE = LEVELS.index(0.5)
HIGHEST = 4.0  # largest log(1 + units) over the mean of the series that the network may say

Weights = Mapping[str, np.ndarray]


class State(NamedTuple):
    """State of an LSTM layer: output and cell (series, units)."""

    h: np.ndarray
    c: np.ndarray


@dataclass(frozen=True)
class Scaling:
    """How features and units are made O(1): less the mean of the series, over the spread of all.

    Attributes:
        level: mean log(1 + units) of each series (series,).
        past_mean: (series, past features).
        past_spread: (past features,).
        known_mean: (series, known features).
        known_spread: (known features,).
    """

    level: np.ndarray
    past_mean: np.ndarray
    past_spread: np.ndarray
    known_mean: np.ndarray
    known_spread: np.ndarray

    def past(self, panel: Panel) -> np.ndarray:
        """Return the scaled past features, 0 where missing (series, periods, features) float32."""
        return _scaled(panel.past, self.past_mean, self.past_spread)

    def known(self, known: np.ndarray) -> np.ndarray:
        """Return known features (series, periods, features) scaled, 0 where missing, float32."""
        return _scaled(known, self.known_mean, self.known_spread)


def scaling_of(panel: Panel, origin: int) -> Scaling:
    """Return the scaling that the periods up to the origin call for; a series without any has the mean of all."""
    end = origin + 1
    level = _means(np.log1p(panel.units[:, :end, None]))[:, 0]
    past, known = panel.past[:, :end], panel.known[:, :end]
    past_mean, known_mean = _means(past), _means(known)
    return Scaling(level, past_mean, _spread(past - past_mean[:, None]), known_mean, _spread(known - known_mean[:, None]))


def encode(weights: Weights, past: np.ndarray, known: np.ndarray) -> State:
    """Read a window of history and return the state at its end.

    Args:
        weights: ``encoder.kernel``, ``encoder.recurrent``, ``encoder.bias``.
        past: scaled past features (series, window, features).
        known: scaled known features (series, window, features).
    """
    inputs = np.concatenate([past, known], axis=-1)
    units = weights["encoder.recurrent"].shape[0]
    state = State(np.zeros((len(inputs), units), np.float32), np.zeros((len(inputs), units), np.float32))
    for t in range(inputs.shape[1]):
        state = _step(weights, "encoder", inputs[:, t], state)
    return state


def decode(weights: Weights, state: State, known: np.ndarray, level: np.ndarray) -> Distribution:
    """Return demand at the targets, given their prices and promotions.

    Args:
        weights: of the decoder, the head and the embedding.
        state: state at the origin, one row per series of the training, in its order.
        known: scaled known features of the targets (series, horizon, features).
        level: mean log(1 + units) of each series (series,).
    """
    horizon = known.shape[1]
    outputs = []
    for j in range(horizon):
        place = np.full((len(known), 1), (j + 1) / horizon, np.float32)
        state = _step(weights, "decoder", np.concatenate([known[:, j], weights["embedding"], place], axis=-1), state)
        outputs.append(state.h @ weights["head.kernel"] + weights["head.bias"])
    return _distribution(np.stack(outputs, axis=1).astype(float), level)


def _distribution(head: np.ndarray, level: np.ndarray) -> Distribution:
    """Read the head: the median and the mean over the level of the series, and the steps between quantiles, in logs."""
    middle, steps, mean = head[..., 0], np.logaddexp(0, head[..., 1:-1]), head[..., -1]
    below = -np.cumsum(steps[..., :MIDDLE], axis=-1)[..., ::-1]
    above = np.cumsum(steps[..., MIDDLE:], axis=-1)
    offsets = np.concatenate([below, np.zeros_like(middle)[..., None], above], axis=-1)
    logs = level[:, None, None] + np.minimum(middle[..., None] + offsets, HIGHEST)
    units = np.exp(level[:, None] + np.minimum(mean, HIGHEST))
    return Distribution(units, np.maximum(np.expm1(logs), 0.0))


def _step(weights: Weights, layer: str, inputs: np.ndarray, state: State) -> State:
    """Advance an LSTM layer by one period; gates in Keras' order: input, forget, cell, output."""
    gates = inputs @ weights[f"{layer}.kernel"] + state.h @ weights[f"{layer}.recurrent"] + weights[f"{layer}.bias"]
    i, f, g, o = np.split(gates, 4, axis=-1)
    c = special.expit(f) * state.c + special.expit(i) * np.tanh(g)
    return State(special.expit(o) * np.tanh(c), c)


def _scaled(values: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return np.nan_to_num((values - mean[:, None]) / spread).astype(np.float32)


def _means(values: np.ndarray) -> np.ndarray:
    """Return the mean of each series (series, features)."""
    there = np.isfinite(values)
    total, count = np.where(there, values, 0.0).sum(axis=1), there.sum(axis=1)
    overall = total.sum(axis=0) / np.maximum(count.sum(axis=0), 1)
    return np.where(count > 0, total / np.maximum(count, 1), overall)


def _spread(values: np.ndarray) -> np.ndarray:
    """Return the root mean square over all series, 1 where nothing varies (features,)."""
    there = np.isfinite(values)
    squares = np.where(there, values, 0.0) ** 2
    spread = np.sqrt(squares.sum(axis=(0, 1)) / np.maximum(there.sum(axis=(0, 1)), 1))
    return np.where(spread > 0, spread, 1.0)
