"""Episodes of many environments at once, played to their end, and the transitions of n periods in them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from tasks.pricing.greedy import Dueling
from tasks.pricing.replay import Transitions


class World(Protocol):
    """Many episodes stepped at once, as Gymnasium's vector environments are.

    ``info["allowed"]`` (B, actions) says which actions may be taken.

    Attributes:
        num_envs: episodes at once, B.
        features: numbers in a state.
        actions: prices of the ladder.
        decisions: periods of an episode; all episodes begin and end together.
        discount: worth of a reward one period later.
        goes_on: whether an episode is cut rather than ended, so that its last state has a worth.
        together: whether what is best in an episode depends on the actions of others, so that a state holds
            what those are planned to do.
        prior: whether the first numbers of a state are what is known of the actions' worths.
        worth_scale: in what the worth of each period's state is measured, such as the periods left
            (decisions + 1,).
    """

    num_envs: int
    features: int
    actions: int
    decisions: int
    discount: float
    goes_on: bool
    together: bool
    prior: bool
    worth_scale: np.ndarray

    def reset(self, *, seed: int | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Open episodes: states (B, features), and info."""
        ...

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Take an action per episode (B,); return states, rewards of O(1), terminated, truncated, info."""
        ...

    def replanned(self, actions: np.ndarray) -> np.ndarray:
        """Return the state in which the others are planned to take the given actions (B, features)."""
        ...


def n_step_returns(
    rewards: np.ndarray, discount: float, n: int, goes_on: bool = False, explored: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what an episode's transitions bootstrap from (Sutton 1988).

        r_t = sum_(k < m) discount^k rewards[t + k],   discount_t = discount^m

    m is n or less: the sum ends where the episode ends, and before a later action that was explored. What
        follows an
    explored action is not what the greedy policy would earn, and would bias the target (Watkins 1989).

    Args:
        rewards: rewards of the periods (T, B).
        discount: worth of a reward one period later.
        n: periods that are summed.
        goes_on: whether the state after the last period is bootstrapped from; else ``discount_t`` is 0 where
            the sum reaches the end.
        explored: whether the action of a period was explored (T, B); by default none was.

    Returns:
        r_t (T, B), discount_t (T, B), and the period whose state is s_t (T, B), at most T.
    """
    periods, start = len(rewards), np.arange(len(rewards))[:, None]
    follows = np.ones(rewards.shape, bool) if explored is None else ~explored
    r_t = rewards.astype(float)
    later = np.broadcast_to(start + 1, rewards.shape).copy()
    summed = np.ones(rewards.shape, bool)
    for k in range(1, n):
        summed[: periods - k] &= follows[k:]
        summed[max(0, periods - k) :] = False
        r_t[: periods - k] += discount**k * summed[: periods - k] * rewards[k:]
        later += summed
    discount_t = np.where(goes_on | (later < periods), discount ** (later - start), 0.0)
    return r_t, discount_t, later


def play_episodes(
    world: World, network: Dueling, exploration: float, n_step: int, rng: np.random.Generator
) -> Transitions:
    """Play every episode to its end and return the transitions (T * B, ...).

    Args:
        world: where it is played.
        network: acts greedily where nothing is explored.
        exploration: probability of a random action.
        n_step: periods of rewards before bootstrapping.
        rng: source of the exploration.
    """
    state, info = world.reset()
    states, actions, rewards, allowed, explored = [state], [], [], [info["allowed"]], []
    for _ in range(world.decisions):
        if world.together:
            states[-1] = state = world.replanned(network.best(state, allowed[-1]))
        explored.append(rng.random(world.num_envs) < exploration)
        drawn = rng.random((world.num_envs, world.actions), np.float32)
        anything = np.argmax(np.where(allowed[-1], drawn, -1.0), axis=1)  # a draw of 0 is still a draw
        actions.append(np.where(explored[-1], anything, network.best(state, allowed[-1])))
        state, reward, _, _, info = world.step(actions[-1])
        states.append(state)
        rewards.append(reward)
        allowed.append(info["allowed"])
    r_t, discount_t, later = n_step_returns(
        np.stack(rewards), world.discount, n_step, world.goes_on, np.stack(explored)
    )
    scale, start = world.worth_scale, np.arange(len(rewards))[:, None]
    r_t, discount_t = r_t / scale[start], discount_t * scale[later] / scale[start]
    s, may = np.stack(states), np.stack(allowed)  # (T + 1, B, features), (T + 1, B, actions)
    episode = np.arange(world.num_envs)
    columns = (s[:-1], np.stack(actions), r_t, discount_t, s[later, episode], may[later, episode])
    return Transitions(*(column.reshape(r_t.size, *column.shape[2:]) for column in columns))
