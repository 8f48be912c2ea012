"""One LSTM for all series: an encoder reads the history, a decoder the planned prices and promotions of the targets.

Sequence to sequence (Sutskever, Vinyals and Le 2014, arXiv:1409.3215) with known future inputs and an embedding of the series. The head
says quantiles that never cross and a mean; quantiles are trained on the pinball loss in units, the mean on the Poisson deviance, each over
the square root of what the series sells: errors count in units, and the largest series do not count alone.

``train`` is a generator of what happened. The trained network is read by ``recurrent``, in NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from expectations.columns import LEVELS
from tasks.demand.panel import Panel
from tasks.demand.recurrent import HIGHEST, MIDDLE, Scaling

CLIP = 1.0  # largest norm of a gradient


class TrainingError(RuntimeError):
    """A training that went astray."""


@dataclass(frozen=True)
class Shape:
    """What the network is made of.

    Attributes:
        units: width of both LSTM layers.
        window: periods of history that the encoder reads.
        embedding: width of the embedding of a series.
        dropout: share of the head's inputs that is dropped in training.
    """

    units: int
    window: int
    embedding: int
    dropout: float


@dataclass(frozen=True)
class Plan:
    """How it is trained.

    Attributes:
        learning_rate: first step size of Adam, falling to zero.
        batch: windows in a gradient step.
        steps: gradient steps in an epoch.
        epochs: epochs.
    """

    learning_rate: float
    batch: int
    steps: int
    epochs: int


@dataclass(frozen=True)
class Epoch:
    """What happened in an epoch: its number from 1, and the mean loss."""

    number: int
    loss: float


class Network:
    """The encoder-decoder, and the windows of a panel that it is trained on."""

    def __init__(self, panel: Panel, scaling: Scaling, shape: Shape, gap: int, horizon: int, seed: int) -> None:
        """Build the network with seeded weights, for the series and features of the panel."""
        self.shape, self._gap, self._horizon = shape, gap, horizon
        self._past, self._known = tf.constant(scaling.past(panel)), tf.constant(scaling.known(panel.known))
        self._units = tf.constant(panel.units.astype(np.float32))
        self._level = tf.constant(scaling.level.astype(np.float32))
        self._weight = tf.constant(1 / np.sqrt(np.expm1(scaling.level) + 1).astype(np.float32))
        inputs = self._past.shape[-1] + self._known.shape[-1]
        kernels = [keras.initializers.GlorotUniform(seed + i) for i in range(3)]
        recurrent = [keras.initializers.Orthogonal(seed=seed + 3 + i) for i in range(2)]
        self._encoder = keras.layers.LSTM(shape.units, return_state=True, kernel_initializer=kernels[0], recurrent_initializer=recurrent[0])
        self._decoder = keras.layers.LSTM(
            shape.units, return_sequences=True, kernel_initializer=kernels[1], recurrent_initializer=recurrent[1]
        )
        self._embedding = keras.layers.Embedding(
            panel.shape[0], shape.embedding, keras.initializers.RandomNormal(stddev=0.05, seed=seed + 5)
        )
        self._dropout = keras.layers.Dropout(shape.dropout, seed=seed + 6)
        self._head = keras.layers.Dense(len(LEVELS) + 1, kernel_initializer=kernels[2])
        self._encoder.build((None, shape.window, inputs))
        self._decoder.build((None, horizon, self._known.shape[-1] + shape.embedding + 1))
        self._embedding.build((None,))
        self._head.build((None, horizon, shape.units))
        self._layers = (self._encoder, self._decoder, self._embedding, self._head)

    @property
    def variables(self) -> list[Any]:
        """Return the trainable variables."""
        return [variable for layer in self._layers for variable in layer.trainable_variables]

    def weights(self) -> dict[str, np.ndarray]:
        """Return copies of the weights under the names that ``recurrent`` reads."""
        told: dict[str, np.ndarray] = {"embedding": np.array(self._embedding.get_weights()[0])}
        for name, layer in (("encoder", self._encoder), ("decoder", self._decoder)):
            told |= {f"{name}.{part}": np.array(w) for part, w in zip(("kernel", "recurrent", "bias"), layer.get_weights(), strict=True)}
        return told | {f"head.{part}": np.array(w) for part, w in zip(("kernel", "bias"), self._head.get_weights(), strict=True)}

    def train(self, origin: int, plan: Plan, seed: int) -> Iterator[Epoch]:
        """Train on windows whose last target is known at the origin, from the weights as they are.

        Args:
            origin: index of the last period that is looked at.
            plan: length and step size.
            seed: root of the windows that are drawn.

        Raises:
            TrainingError: the loss is not finite.
        """
        rng = np.random.default_rng(seed)
        adam = keras.optimizers.Adam(
            keras.optimizers.schedules.PolynomialDecay(plan.learning_rate, plan.epochs * plan.steps, end_learning_rate=0.0),
            global_clipnorm=CLIP,
        )
        adam.build(self.variables)
        learn = tf.function(lambda series, origins: self._learn(adam, series, origins))
        first, last = self.shape.window - 1, origin - self._gap - self._horizon
        if last < first:
            raise TrainingError(
                f"lstm: window and horizon must fit into the history. Received: {origin + 1} periods. Lower `forecast.lstm.window`."
            )
        size = (plan.steps, plan.batch)
        for number in range(1, plan.epochs + 1):
            series, origins = rng.integers(self._units.shape[0], size=size), rng.integers(first, last + 1, size=size)
            loss = float(learn(tf.constant(series, tf.int32), tf.constant(origins, tf.int32)))
            if not np.isfinite(loss):
                raise TrainingError(
                    f"lstm: the loss must stay finite. Received: {loss} in epoch {number}. Lower `forecast.lstm.learning_rate`."
                )
            yield Epoch(number, loss)

    def _learn(self, adam: keras.optimizers.Optimizer, series: Any, origins: Any) -> Any:
        total = tf.constant(0.0)
        for i in tf.range(tf.shape(series)[0]):
            with tf.GradientTape() as tape:
                loss = self._loss(series[i], origins[i])
            adam.apply(tape.gradient(loss, self.variables), self.variables)
            total += loss
        return total / tf.cast(tf.shape(series)[0], tf.float32)

    def _loss(self, series: Any, origins: Any) -> Any:
        window = origins[:, None] + tf.range(1 - self.shape.window, 1)  # [B, W]
        ahead = origins[:, None] + self._gap + tf.range(1, self._horizon + 1)  # [B, H]
        history = tf.concat([_cells(self._past, series, window), _cells(self._known, series, window)], axis=-1)
        units = _cells(self._units, series, ahead)  # [B, H]
        level = tf.gather(self._level, series)
        quantiles, mean = self._say(history, _cells(self._known, series, ahead), series, level[:, None])
        there = tf.cast(tf.math.is_finite(units), tf.float32)
        units = tf.where(there > 0, units, 0.0)
        error = units[..., None] - quantiles
        levels = tf.constant(LEVELS, tf.float32)
        pinball = tf.reduce_mean(tf.maximum(levels * error, (levels - 1) * error), axis=-1)
        deviance = tf.exp(mean) - units * mean
        weight = there * tf.gather(self._weight, series)[:, None]
        return tf.reduce_sum(weight * (4 * pinball + 0.25 * deviance)) / tf.maximum(tf.reduce_sum(there), 1.0)

    def _say(self, history: Any, known: Any, series: Any, level: Any) -> tuple[Any, Any]:
        """Return quantiles in units (B, horizon, level) and the log of the mean (B, horizon)."""
        _, h, c = self._encoder(history)
        batch = tf.shape(series)[0]
        place = tf.range(1, self._horizon + 1, dtype=tf.float32) / self._horizon
        parts = [
            known,
            tf.repeat(self._embedding(series)[:, None], self._horizon, axis=1),
            tf.tile(place[None, :, None], [batch, 1, 1]),
        ]
        head = self._head(self._dropout(self._decoder(tf.concat(parts, axis=-1), initial_state=[h, c]), training=True))
        middle, steps, mean = head[..., :1], tf.nn.softplus(head[..., 1:-1]), head[..., -1]
        below = -tf.reverse(tf.cumsum(steps[..., :MIDDLE], axis=-1), axis=[-1])
        offsets = tf.concat([below, tf.zeros_like(middle), tf.cumsum(steps[..., MIDDLE:], axis=-1)], axis=-1)
        logs = level[..., None] + tf.minimum(middle + offsets, HIGHEST)
        return tf.math.expm1(logs), level + tf.minimum(mean, HIGHEST)


def _cells(values: Any, series: Any, periods: Any) -> Any:
    """Return values (S, T, ...) at the given series (B,) and periods (B, K): (B, K, ...)."""
    rows = tf.repeat(series[:, None], tf.shape(periods)[1], axis=1)
    return tf.gather_nd(values, tf.stack([rows, periods], axis=-1))
