"""Transitions of past episodes, kept in a ring of arrays and sampled uniformly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Transitions(NamedTuple):
    """Decisions and what followed; the first axes are those of the batch (...,).

    Attributes:
        observation: what the agent saw (..., features).
        action: what it did (...,).
        reward: discounted sum of the rewards until ``next_observation`` (...,).
        discount: worth of a reward after ``next_observation``, 0 where the episode ended before (...,).
        next_observation: what it saw n periods later (..., features).
        next_allowed: which actions were allowed then (..., actions), bool.
    """

    observation: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    discount: np.ndarray
    next_observation: np.ndarray
    next_allowed: np.ndarray


class Replay:
    """The last transitions, overwritten in turn.

    Attributes:
        size: transitions held.
    """

    def __init__(self, capacity: int, features: int, actions: int) -> None:
        """Reserve the memory of ``capacity`` transitions."""
        self.size, self._next, self._capacity = 0, 0, capacity
        self._kept = Transitions(
            observation=np.empty((capacity, features), np.float32),
            action=np.empty(capacity, np.int32),
            reward=np.empty(capacity, np.float32),
            discount=np.empty(capacity, np.float32),
            next_observation=np.empty((capacity, features), np.float32),
            next_allowed=np.empty((capacity, actions), bool),
        )

    def add(self, transitions: Transitions) -> None:
        """Keep transitions in place of the oldest; of more than fit, the last ones.

        Args:
            transitions: with one batch axis (transitions, ...).
        """
        latest = [column[-self._capacity :] for column in transitions]
        rows = np.arange(self._next, self._next + len(latest[0])) % self._capacity
        for kept, column in zip(self._kept, latest, strict=True):
            kept[rows] = column
        self._next = int(self._next + len(rows)) % self._capacity
        self.size = min(self._capacity, self.size + len(rows))

    def sample(self, steps: int, batch: int, rng: np.random.Generator) -> Transitions:
        """Return uniformly drawn transitions (steps, batch, ...)."""
        rows = rng.integers(self.size, size=(steps, batch))
        return Transitions(*(column[rows] for column in self._kept))
