"""The agent solves what can be solved by hand, twice the same, and stops where it goes astray."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.pricing import policies
from tasks.pricing.dqn import Plan, Record, Replay, n_step_returns, play_episodes
from tasks.pricing.environment import MarketEnv
from tasks.pricing.greedy import Greedy, WeightError
from tasks.pricing.market import FEATURES, Products, Rules, opening
from tasks.pricing.seasons import play
from tests.pricing.test_market import products

PLAN = Plan((32, 32), 128, 60_000, 20_000, 256, 2, 0.002, 0.01, 0.05, 3, 6, 20)


@pytest.fixture
def rules() -> Rules:
    return Rules(np.array([0.8, 0.9, 1.0, 1.1, 1.2]), 8, 0.98, 0.7, 0.0, "revenue", 0.35, 0.3)


def shop() -> Products:
    return replace(products(6, error=0.05), elasticity=np.array([-3.0, -2.5, -2.0, -0.5, -0.4, -0.3]))


def test_returns_of_n_weeks_worked_by_hand() -> None:
    r_t, discount_t, later = n_step_returns(np.array([[1.0], [2.0], [4.0], [8.0]]), discount=0.5, n=2)
    assert r_t[:, 0].tolist() == [2.0, 4.0, 8.0, 8.0]
    assert discount_t[:, 0].tolist() == [0.25, 0.25, 0.0, 0.0]
    assert later[:, 0].tolist() == [2, 3, 4, 4]


def test_an_episode_that_goes_on_bootstraps_from_its_last_state() -> None:
    _, discount_t, later = n_step_returns(np.ones((3, 1)), discount=0.5, n=2, goes_on=True)
    assert discount_t[:, 0].tolist() == [0.25, 0.25, 0.5]
    assert later[:, 0].tolist() == [2, 3, 3]


def test_returns_stop_before_an_explored_action() -> None:
    explored = np.array([[True], [False], [True], [False]])
    r_t, discount_t, later = n_step_returns(np.array([[1.0], [2.0], [4.0], [8.0]]), 0.5, 3, explored=explored)
    assert r_t[:, 0].tolist() == [2.0, 2.0, 8.0, 8.0]
    assert later[:, 0].tolist() == [2, 2, 4, 4]
    assert discount_t[:, 0].tolist() == [0.25, 0.5, 0.0, 0.0]


def test_the_replay_overwrites_the_oldest_and_samples_by_its_generator() -> None:
    replay = Replay(4, len(FEATURES), 2)

    def transitions(values: list[int]) -> tuple[np.ndarray, ...]:
        n = len(values)
        state = np.zeros((n, len(FEATURES)))
        return state, np.array(values), np.zeros(n), np.zeros(n), state, np.ones((n, 2), bool)

    replay.add(*transitions([1, 2, 3]))
    replay.add(*transitions([4, 5]))
    one, two = (replay.sample(1, 200, np.random.default_rng(0))[1] for _ in range(2))
    assert set(one.ravel()) == {2, 3, 4, 5}
    np.testing.assert_array_equal(one, two)


def test_a_season_is_remembered_week_by_week(rules: Rules) -> None:
    env = MarketEnv(shop(), rules, 10)
    env.reset(seed=1)
    weights = random_weights()
    states, actions, rewards, discounts, _, allowed = play_episodes(
        env, Greedy(weights), 0.0, 3, np.random.default_rng(0)
    )
    assert states.shape == (80, len(FEATURES))
    assert actions.shape == rewards.shape == discounts.shape == (80,)
    assert allowed.shape == (80, 5)
    assert (discounts == 0).sum() == 30, "the last three weeks of a season bootstrap from nothing"


def random_weights(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = {"hidden_0": (len(FEATURES), 4), "value": (4, 1), "advantage": (4, 5)}
    kernels = {f"{name}.kernel": rng.normal(size=shape) for name, shape in shapes.items()}
    return kernels | {f"{name}.bias": np.zeros(shape[1]) for name, shape in shapes.items()}


def test_m01_weights_that_are_not_finite_make_no_policy() -> None:
    weights = random_weights()
    weights["value.bias"][0] = np.nan
    with pytest.raises(WeightError, match=r"`value.bias` must be finite. Received: 1 that are not"):
        Greedy(weights)


def test_weights_of_another_state_make_no_policy() -> None:
    with pytest.raises(WeightError, match="must read the 9 features"):
        Greedy(random_weights() | {"hidden_0.kernel": np.zeros((3, 4))})


def trained(products: Products, rules: Rules, plan: Plan, seed: int) -> list[Record]:
    from tasks.pricing.dqn import train

    def judge(weights: dict[str, np.ndarray]) -> float:
        return float(play(products, rules, Greedy(weights), plan.evaluation_draws, 99).rewards.mean())

    return list(train(MarketEnv(products, rules, plan.environments), judge, plan, seed))


@pytest.mark.slow
def test_the_agent_finds_the_best_step_where_it_is_plain(rules: Rules) -> None:
    best = [record for record in trained(shop(), rules, PLAN, seed=1) if record.best][-1]
    own, myopic, hold = (
        play(shop(), rules, p, 100, 77).rewards.mean()
        for p in (Greedy(best.weights), policies.myopic, policies.hold)
    )
    assert own > 1.05 * hold
    assert own > 0.998 * myopic, (
        "without memory of prices and with known elasticities the myopic price is the optimum"
    )
    first = Greedy(best.weights)(opening(shop()), rules)
    assert first.tolist() == [0, 0, 0, 4, 4, 4]


@pytest.mark.slow
def test_the_same_seed_twice_gives_the_same_agent_and_another_one_does_not(rules: Rules) -> None:
    short = replace(PLAN, environment_steps=8_000, evaluations=2)
    one, two, other = ([record.loss for record in trained(shop(), rules, short, seed)] for seed in (5, 5, 6))
    assert one == two != other


@pytest.mark.slow
def test_m01_training_stops_at_a_loss_that_is_not_finite(rules: Rules) -> None:
    from tasks.pricing.dqn import TrainingError

    wild = replace(PLAN, learning_rate=1e30, environment_steps=20_000)
    with pytest.raises((TrainingError, WeightError)):
        trained(shop(), rules, wild, seed=1)


@pytest.mark.slow
def test_the_numpy_policy_is_the_network(rules: Rules) -> None:
    from tasks.pricing.network import dueling, weights_of

    network = dueling(len(FEATURES), 5, (16, 16), seed=3)
    network.get_layer("advantage").set_weights([np.random.default_rng(0).normal(size=(16, 5)), np.ones(5)])
    states = np.random.default_rng(1).normal(size=(40, len(FEATURES))).astype(np.float32)
    np.testing.assert_allclose(Greedy(weights_of(network)).q_values(states), network(states), atol=1e-5)
