"""The Q-network in Keras and its compiled training step: Double DQN (van Hasselt et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tasks.pricing.greedy import HEADS
from tasks.pricing.replay import Transitions

PRIOR = "prior"  # layer of what is known of the actions' worths, without a bias
GRADIENT_NORM = 10.0  # longest gradient of a step, as in Wang et al. 2016, section 4.2


def dueling(
    features: int, actions: int, hidden: Sequence[int], seed: int, *, prior: bool = False
) -> keras.Model:
    """Build a dueling network: states (B, features) to Q-values (B, actions) (Wang et al. 2016).

    Args:
        features: numbers in a state.
        actions: prices of the ladder.
        hidden: widths of the hidden layers.
        seed: of the initial weights; the heads begin at 0, so that every action is worth the same at first.
        prior: whether the first numbers of a state are what is known of the actions' worths; the network
            learns what is to be added to them.
    """
    x = states = keras.Input((features,))
    for i, units in enumerate(hidden):
        x = keras.layers.Dense(
            units, "relu", kernel_initializer=keras.initializers.HeNormal(seed + i), name=f"hidden_{i}"
        )(x)
    value = keras.layers.Dense(1, kernel_initializer="zeros", name="value")(x)
    advantage = keras.layers.Dense(actions, kernel_initializer="zeros", name="advantage")(x)
    q = value + advantage - keras.ops.mean(advantage, axis=1, keepdims=True)
    if prior:
        known = keras.layers.Dense(
            actions, use_bias=False, kernel_initializer="identity", trainable=False, name=PRIOR
        )
        q = q + known(states[:, :actions])
    return keras.Model(states, q)


def weights_of(network: keras.Model) -> dict[str, np.ndarray]:
    """Return copies of the weights under the names that ``greedy.Greedy`` reads."""
    layers = [layer for layer in network.layers if layer.name.startswith(("hidden_", *HEADS, PRIOR))]
    return {
        f"{layer.name}.{part}": np.array(w)
        for layer in layers
        for part, w in zip(("kernel", "bias"), layer.get_weights(), strict=False)
    }


class Learner:
    """An online network, its slow average, and the gradient steps between them.

    The average is the target that is bootstrapped from, and the policy that is evaluated and kept: averaging
    the weights smooths the noise of the last gradient steps (Polyak and Juditsky 1992).

    Attributes:
        online: the network that is trained and acts.
        averaged: its slow average.
    """

    def __init__(
        self, online: keras.Model, learning_rate: float, gradient_steps: int, target_averaging: float
    ) -> None:
        """Prepare Adam with a learning rate that falls linearly to zero.

        Args:
            online: network to be trained.
            learning_rate: first step size.
            gradient_steps: steps after which the learning rate is zero.
            target_averaging: weight of the online network in the target, per gradient step.
        """
        self.online = online
        self.averaged = keras.models.clone_model(online)
        self.averaged.set_weights(online.get_weights())
        falling = keras.optimizers.schedules.PolynomialDecay(
            learning_rate, gradient_steps, end_learning_rate=0.0
        )
        self._adam = keras.optimizers.Adam(falling, global_clipnorm=GRADIENT_NORM)
        self._adam.build(online.trainable_variables)
        self._averaging = target_averaging
        self._steps = tf.function(self._learn, autograph=False)

    def learn(self, batches: Transitions) -> tuple[float, float]:
        """Take a gradient step per batch and return their mean loss and mean Q-value.

        Args:
            batches: (steps, B, ...).
        """
        loss, q = self._steps(*(tf.convert_to_tensor(column) for column in batches))
        return float(loss), float(q)

    def _learn(self, *columns: Any) -> tuple[Any, Any]:
        """Take a gradient step per batch of ``Transitions``, its columns (steps, B, ...); graph code."""

        def step(i: Any, loss: Any, q: Any) -> tuple[Any, Any, Any]:
            step_loss, step_q = self._gradient_step(Transitions(*(column[i] for column in columns)))
            return i + 1, loss + step_loss, q + step_q

        steps = tf.shape(columns[1])[0]
        _, loss, q = tf.while_loop(lambda i, *_: i < steps, step, (0, 0.0, 0.0))
        return loss / tf.cast(steps, tf.float32), q / tf.cast(steps, tf.float32)

    def _gradient_step(self, batch: Transitions) -> tuple[Any, Any]:
        """Move Q(s_tm1, a_tm1) towards r_t + discount_t * Q_target(s_t, argmax_a Q(s_t, a)), a allowed.

        Args:
            batch: tensors (B, ...).
        """
        s_tm1, a_tm1, r_t, discount_t, s_t, allowed_t = batch
        best_t = tf.argmax(tf.where(allowed_t, self.online(s_t), -np.inf), axis=1)  # [B]
        q_t = tf.gather(self.averaged(s_t), best_t, axis=1, batch_dims=1)  # [B]
        target_tm1 = r_t + discount_t * q_t
        with tf.GradientTape() as tape:
            q_tm1 = tf.gather(self.online(s_tm1), a_tm1, axis=1, batch_dims=1)  # [B]
            loss = tf.reduce_mean(keras.losses.huber(target_tm1[:, None], q_tm1[:, None]))
        variables = self.online.trainable_variables
        self._adam.apply(tape.gradient(loss, variables), variables)
        for slow, fast in zip(self.averaged.trainable_variables, variables, strict=True):
            slow.assign_add(self._averaging * (fast - slow))
        return loss, tf.reduce_mean(q_tm1)


def few_threads() -> None:
    """Keep TensorFlow on one thread, before its first operation: small networks gain nothing from more."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
