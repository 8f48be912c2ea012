"""Double DQN over many product environments at once: play a season, remember it, take a few large gradient steps, again.

``train`` is a generator: it yields what happened and knows no tracker. Rewards of n weeks are summed before bootstrapping (Sutton 1988),
and nothing is bootstrapped past the last week of a season.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.pricing.environment import MarketEnv
from tasks.pricing.greedy import Greedy
from tasks.pricing.market import FEATURES, Products, Rules, play
from tasks.pricing.policies import Random


class TrainingError(RuntimeError):
    """A training that went astray."""


@dataclass(frozen=True)
class Plan:
    """How the agent is trained.

    Attributes:
        hidden: widths of the hidden layers.
        environments: product environments stepped at once.
        environment_steps: steps of all environments together; seasons are played to their end.
        replay: transitions kept.
        batch: transitions in a gradient step.
        gradient_steps: gradient steps per week of the market.
        learning_rate: first step size of Adam, falling to zero.
        target_averaging: weight of the online network in the slowly averaged target, per gradient step.
        exploration: last probability of a random action; it falls from 1 over the first quarter of the seasons.
        n_step: weeks of rewards before bootstrapping.
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
        mean_q: mean Q-value of what was replayed since then, in weeks of revenue at the price in force.
        value: mean reward per product-week of the greedy policy on the evaluation's draws, currency.
        best: whether it is the best value so far.
        weights: the network at this moment, as ``Greedy`` reads it.
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

    def __init__(self, capacity: int, actions: int) -> None:
        """Set the memory aside."""
        self.size, self._next = 0, 0
        self._columns = (
            np.empty((capacity, len(FEATURES)), np.float32),  # s_tm1
            np.empty(capacity, np.int32),  # a_tm1
            np.empty(capacity, np.float32),  # r_t
            np.empty(capacity, np.float32),  # discount_t
            np.empty((capacity, len(FEATURES)), np.float32),  # s_t
            np.empty((capacity, actions), bool),  # allowed_t
        )

    def add(self, *columns: np.ndarray) -> None:
        """Keep transitions, in place of the oldest; each column (transitions, ...)."""
        capacity = len(self._columns[0])
        rows = np.arange(self._next, self._next + len(columns[0])) % capacity
        for kept, new in zip(self._columns, columns, strict=True):
            kept[rows] = new
        self._next = int(self._next + len(rows)) % capacity
        self.size = min(capacity, self.size + len(rows))

    def sample(self, steps: int, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Return uniformly drawn transitions, each column (steps, batch, ...)."""
        rows = rng.integers(self.size, size=(steps, batch))
        return tuple(column[rows] for column in self._columns)


def n_step_returns(rewards: np.ndarray, discount: float, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what a season's transitions bootstrap from.

        r_t = sum_(k < n) discount^k rewards[t + k],   discount_t = discount^n, or 0 where the season ends within n weeks

    Args:
        rewards: rewards of the weeks (weeks, B).
        discount: worth of a reward one week later.
        n: weeks that are summed.

    Returns:
        r_t (weeks, B), discount_t (weeks,), and the week whose state is s_t (weeks,), the last one at most.
    """
    weeks = len(rewards)
    padded = np.concatenate([rewards, np.zeros((n, *rewards.shape[1:]))])
    r_t = sum(discount**k * padded[k : k + weeks] for k in range(n))
    later = np.arange(weeks) + n
    return np.asarray(r_t), np.where(later < weeks, discount**n, 0.0), np.minimum(later, weeks - 1)


def train(products: Products, rules: Rules, plan: Plan, seed: int) -> Iterator[Record]:
    """Train an agent on the products that may move, and yield a record per evaluation; keep the one that is ``best``.

    Args:
        seed: root of initial weights, exploration, luck and replay; the evaluation has luck of its own.

    Raises:
        TrainingError: the loss is not finite.
    """
    from tasks.pricing.network import Learner, dueling, weights_of

    initial, playing, exploring, judging = (int(s) for s in np.random.SeedSequence(seed).generate_state(4) >> 1)
    rng = np.random.default_rng(exploring)
    moving = movable(products, rules)
    market = MarketEnv(moving, rules, plan.environments)
    market.reset(seed=playing)
    seasons = max(1, plan.environment_steps // (plan.environments * rules.decisions))
    updates = plan.gradient_steps * rules.decisions
    network = dueling(len(FEATURES), len(rules.ladder), plan.hidden, initial)
    learner = Learner(network, plan.learning_rate, seasons * updates, plan.target_averaging)
    replay = Replay(plan.replay, len(rules.ladder))
    judged_after = set(np.linspace(0, seasons, plan.evaluations + 1).astype(int)[1:].tolist())
    losses: list[tuple[float, float]] = []
    best = -np.inf
    for season in range(1, seasons + 1):
        exploration = max(plan.exploration, 1 - 4 * season / seasons)
        replay.add(*play_season(market, Greedy(weights_of(network)), exploration, plan.n_step, rng))
        losses.append(learner.learn(*replay.sample(updates, plan.batch, rng)))
        if not np.isfinite(losses[-1]).all():
            raise TrainingError(
                f"dqn: the loss must stay finite. Received: {losses[-1][0]} after season {season} of {seasons}. "
                "Lower `price.dqn.learning_rate` or `price.dqn.target_averaging`."
            )
        if season in judged_after:
            weights = weights_of(network)
            value = float(play(moving, rules, Greedy(weights), plan.evaluation_draws, judging).rewards.mean())
            loss, mean_q = np.mean(losses, axis=0)
            yield Record(season * plan.environments * rules.decisions, float(loss), float(mean_q), value, value > best, weights)
            best, losses = max(best, value), []


def movable(products: Products, rules: Rules) -> Products:
    """Return the products that may take another action than to hold, or all where none may: the others teach nothing."""
    moves = rules.allowed(products).sum(axis=1) > 1
    return products.take(np.flatnonzero(moves if moves.any() else ~moves))


def play_season(market: MarketEnv, policy: Greedy, exploration: float, n_step: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Play a season and return its transitions as ``Replay`` keeps them, each column (weeks * B, ...).

    Args:
        market: product environments.
        policy: what acts where nothing is explored.
        exploration: probability of a random action.
        n_step: weeks of rewards before bootstrapping.
        rng: source of the exploration.
    """
    anything, rules = Random(rng), market.rules
    state, told = market.reset()
    states, actions, rewards = [], [], []
    for _ in range(rules.decisions):
        explores = rng.random(market.num_envs) < exploration
        states.append(state)
        actions.append(np.where(explores, anything(market.view, rules), policy(market.view, rules)))
        state, reward, *_ = market.step(actions[-1])
        rewards.append(reward)
    s = np.stack(states)  # (T, B, F)
    r_t, discount_t, later = n_step_returns(np.stack(rewards), rules.discount, n_step)
    allowed_t = np.broadcast_to(told["allowed"], (*r_t.shape, len(rules.ladder)))
    columns = (s, np.stack(actions), r_t, np.broadcast_to(discount_t[:, None], r_t.shape), s[later], allowed_t)
    return tuple(column.reshape(r_t.size, *column.shape[2:]) for column in columns)
