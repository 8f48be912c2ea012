"""Double DQN (van Hasselt et al. 2016, arXiv:1509.06461) over many episodes at once.

Episodes are played to their end and kept in a replay; a few large gradient steps follow, and the next
episodes. The agent is the same for every world: the market fitted to the sales, and cases whose optimum is
known. ``train`` is a generator: it yields what happened and knows no tracker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.pricing.episodes import World, play_episodes
from tasks.pricing.greedy import Dueling
from tasks.pricing.replay import Replay

if TYPE_CHECKING:
    from tasks.pricing.network import Learner

EXPLORATION_FALL = 4
"""Exploration falls from 1 to 0 in a quarter of the episodes. Its linear fall is that of Mnih et al. 2015
(Nature 518); the quarter is a choice of ours, the same for every world."""


class TrainingError(RuntimeError):
    """A training that went astray."""


@dataclass(frozen=True, kw_only=True)
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
        exploration: last probability of a random action; it falls from 1 over the first quarter of the
            episodes.
        n_step: periods of rewards before bootstrapping.
        evaluations: times that the network is evaluated; the best one is kept.
        evaluation_draws: seasons of every product in an evaluation.
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


@dataclass(frozen=True, kw_only=True)
class Record:
    """A moment of the training.

    Attributes:
        step: environment steps taken.
        loss: mean Huber loss since the last record.
        mean_q: mean Q-value of what was replayed since then, in units of the world's rewards.
        value: worth of the greedy policy on seeds that the training never meets.
        best: whether it is the best value so far.
        weights: the averaged network at this moment, as ``Dueling`` reads it.
    """

    step: int
    loss: float
    mean_q: float
    value: float
    best: bool
    weights: dict[str, np.ndarray]


class Schedule:
    """The episodes of a training, and what happens in which of them.

    Attributes:
        episodes: times that all environments are played to their end.
        steps: environment steps in each of those times.
        updates: gradient steps after each of them.
        evaluated: numbers of the episodes after which the network is evaluated, from 1.
    """

    def __init__(self, plan: Plan, world: World) -> None:
        """Divide the steps of the plan into whole episodes of the world, one at least."""
        self.steps = world.num_envs * world.decisions
        self.episodes = max(1, plan.environment_steps // self.steps)
        self.updates = plan.gradient_steps * world.decisions
        evenly = np.linspace(0, self.episodes, plan.evaluations + 1).astype(int)[1:]
        self.evaluated = set(evenly.tolist())
        self._least = plan.exploration

    def exploration(self, episode: int) -> float:
        """Return the probability of a random action in an episode, counted from 1."""
        return max(self._least, 1 - EXPLORATION_FALL * episode / self.episodes)


def train(
    world: World,
    evaluate: Callable[[dict[str, np.ndarray]], float],
    plan: Plan,
    seed: int,
) -> Iterator[Record]:
    """Train an agent in a world, and yield a record per evaluation; keep the one that is ``best``.

    Args:
        world: where it plays.
        evaluate: worth of the greedy policy of weights, on seeds that the training never meets.
        plan: how it is trained.
        seed: root of the initial weights, the episodes, the exploration and the replay.

    Raises:
        TrainingError: the loss is not finite.
    """
    from tasks.pricing.network import weights_of

    initial, playing, exploring = (int(s) for s in np.random.SeedSequence(seed).generate_state(3) >> 1)
    rng, schedule = np.random.default_rng(exploring), Schedule(plan, world)
    world.reset(seed=playing)
    learner = _learner(world, plan, schedule, initial)
    replay = Replay(plan.replay, world.features, world.actions)
    losses, best = [], -np.inf
    if world.prior:  # the network that knows no more than the world does
        weights = weights_of(learner.averaged)
        yield _record(0, [(0.0, 0.0)], best := evaluate(weights), -np.inf, weights)
    for episode in range(1, schedule.episodes + 1):
        acting = Dueling(weights_of(learner.online))
        replay.add(play_episodes(world, acting, schedule.exploration(episode), plan.n_step, rng))
        losses.append(learner.learn(replay.sample(schedule.updates, plan.batch, rng)))
        _check(losses[-1], episode, schedule)
        if episode in schedule.evaluated:
            weights = weights_of(learner.averaged)
            record = _record(episode * schedule.steps, losses, evaluate(weights), best, weights)
            losses, best = [], max(best, record.value)
            yield record


def _learner(world: World, plan: Plan, schedule: Schedule, seed: int) -> Learner:
    """Return a new network for the world, and what trains it."""
    from tasks.pricing.network import Learner, dueling

    network = dueling(world.features, world.actions, plan.hidden, seed, prior=world.prior)
    gradient_steps = schedule.episodes * schedule.updates
    return Learner(network, plan.learning_rate, gradient_steps, plan.target_averaging)


def _check(loss_and_q: tuple[float, float], episode: int, schedule: Schedule) -> None:
    """Refuse a loss or a mean Q-value that is not finite."""
    if not np.isfinite(loss_and_q).all():
        raise TrainingError(
            f"dqn: the loss must stay finite. Received: {loss_and_q[0]} after episode {episode} "
            f"of {schedule.episodes}. Lower `price.dqn.learning_rate` or `price.dqn.target_averaging`."
        )


def _record(
    step: int,
    losses: list[tuple[float, float]],
    value: float,
    best: float,
    weights: dict[str, np.ndarray],
) -> Record:
    """Return the record of a moment, from the losses since the last record and the best value so far."""
    loss, mean_q = np.mean(losses, axis=0)
    return Record(
        step=step, loss=float(loss), mean_q=float(mean_q), value=value, best=value > best, weights=weights
    )
