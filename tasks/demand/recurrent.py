"""The trained network as it is served: its forward pass in NumPy, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from expectations.columns import LEVELS
from tasks.demand.distribution import Distribution
from tasks.demand.features import RIVAL, TIMES_PRICE
from tasks.demand.panel import Panel

MIDDLE = LEVELS.index(0.5)
HIGHEST = 4.0  # largest log(1 + units) over the mean of the series that the network may forecast
NARROW = 1.5  # quantiles begin close to each other
UNREAD = 1e12  # spread of a feature that the network does not read: scaled by it, it is nothing

Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Scaling:
    """How features and units are made of order 1: less the mean of the series, over the spread of all.

    Attributes:
        level: mean log(1 + units) of each series (series,).
        past_mean: (series, past features).
        past_spread: (past features,).
        known_mean: (series, known features).
        known_spread: (known features,); ``UNREAD`` for products of two features, which the network can form
            itself.
    """

    level: np.ndarray
    past_mean: np.ndarray
    past_spread: np.ndarray
    known_mean: np.ndarray
    known_spread: np.ndarray

    def past(self, panel: Panel) -> np.ndarray:
        """Return the scaled past features, 0 where missing (series, periods, features) float32."""
        return _scaled(panel.past, self.past_mean, self.past_spread)

    def history(self, panel: Panel) -> np.ndarray:
        """Return what the encoder reads (series, periods, inputs) float32.

        These are the past features, whether units are there, and the known features but those of rivals.
        """
        there = np.isfinite(panel.units)[..., None].astype(np.float32)
        return np.concatenate(
            [self.past(panel), there, self.known(panel.known)[..., ~rival_features(panel)]], axis=-1
        )

    def known(self, known: np.ndarray) -> np.ndarray:
        """Return known features (series, periods, features) scaled, 0 where missing, float32."""
        return _scaled(known, self.known_mean, self.known_spread)


def scaling_of(panel: Panel, origin: int) -> Scaling:
    """Return the scaling by the periods up to the origin; a series without any has the mean of all."""
    end = origin + 1
    level = _means(np.log1p(panel.units[:, :end, None]))[:, 0]
    past, known = panel.past[:, :end], panel.known[:, :end]
    past_mean, known_mean = _means(past), _means(known)
    product = np.array([name.endswith(TIMES_PRICE) for name in panel.known_names], bool)
    known_spread = np.where(product, UNREAD, _spread(known - known_mean[:, None]))
    return Scaling(level, past_mean, _spread(past - past_mean[:, None]), known_mean, known_spread)


def rival_features(panel: Panel) -> np.ndarray:
    """Return which known features are prices and promotions of other products of the store (features,)."""
    return np.array([name.startswith(RIVAL) for name in panel.known_names], bool)


def encode(weights: Weights, history: np.ndarray) -> np.ndarray:
    """Read a window of history and return the state at its end (parts, series, units).

    The parts are output and cell of an LSTM, the output of a GRU.

    Args:
        weights: ``encoder.kernel``, ``encoder.recurrent``, ``encoder.bias``.
        history: as ``Scaling.history`` returns it (series, window, inputs).
    """
    recurrent = weights["encoder.recurrent"]
    state = np.zeros((1 if _is_gru(recurrent) else 2, len(history), recurrent.shape[0]), np.float32)
    for t in range(history.shape[1]):
        state = _step(weights, "encoder", history[:, t], state)
    return state


def decode(
    weights: Weights, state: np.ndarray, known: np.ndarray, level: np.ndarray, products: np.ndarray
) -> Distribution:
    """Return demand at the targets, given their prices and promotions.

    Args:
        weights: of the decoder, the head and the embedding.
        state: state at the origin (parts, series, units).
        known: scaled known features of the targets (series, horizon, features).
        level: mean log(1 + units) of each series (series,).
        products: row of the series' product in the embedding; the last row stands for unknown ones (series,).
    """
    horizon, embedded = known.shape[1], weights["embedding.table"][products]
    outputs = []
    for j in range(horizon):
        place = np.full((len(known), 1), (j + 1) / horizon, np.float32)
        state = _step(weights, "decoder", np.concatenate([known[:, j], embedded, place], axis=-1), state)
        hidden = np.maximum(state[0] @ weights["hidden.kernel"] + weights["hidden.bias"], 0.0)
        outputs.append(hidden @ weights["head.kernel"] + weights["head.bias"])
    return _distribution(np.stack(outputs, axis=1).astype(float), level)


def _distribution(head: np.ndarray, level: np.ndarray) -> Distribution:
    """Read the head: median and mean over the level of the series, and the steps between quantiles, in logs.

    Args:
        head: median, steps and mean (series, horizon, 1 + levels).
        level: mean log(1 + units) of each series (series,).
    """
    middle, steps, mean = head[..., 0], np.logaddexp(0, head[..., 1:-1] - NARROW), head[..., -1]
    below = -np.cumsum(steps[..., :MIDDLE], axis=-1)[..., ::-1]
    above = np.cumsum(steps[..., MIDDLE:], axis=-1)
    offsets = np.concatenate([below, np.zeros_like(middle)[..., None], above], axis=-1)
    logs = level[:, None, None] + np.minimum(middle[..., None] + offsets, HIGHEST)
    units = np.exp(level[:, None] + HIGHEST * np.tanh(mean / HIGHEST))
    return Distribution(units, np.maximum(np.expm1(logs), 0.0))


def averaged(forecasts: Sequence[Distribution]) -> Distribution:
    """Return the mean of several networks' forecasts: quantiles in log(1 + units), the mean in units."""
    logs = np.mean([np.log1p(forecast.quantiles) for forecast in forecasts], axis=0)
    return Distribution(np.mean([forecast.mean for forecast in forecasts], axis=0), np.expm1(logs))


def _is_gru(recurrent: np.ndarray) -> bool:
    return recurrent.shape[1] == 3 * recurrent.shape[0]


def _step(weights: Weights, layer: str, inputs: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Advance a layer by a period; gates are in Keras' order.

    An LSTM has input, forget, cell and output; a GRU has update, reset and candidate.

    Args:
        weights: ``kernel``, ``recurrent`` and ``bias`` of the layer.
        layer: ``encoder`` or ``decoder``.
        inputs: of the period (series, inputs).
        state: before it (parts, series, units).
    """
    kernel, recurrent, bias = (weights[f"{layer}.{part}"] for part in ("kernel", "recurrent", "bias"))
    if _is_gru(recurrent):
        h = state[0]
        z, r, n = np.split(inputs @ kernel + bias[0], 3, axis=-1)
        z_h, r_h, n_h = np.split(h @ recurrent + bias[1], 3, axis=-1)
        update = special.expit(z + z_h)
        return (update * h + (1 - update) * np.tanh(n + special.expit(r + r_h) * n_h))[None]
    h, c = state
    i, f, g, o = np.split(inputs @ kernel + h @ recurrent + bias, 4, axis=-1)
    c = special.expit(f) * c + special.expit(i) * np.tanh(g)
    return np.stack([special.expit(o) * np.tanh(c), c])


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
