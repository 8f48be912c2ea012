"""The agent solves what can be solved by hand, twice the same, and stops where it goes astray."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.pricing import policies
from tasks.pricing.dqn import Plan, Record
from tasks.pricing.environment import MarketEnv
from tasks.pricing.episodes import n_step_returns
from tasks.pricing.greedy import Greedy, WeightError
from tasks.pricing.products import Products
from tasks.pricing.replay import Replay, Transitions
from tasks.pricing.rules import Rules
from tasks.pricing.seasons import play
from tasks.pricing.state import FEATURES, features_of, opening
from tests.pricing.small_market import (
    gainful_weights,
    market_rules,
    products,
    random_groups,
    random_weights,
    shop_rules,
)

PLAN = Plan(
    hidden=(32, 32),
    environments=128,
    environment_steps=60_000,
    replay=20_000,
    batch=256,
    gradient_steps=2,
    learning_rate=0.002,
    target_averaging=0.01,
    exploration=0.05,
    n_step=3,
    evaluations=6,
    evaluation_draws=20,
)


@pytest.fixture
def rules() -> Rules:
    return market_rules()


def shop() -> Products:
    """Return products whose best price lies in one direction, one step from the price in force."""
    bounds = {"lowest": np.full(6, 1.6), "highest": np.full(6, 2.4)}
    plain = products(6, error=0.05, elasticity=[-3.0, -2.5, -2.0, -0.5, -0.4, -0.3])
    return replace(plain, **bounds)


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

    def transitions(actions: list[int]) -> Transitions:
        n = len(actions)
        return Transitions(
            observation=np.zeros((n, len(FEATURES))),
            action=np.array(actions),
            reward=np.zeros(n),
            discount=np.zeros(n),
            next_observation=np.zeros((n, len(FEATURES))),
            next_allowed=np.ones((n, 2), bool),
        )

    replay.add(transitions([1, 2, 3]))
    replay.add(transitions([4, 5]))
    first, second = (replay.sample(1, 200, np.random.default_rng(0)).action for _ in range(2))
    assert set(first.ravel()) == {2, 3, 4, 5}
    np.testing.assert_array_equal(first, second)


def test_weights_that_are_not_finite_make_no_policy() -> None:
    weights = random_weights()
    weights["value.bias"][0] = np.nan
    with pytest.raises(WeightError, match=r"`value.bias` must be finite. Received: 1 that are not"):
        Greedy(weights)


def test_weights_of_another_state_make_no_policy() -> None:
    with pytest.raises(WeightError, match="must read 5 gains and the 17 features"):
        Greedy(random_weights() | {"hidden_0.kernel": np.zeros((3, 4))})


def trained(products: Products, rules: Rules, plan: Plan, seed: int) -> list[Record]:
    from tasks.pricing.dqn import train

    def value(weights: dict[str, np.ndarray]) -> float:
        return float(play(products, rules, Greedy(weights), plan.evaluation_draws, 99).rewards.mean())

    return list(train(MarketEnv(products, rules, plan.environments), value, plan, seed))


@pytest.mark.slow
def test_the_agent_finds_the_best_step_where_it_is_plain(rules: Rules) -> None:
    best = [record for record in trained(shop(), rules, PLAN, seed=1) if record.best][-1]
    learned, myopic, hold = (
        play(shop(), rules, p, 100, 77).rewards.mean()
        for p in (Greedy(best.weights), policies.myopic, policies.hold)
    )
    assert learned > 1.05 * hold
    assert learned > 0.998 * myopic, (
        "without memory of prices and with known elasticities the myopic price is the optimum"
    )
    first = Greedy(best.weights)(opening(shop()), rules).actions
    assert first.tolist() == [0, 0, 0, 4, 4, 4]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_the_agent_of_groups_reaches_the_joint_myopic_gain_where_nothing_is_remembered(seed: int) -> None:
    groups = random_groups([1, 2, 3, 6, 12], seed=seed, dispersion=np.zeros(24))
    rules = shop_rules()
    records = trained(groups, rules, PLAN, seed)
    assert records[0].step == 0, "the first is the network that knows the gains of this week alone"
    best = [record for record in records if record.best][-1]
    learned, myopic, hold = (
        play(groups, rules, policy, 60, 77).rewards.mean()
        for policy in (Greedy(best.weights), policies.myopic, policies.hold)
    )
    assert myopic > 1.01 * hold
    assert learned - hold >= 0.97 * (myopic - hold)


@pytest.mark.slow
def test_the_same_seed_twice_gives_the_same_agent_and_another_one_does_not(rules: Rules) -> None:
    short = replace(PLAN, environment_steps=8_000, evaluations=2)
    first, second, other = (
        [record.loss for record in trained(shop(), rules, short, seed)] for seed in (5, 5, 6)
    )
    assert first == second != other


@pytest.mark.slow
def test_training_stops_at_a_loss_that_is_not_finite(rules: Rules) -> None:
    from tasks.pricing.dqn import TrainingError

    wild = replace(PLAN, learning_rate=1e30, environment_steps=20_000)
    with pytest.raises((TrainingError, WeightError), match=r"must (stay|be) finite"):
        trained(shop(), rules, wild, seed=1)


def test_a_network_that_knows_the_gains_of_this_week_alone_takes_the_myopic_list() -> None:
    groups, rules = random_groups([1, 2, 3, 6], seed=4), shop_rules(reference_effect=0.2)
    view = opening(groups, np.exp(np.random.default_rng(0).normal(0, 0.05, 12)))
    learned, myopic = Greedy(gainful_weights())(view, rules), policies.myopic(view, rules)
    np.testing.assert_array_equal(learned.actions, myopic.actions)
    kept = [plan.worth[:, [rules.hold]] for plan in (learned, myopic)]
    np.testing.assert_allclose(learned.worth - kept[0], myopic.worth - kept[1], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("prior", [False, True])
def test_the_numpy_policy_is_the_network(prior: bool) -> None:
    from tasks.pricing.network import dueling, weights_of

    features = len(features_of(market_rules()))
    network = dueling(features, 5, (16, 16), seed=3, prior=prior)
    states = np.random.default_rng(1).normal(size=(40, features)).astype(np.float32)
    known = states[:, :5] if prior else np.zeros((40, 5))
    np.testing.assert_allclose(network(states), known, atol=1e-6, err_msg="it begins with what is known")
    network.get_layer("advantage").set_weights([np.random.default_rng(0).normal(size=(16, 5)), np.ones(5)])
    np.testing.assert_allclose(Greedy(weights_of(network)).q_values(states), network(states), atol=1e-5)
