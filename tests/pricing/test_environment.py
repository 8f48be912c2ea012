"""The market as an environment: seasons of whole groups, states that say what the siblings do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.pricing.environment import FREE_SHARE, MarketEnv
from tasks.pricing.episodes import play_episodes
from tasks.pricing.greedy import Greedy
from tasks.pricing.rules import Rules
from tasks.pricing.state import FEATURES, features_of, observe, opening
from tests.pricing.small_market import (
    group_of,
    market_rules,
    products,
    random_groups,
    random_weights,
    shop_rules,
)


@pytest.fixture
def rules() -> Rules:
    return market_rules()


def test_the_environment_is_gymnasium_s_and_ends_seasons_by_truncation(rules: Rules) -> None:
    env = MarketEnv(products(), rules, 16)
    state, info = env.reset(seed=4)
    assert env.observation_space.contains(state)
    assert info["allowed"].shape == (16, 5)
    rng = np.random.default_rng(0)
    for week in range(rules.decisions):
        state, _, ended, cut, info = env.step((info["allowed"] * rng.random((16, 5))).argmax(axis=1))
        assert env.observation_space.contains(state)
        assert not ended.any()
        assert cut.all() == (week == rules.decisions - 1)
    np.testing.assert_allclose(info["reward"], info["price"] * info["units"])
    again = MarketEnv(products(), rules, 16)
    np.testing.assert_array_equal(again.reset(seed=4)[0], env.reset(seed=4)[0])


def test_every_season_is_a_whole_group_and_none_comes_twice_before_all_came(rules: Rules) -> None:
    sizes = [1, 2, 3, 5]
    env = MarketEnv(random_groups(sizes, seed=1), rules, 22)
    for seed in range(10):
        env.reset(seed=seed)
        drawn = env.view.products
        assert len(drawn) == 22, "two rounds of eleven products"
        groups = []
        for season in range(drawn.season.max() + 1):
            rows = drawn.season == season
            group = drawn.group[rows]
            assert set(group) == {group[0]}, "a season is one group"
            assert rows.sum() == sizes[group[0]], "with all its members"
            assert len(set(drawn.price[rows])) == rows.sum(), "each of them once"
            groups.append(int(group[0]))
        assert sorted(groups[:4]) == sorted(groups[4:]) == [0, 1, 2, 3]


def test_the_last_group_is_cut_to_what_fits(rules: Rules) -> None:
    env = MarketEnv(random_groups([6, 6], seed=1), rules, 8)
    env.reset(seed=0)
    assert np.bincount(env.view.products.season).tolist() == [6, 2]
    assert env.view.products.share[6:].sum() == pytest.approx(1.0)


def test_a_planned_move_of_a_sibling_changes_the_siblings_and_the_gains_and_nothing_else(
    rules: Rules,
) -> None:
    shop = group_of([30.0, 10.0, 20.0])
    view = opening(shop)
    planned = np.array([1.0, 0.9, 1.0])
    before, after = observe(view, rules), observe(view.plan(planned, view.index_price), rules)
    names = np.array(features_of(rules))
    changed = set(names[before[0] != after[0]])
    gains = {name for name in names if name.startswith(("gain_", "worth_at_"))} - {"worth_at_1"}
    assert changed == gains | {"siblings"}
    place = list(names).index("siblings")
    assert after[0, place] == pytest.approx(5 * np.log(0.9) * 10 / 30), "10 of the others' 30 units, times 5"
    own = observe(view.plan(np.array([0.9, 1.0, 1.0]), view.index_price), rules)
    np.testing.assert_array_equal(own[0, place], before[0, place], "its own plan is no sibling")


def test_the_state_of_a_single_product_has_no_siblings(rules: Rules) -> None:
    shop = products(2)
    view = opening(shop).plan(np.array([0.8, 1.2]), np.zeros(2))
    assert observe(view, rules)[:, len(rules.ladder) + FEATURES.index("siblings")].tolist() == [0.0, 0.0]


def test_replanning_shows_what_the_siblings_will_do_before_anything_is_sold(rules: Rules) -> None:
    env = MarketEnv(group_of([30.0, 10.0]), rules, 2)
    state, _ = env.reset(seed=2)
    replanned = env.replanned(np.array([0, 4]))
    place = len(rules.ladder) + FEATURES.index("siblings")
    assert (replanned[:, place] != state[:, place]).all()
    assert env.view.week == 0
    np.testing.assert_allclose(env.view.planned, env.view.ratio * rules.ladder[[0, 4]])


def test_seasons_open_inside_the_bounds_at_other_prices_and_prices_of_the_index() -> None:
    rules = shop_rules()
    shop = replace(products(4), lowest=np.full(4, 1.9), highest=np.full(4, 2.2), unit_cost=np.full(4, 1.5))
    shop = replace(shop, identified=np.array([True, True, True, False]))
    env = MarketEnv(shop, rules, 4000)
    env.reset(seed=1)
    price = env.view.ratio * 2.0
    assert (price >= 1.9 - 1e-9).all()
    assert (price <= 2.2 + 1e-9).all()
    held = env.view.products.identified == 0
    assert (price[held] == 2.0).all()
    assert (price[~held] != 2.0).mean() == pytest.approx(0.5, abs=0.05)
    assert (env.view.index_price == 0).mean() == pytest.approx(FREE_SHARE, abs=0.05)
    free = MarketEnv(shop, shop_rules(index_week=np.inf, index_season=np.inf), 100)
    free.reset(seed=1)
    assert (free.view.index_price == 0).all(), "an index without bounds costs nothing"


def test_a_season_is_remembered_week_by_week(rules: Rules) -> None:
    env = MarketEnv(products(6), rules, 10)
    env.reset(seed=1)
    played = play_episodes(env, Greedy(random_weights()), 0.0, 3, np.random.default_rng(0))
    assert played.observation.shape == played.next_observation.shape == (80, len(features_of(rules)))
    assert played.action.shape == played.reward.shape == played.discount.shape == (80,)
    assert played.next_allowed.shape == (80, 5)
    assert (played.discount == 0).sum() == 30, "the last three weeks of a season bootstrap from nothing"


def test_a_worth_is_remembered_per_week_that_is_left(rules: Rules) -> None:
    # one week of rewards: Q is in weeks of usual revenue over the worth of all weeks that are left
    env = MarketEnv(products(3, error=0.0, dispersion=0.0), rules, 3)
    env.reset(seed=1)
    played = play_episodes(env, Greedy(random_weights()), 0.0, 1, np.random.default_rng(0))
    later = rules.later
    assert later[0] == pytest.approx(sum(0.98**t for t in range(8)))
    discount = played.discount.reshape(8, 3)
    np.testing.assert_allclose(discount[:-1], np.tile(0.98 * later[1:-1] / later[:-2], (3, 1)).T)


def test_the_environment_refuses_an_action_that_is_not_allowed(rules: Rules) -> None:
    env = MarketEnv(replace(products(1), unit_cost=np.array([1.95])), rules, 1)
    env.reset(seed=0)
    while env.view.ratio[0] != 1.0:
        env.reset()
    with pytest.raises(ValueError, match="an action must be allowed to its product"):
        env.step(np.array([0]))
