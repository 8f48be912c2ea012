"""Double DQN over many episodes at once: play them to their end, remember them, take a few large gradient steps, again.

One agent for every world: the market fitted to the sales, and cases whose optimum is known. ``train`` is a generator: it yields what
happened and knows no tracker. Rewards of n periods are summed before bootstrapping (Sutton 1988); nothing is bootstrapped past the end of
an episode that ends, and past one that is only cut the last state stands for what follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tasks.pricing.greedy import Dueling


class TrainingError(RuntimeError):
    """A training that went astray."""


class World(Protocol):
    """Many episodes stepped at once, as Gymnasium's vector environments are; ``info["allowed"]`` (B, actions) tells what may be done.

    Attributes:
        num_envs: episodes at once, B.
        features: numbers in a state.
        actions: prices of the ladder.
        decisions: periods of an episode; all episodes begin and end together.
        discount: worth of a reward one period later.
        goes_on: whether the last state of an episode still has a worth of its own: the episode is cut, not ended.
    """

    num_envs: int
    features: int
    actions: int
    decisions: int
    discount: float
    goes_on: bool

    def reset(self, *, seed: int | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Open episodes: states (B, features), and info."""
        ...

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Take a price each: states (B, features), rewards of O(1) (B,), terminated, truncated, info."""
        ...


@dataclass(frozen=True)
class Plan:
    """How the agent is trained.

    Attributes:
        hidden: widths of the hidden layers.
        environments: episodes stepped at once.
        environment_steps: steps of all environments together; episodes are played to their end.
        replay: transitions kept.
        batch: transitions in a gradient step.
        gradient_steps: gradient steps per period of the world.
        learning_rate: first step size of Adam, falling to zero.
        target_averaging: weight of the online network in the slowly averaged one, per gradient step.
        exploration: last probability of a random action; it falls from 1 over the first quarter of the episodes.
        n_step: periods of rewards before bootstrapping.
        evaluations: times that the network is judged; the best one is kept.
        evaluation_draws: seasons of every product in such a judgement.
    """

    hidden: tuple[int, ...]
    environments: int
    environment_steps: int
    replay: int
    batch: int
    gradient_steps: int
    learning_rate: float
    target_averaging: float
    exploration: float
    n_step: int
    evaluations: int
    evaluation_draws: int


@dataclass(frozen=True)
class Record:
    """A moment of the training.

    Attributes:
        step: environment steps taken.
        loss: mean Huber loss since the last record.
        mean_q: mean Q-value of what was replayed since then, in units of the world's rewards.
        value: what the judge says of the greedy policy, on seeds of its own.
        best: whether it is the best value so far.
        weights: the averaged network at this moment, as ``Dueling`` reads it.
    """

    step: int
    loss: float
    mean_q: float
    value: float
    best: bool
    weights: dict[str, np.ndarray]


class Replay:
    """The last transitions, overwritten in turn.

    Attributes:
        size: transitions held.
    """

    def __init__(self, capacity: int, features: int, actions: int) -> None:
        """Set the memory aside."""
        self.size, self._next = 0, 0
        self._columns = (
            np.empty((capacity, features), np.float32),  # s_tm1
            np.empty(capacity, np.int32),  # a_tm1
            np.empty(capacity, np.float32),  # r_t
            np.empty(capacity, np.float32),  # discount_t
            np.empty((capacity, features), np.float32),  # s_t
            np.empty((capacity, actions), bool),  # allowed_t
        )

    def add(self, *columns: np.ndarray) -> None:
        """Keep transitions, in place of the oldest; each column (transitions, ...), the last ones where they are more than it holds."""
        capacity = len(self._columns[0])
        columns = tuple(column[-capacity:] for column in columns)
        rows = np.arange(self._next, self._next + len(columns[0])) % capacity
        for kept, new in zip(self._columns, columns, strict=True):
            kept[rows] = new
        self._next = int(self._next + len(rows)) % capacity
        self.size = min(capacity, self.size + len(rows))

    def sample(self, steps: int, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Return uniformly drawn transitions, each column (steps, batch, ...)."""
        rows = rng.integers(self.size, size=(steps, batch))
        return tuple(column[rows] for column in self._columns)


def n_step_returns(
    rewards: np.ndarray, discount: float, n: int, goes_on: bool = False, explored: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what an episode's transitions bootstrap from.

        r_t = sum_(k < m) discount^k rewards[t + k],   discount_t = discount^m

    m is n, or less: the sum ends where the episode ends, and before a later action that was explored, for what follows that one is not
    what the greedy policy would earn (Watkins 1989; without it the target is biased by the exploration).

    Args:
        rewards: rewards of the periods (T, B).
        discount: worth of a reward one period later.
        n: periods that are summed.
        goes_on: whether the state after the last period is bootstrapped from; else ``discount_t`` is 0 where the sum reaches the end.
        explored: whether the action of a period was explored (T, B); none were if not given.

    Returns:
        r_t (T, B), discount_t (T, B), and the period whose state is s_t (T, B), at most T.
    """
    periods, start = len(rewards), np.arange(len(rewards))[:, None]
    follows = np.ones(rewards.shape, bool) if explored is None else ~explored
    r_t, later, on = (
        rewards.astype(float),
        np.broadcast_to(start + 1, rewards.shape).copy(),
        np.ones(rewards.shape, bool),
    )
    for k in range(1, n):
        on[: periods - k] &= follows[k:]
        on[max(0, periods - k) :] = False
        r_t[: periods - k] += discount**k * on[: periods - k] * rewards[k:]
        later += on
    discount_t = np.where(goes_on | (later < periods), discount ** (later - start), 0.0)
    return r_t, discount_t, later


def train(
    world: World,
    judge: Callable[[dict[str, np.ndarray]], float],
    plan: Plan,
    seed: int,
    logged: tuple[np.ndarray, ...] | None = None,
) -> Iterator[Record]:
    """Train an agent in a world, and yield a record per evaluation; keep the one that is ``best``.

    Args:
        world: where it plays.
        judge: worth of the greedy policy of weights, on seeds that the training never meets.
        plan: how it is trained.
        seed: root of initial weights, exploration, luck and replay.
        logged: transitions of past decisions, as ``Replay`` keeps them: an episode's gradient steps are taken on them before the first one
            is played, and they stay in the replay until newer ones take their place.

    Raises:
        TrainingError: the loss is not finite.
    """
    from tasks.pricing.network import Learner, dueling, weights_of

    initial, playing, exploring = (int(s) for s in np.random.SeedSequence(seed).generate_state(3) >> 1)
    rng = np.random.default_rng(exploring)
    world.reset(seed=playing)
    per_episode = world.num_envs * world.decisions
    episodes = max(1, plan.environment_steps // per_episode)
    updates = plan.gradient_steps * world.decisions
    network = dueling(world.features, world.actions, plan.hidden, initial)
    learner = Learner(network, plan.learning_rate, episodes * updates, plan.target_averaging)
    replay = Replay(plan.replay, world.features, world.actions)
    judged_after = set(np.linspace(0, episodes, plan.evaluations + 1).astype(int)[1:].tolist())
    losses: list[tuple[float, float]] = []
    best = -np.inf
    if logged is not None:
        replay.add(*logged)
        learner.learn(*replay.sample(updates, plan.batch, rng))
    for episode in range(1, episodes + 1):
        exploration = max(plan.exploration, 1 - 4 * episode / episodes)
        replay.add(*play_episodes(world, Dueling(weights_of(learner.online)), exploration, plan.n_step, rng))
        losses.append(learner.learn(*replay.sample(updates, plan.batch, rng)))
        if not np.isfinite(losses[-1]).all():
            raise TrainingError(
                f"dqn: the loss must stay finite. Received: {losses[-1][0]} after episode {episode} of {episodes}. "
                "Lower `price.dqn.learning_rate` or `price.dqn.target_averaging`."
            )
        if episode in judged_after:
            weights = weights_of(learner.averaged)
            value = judge(weights)
            loss, mean_q = np.mean(losses, axis=0)
            yield Record(episode * per_episode, float(loss), float(mean_q), value, value > best, weights)
            best, losses = max(best, value), []


def play_episodes(
    world: World, network: Dueling, exploration: float, n_step: int, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Play every episode to its end and return the transitions as ``Replay`` keeps them, each column (T * B, ...).

    Args:
        world: where it is played.
        network: what acts where nothing is explored.
        exploration: probability of a random action.
        n_step: periods of rewards before bootstrapping.
        rng: source of the exploration.
    """
    state, told = world.reset()
    states, actions, rewards, allowed, explored = [state], [], [], [told["allowed"]], []
    for _ in range(world.decisions):
        explored.append(rng.random(world.num_envs) < exploration)
        anything = np.argmax(allowed[-1] * rng.random((world.num_envs, world.actions), np.float32), axis=1)
        actions.append(np.where(explored[-1], anything, network.best(state, allowed[-1])))
        state, reward, _, _, told = world.step(actions[-1])
        states.append(state)
        rewards.append(reward)
        allowed.append(told["allowed"])
    r_t, discount_t, later = n_step_returns(
        np.stack(rewards), world.discount, n_step, world.goes_on, np.stack(explored)
    )
    s, may, each = (
        np.stack(states),
        np.stack(allowed),
        np.arange(world.num_envs),
    )  # (T + 1, B, F), (T + 1, B, A), (B,)
    columns = (s[:-1], np.stack(actions), r_t, discount_t, s[later, each], may[later, each])
    return tuple(column.reshape(r_t.size, *column.shape[2:]) for column in columns)
