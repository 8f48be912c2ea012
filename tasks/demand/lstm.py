"""A recurrent network for all series: an encoder reads the history, a decoder the planned prices.

Sequence to sequence (Sutskever, Vinyals and Le 2014, arXiv:1409.3215) with known future inputs and an
embedding of the product. The head gives quantiles that never cross and a mean, and is trained on the error
that counts (Gneiting 2011, JASA 106:746).

A network soon knows a hundred weeks of prices by heart. So inputs that identify a week (what rivals do) are
dropped at random, weights decay, and their moving average forecasts (Polyak and Juditsky 1992, SIAM J.
Control Optim. 30:838).

``train`` is a generator of epochs. The trained network is read by ``recurrent``, in NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from expectations.columns import LEVELS, PRODUCT
from tasks.demand.distribution import BETWEEN
from tasks.demand.panel import Panel
from tasks.demand.recurrent import HIGHEST, MIDDLE, NARROW, Scaling, rival_features
from tasks.demand.training import Epoch, Plan, Shape, TrainingError

STEEP = 1.5  # log of forecast over units from which a relative error grows as a line
CLIP = 1.0  # largest norm of a gradient
UNSEEN = (
    0.05  # share of windows whose product is hidden, so that the network learns to forecast unknown products
)
QUANTILES_FIRST, MEAN_BESIDE = 4.0, 0.25  # weights of the losses on units: quantiles, and the Poisson mean
QUANTILES_BESIDE, MEAN_LAST = 0.4, 0.1  # weights beside the relative error, which has 1
WARM_UP = 100  # gradient steps over which the moving average reaches its full memory


class Network:
    """The encoder-decoder, and the windows of a panel that it is trained on."""

    def __init__(
        self, panel: Panel, scaling: Scaling, shape: Shape, *, gap: int, horizon: int, seed: int
    ) -> None:
        """Build the network with seeded weights, for the series and features of the panel."""
        self.shape, self._gap, self._horizon = shape, gap, horizon
        self._history, self._known = (
            tf.constant(scaling.history(panel)),
            tf.constant(scaling.known(panel.known)),
        )
        self._rival = tf.constant(rival_features(panel).astype(np.float32))
        self._units = tf.constant(panel.units.astype(np.float32))
        self._level = tf.constant(scaling.level.astype(np.float32))
        self._weight = tf.constant(1 / np.sqrt(np.expm1(scaling.level) + 1).astype(np.float32))
        codes, products = panel.series[PRODUCT].factorize()
        self._product = tf.constant(codes, tf.int32)
        self._chance = tf.random.Generator.from_seed(seed + 7)
        self._build(len(products), seed)
        self._adam = keras.optimizers.Adam(global_clipnorm=CLIP)
        self._adam.build(self.variables)
        self._average = [tf.Variable(variable) for variable in self.variables]
        self._learn_steps = tf.function(self._learn, autograph=False)

    def _build(self, products: int, seed: int) -> None:
        shape = self.shape
        layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[shape.cell]
        kernels = [keras.initializers.GlorotUniform(seed + i) for i in range(4)]
        recurrent = [keras.initializers.Orthogonal(seed=seed + 4 + i) for i in range(2)]
        self._encoder = layer(
            shape.units, return_state=True, kernel_initializer=kernels[0], recurrent_initializer=recurrent[0]
        )
        self._decoder = layer(
            shape.units,
            return_sequences=True,
            kernel_initializer=kernels[1],
            recurrent_initializer=recurrent[1],
        )
        drawn = keras.initializers.RandomNormal(stddev=0.05, seed=seed + 6)
        self._embedding = keras.layers.Embedding(
            products + 1, shape.embedding, drawn
        )  # the last row stands for unknown products
        self._hidden = keras.layers.Dense(shape.units, "relu", kernel_initializer=kernels[2])
        self._head = keras.layers.Dense(len(LEVELS) + 1, kernel_initializer=kernels[3])
        self._encoder.build((None, shape.window, self._history.shape[-1]))
        self._decoder.build((None, self._horizon, self._known.shape[-1] + shape.embedding + 1))
        self._embedding.build((None,))
        self._hidden.build((None, self._horizon, shape.units))
        self._head.build((None, self._horizon, shape.units))
        self._layers = {
            name: getattr(self, f"_{name}") for name in ("encoder", "decoder", "embedding", "hidden", "head")
        }

    @property
    def variables(self) -> list[Any]:
        """Return the trainable variables."""
        return [variable for layer in self._layers.values() for variable in layer.trainable_variables]

    def weights(self) -> dict[str, np.ndarray]:
        """Return the averaged weights under the names that ``recurrent`` reads."""
        parts = {
            "encoder": ("kernel", "recurrent", "bias"),
            "decoder": ("kernel", "recurrent", "bias"),
            "embedding": ("table",),
        }
        names = [f"{name}.{part}" for name in self._layers for part in parts.get(name, ("kernel", "bias"))]
        return {name: average.numpy() for name, average in zip(names, self._average, strict=True)}

    def train(self, origin: int, plan: Plan, seed: int) -> Iterator[Epoch]:
        """Train on windows whose last target is known at the origin, from the weights as they are.

        Args:
            origin: index of the last period that is read.
            plan: length and step size.
            seed: root of the windows that are drawn.

        Raises:
            TrainingError: the history is too short, or the loss is not finite.
        """
        rng, size = np.random.default_rng(seed), (plan.steps, plan.batch)
        first, last = self._origins(origin)
        for number, rate in enumerate(np.split(_rates(plan), plan.epochs), start=1):
            series = rng.integers(self._units.shape[0], size=size)
            origins = rng.integers(first, last + 1, size=size)
            drawn = (
                tf.constant(series, tf.int32),
                tf.constant(origins, tf.int32),
                tf.constant(rate, tf.float32),
            )
            loss = float(
                self._learn_steps(*drawn, tf.constant(plan.weight_decay), tf.constant(plan.averaging))
            )
            if not np.isfinite(loss):
                raise TrainingError(
                    f"lstm: the loss must stay finite. Received: {loss} in epoch {number}. "
                    "Lower `forecast.lstm.learning_rate`."
                )
            yield Epoch(number, loss)

    def _origins(self, origin: int) -> tuple[int, int]:
        """Return the first and the last origin of a window whose last target is known at the given origin."""
        first, last = self.shape.window - 1, origin - self._gap - self._horizon
        if last < first:
            raise TrainingError(
                "lstm: window and horizon must fit into the history. "
                f"Received: {origin + 1} periods. Lower `forecast.lstm.window`."
            )
        return first, last

    def _learn(self, series: Any, origins: Any, rates: Any, decay: Any, averaging: Any) -> Any:
        """Take the gradient steps of an epoch and return their mean loss, a number.

        Args:
            series, origins: rows and last known periods of the windows (steps, batch).
            rates: step sizes (steps,).
            decay, averaging: numbers, as in the plan.
        """

        def step(i: Any, total: Any) -> tuple[Any, Any]:
            return i + 1, total + self._gradient_step(series[i], origins[i], rates[i], decay, averaging)

        steps = tf.shape(series)[0]
        _, total = tf.while_loop(lambda i, _: i < steps, step, (0, 0.0))
        return total / tf.cast(steps, tf.float32)

    def _gradient_step(self, series: Any, origins: Any, rate: Any, decay: Any, averaging: Any) -> Any:
        """Take a step on some windows (batch,) and return its loss, a number."""
        with tf.GradientTape() as tape:
            loss = self._loss(series, origins)
        gradients = tape.gradient(loss, self.variables)
        self._adam.learning_rate.assign(rate)
        self._adam.apply(gradients, self.variables)
        for variable, average in zip(self.variables, self._average, strict=True):
            if len(variable.shape) > 1:
                variable.assign(variable * (1 - decay * rate))
            warm = tf.minimum(
                averaging, tf.cast(self._adam.iterations, tf.float32) / WARM_UP
            )  # the first weights are soon forgotten
            average.assign(warm * average + (1 - warm) * variable)
        return loss

    def _loss(self, series: Any, origins: Any) -> Any:
        """Return the loss of some windows, a number; ``series`` and ``origins`` are (B,)."""
        window = origins[:, None] + tf.range(1 - self.shape.window, 1)  # [B, W]
        ahead = origins[:, None] + self._gap + tf.range(1, self._horizon + 1)  # [B, H]
        units = _cells(self._units, series, ahead)  # [B, H]
        level = tf.gather(self._level, series)[:, None]
        logs, mean = self._outputs(
            _cells(self._history, series, window), _cells(self._known, series, ahead), series
        )
        there = tf.cast(tf.math.is_finite(units), tf.float32)
        units = tf.where(there > 0, units, 0.0)
        if self.shape.errors == "units":
            weight = there * tf.gather(self._weight, series)[:, None]
            error = units[..., None] - tf.math.expm1(level[..., None] + logs)
            loss = QUANTILES_FIRST * _pinball(error) + MEAN_BESIDE * (
                tf.exp(level + mean) - units * (level + mean)
            )
        else:
            weight, relative = there, tf.math.log1p(units) - level  # log(1 + units) over the level, [B, H]
            excess = _relative_median(logs) - relative
            loss = (
                _relative_error(excess)
                + QUANTILES_BESIDE * _pinball(relative[..., None] - logs)
                + MEAN_LAST * (tf.exp(mean) - tf.exp(relative) * mean)
            )
        return tf.reduce_sum(weight * loss) / tf.maximum(tf.reduce_sum(there), 1.0)

    def _outputs(self, history: Any, known: Any, series: Any) -> tuple[Any, Any]:
        """Return quantiles (B, horizon, level) and mean (B, horizon), as logs over the level of the series.

        Args:
            history: what the encoder reads (B, window, inputs).
            known: scaled known features of the targets (B, horizon, features).
            series: rows of the panel (B,).
        """
        state = self._encoder(history)[1:]
        batch = tf.shape(series)[0]
        product = tf.gather(self._product, series)
        hidden = self._chance.uniform([batch]) < UNSEEN
        embedded = self._embedding(tf.where(hidden, self._embedding.input_dim - 1, product))
        drop = self.shape.rival_dropout
        kept = tf.cast(self._chance.uniform(tf.shape(known)) >= drop, tf.float32) / (1 - drop)
        place = tf.range(1, self._horizon + 1, dtype=tf.float32) / self._horizon
        parts = [
            known * (1 - self._rival + self._rival * kept),
            tf.repeat(embedded[:, None], self._horizon, axis=1),
            tf.tile(place[None, :, None], [batch, 1, 1]),
        ]
        decoded = self._dropped(self._decoder(tf.concat(parts, axis=-1), initial_state=list(state)))
        head = self._head(self._dropped(self._hidden(decoded)))
        middle, steps, mean = head[..., :1], tf.nn.softplus(head[..., 1:-1] - NARROW), head[..., -1]
        below = -tf.reverse(tf.cumsum(steps[..., :MIDDLE], axis=-1), axis=[-1])
        offsets = tf.concat([below, tf.zeros_like(middle), tf.cumsum(steps[..., MIDDLE:], axis=-1)], axis=-1)
        return tf.minimum(middle + offsets, HIGHEST), HIGHEST * tf.tanh(mean / HIGHEST)

    def _dropped(self, values: Any) -> Any:
        drop = self.shape.dropout
        return values * tf.cast(self._chance.uniform(tf.shape(values)) >= drop, tf.float32) / (1 - drop)


def _rates(plan: Plan) -> np.ndarray:
    """Return the step sizes, falling to zero along a cosine (epochs * steps,)."""
    steps = plan.epochs * plan.steps
    return np.asarray(plan.learning_rate * (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2)


def _pinball(error: Any) -> Any:
    """Return the mean over all levels of the pinball loss (..., level) -> (...,)."""
    levels = tf.constant(LEVELS, tf.float32)
    return tf.reduce_mean(tf.maximum(levels * error, (levels - 1) * error), axis=-1)


def _relative_median(logs: Any) -> Any:
    """Return the log of the point for relative errors, as ``Distribution`` does (..., level) -> (...,)."""
    fine = tf.tensordot(logs, tf.constant(BETWEEN, tf.float32), 1)
    weight = tf.cumsum(tf.exp(-fine), axis=-1)
    half = tf.reduce_sum(tf.cast(weight < weight[..., -1:] / 2, tf.int32), axis=-1)
    return tf.gather(fine, half, axis=-1, batch_dims=fine.shape.rank - 1)


def _relative_error(excess: Any) -> Any:
    """Return ``|1 - exp(excess)|``, a line above ``STEEP``: a tiny sale must not outweigh others (...,)."""
    bent = tf.minimum(excess, STEEP)
    return tf.abs(1 - tf.exp(bent)) + np.exp(STEEP) * (excess - bent)


def _cells(values: Any, series: Any, periods: Any) -> Any:
    """Return values (S, T, ...) at the given series (B,) and periods (B, K): (B, K, ...)."""
    rows = tf.repeat(series[:, None], tf.shape(periods)[1], axis=1)
    return tf.gather_nd(values, tf.stack([rows, periods], axis=-1))
