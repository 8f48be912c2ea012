"""What is known of a step before anything is learned, and what the agent is paid for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.bench.cases.group_markets import GroupMarket, Traits, group_market
from tasks.pricing.demand import draw_demand
from tasks.pricing.listing import Index
from tasks.pricing.market import step
from tasks.pricing.state import REWARD_SCALE, expected_worths, observe, opening


@pytest.fixture
def market() -> GroupMarket:
    return group_market((2, 3), Traits(memory=True), seed=4)


def test_the_reward_of_a_step_does_not_depend_on_what_the_others_explore(market: GroupMarket) -> None:
    view = opening(market.products)
    planned = view.plan(np.array([0.95, 1.0, 1.05, 0.975, 1.0]), np.full(5, 0.3))
    draws = draw_demand(market.products, 13, np.random.default_rng(0))
    _, one_week = step(planned, np.array([3, 0, 0, 0, 0]), draws, market.rules)
    _, other_week = step(planned, np.array([3, 4, 4, 4, 4]), draws, market.rules)
    assert one_week.advantage[0] == other_week.advantage[0]
    worths = expected_worths(planned, market.rules, planned.prices(market.rules))
    assert one_week.advantage[0] == pytest.approx(worths[0, 3], rel=1e-12)


def test_in_the_last_week_all_is_known_of_a_step(market: GroupMarket) -> None:
    view = replace(opening(market.products), week=12)
    known = observe(view, market.rules)[:, :5]
    rewards = REWARD_SCALE * expected_worths(view, market.rules, view.prices(market.rules))
    np.testing.assert_allclose(known, rewards / market.rules.later[12], rtol=1e-5, atol=1e-7)


def test_what_a_step_gains_counts_once_and_the_kept_price_in_all_weeks(market: GroupMarket) -> None:
    view = opening(market.products, np.array([1.05, 1.0, 0.95, 1.0, 1.1]))
    worths = expected_worths(view, market.rules, view.prices(market.rules))
    later, hold = market.rules.later[0], market.rules.hold
    by_hand = worths[:, [hold]] * later + worths - worths[:, [hold]]
    known = observe(view, market.rules)[:, :5]
    np.testing.assert_allclose(known, REWARD_SCALE * by_hand / later, rtol=1e-5, atol=1e-7)


def index_of(weights: list[float]) -> Index:
    """Return the index of a week with steps of 5 % and a band of 1 %."""
    logs = np.log([0.95, 1.0, 1.05])
    products = len(weights)
    return Index(
        season=np.zeros(products, int),
        logs=np.tile(logs, (products, 1)),
        weight=np.array(weights),
        low=np.full(products, -np.log(1.01)),
        high=np.full(products, np.log(1.01)),
    )


def test_products_that_gain_the_same_share_what_is_left_of_the_index() -> None:
    index = index_of([0.1] * 10)
    worth = 100 * index.logs  # all want to rise, and gain the same by it
    actions, _ = index.best(worth, np.ones(10))
    assert sorted(actions) == [1] * 8 + [2] * 2, (
        "two of ten fit: 2 x 0.1 x ln 1.05 < ln 1.01 < 3 x 0.1 x ln 1.05"
    )


def test_what_is_cut_makes_room_for_what_is_raised() -> None:
    index = index_of([0.1] * 10)
    worth = np.where(np.arange(10)[:, None] < 4, -100, 100) * index.logs  # four want to fall, six to rise
    actions, _ = index.best(worth, np.ones(10))
    assert (actions[:4] == 0).all(), "the products that want to fall do"
    assert (actions[4:] == 2).all(), "6 x 0.1 x ln 1.05 - 4 x 0.1 x ln (1 / 0.95) < ln 1.01"


def test_where_a_step_is_too_large_for_the_band_a_list_is_worth_more_than_the_small_steps_that_fit() -> None:
    index = index_of([0.5, 0.4, 0.1])
    worth = np.array([[-9.0, 0, 9.0], [-5.0, 0, 5.0], [-1.0, 0, 1.0]]) * 0.05
    actions, _ = index.best(worth, np.ones(3))
    assert abs(index.change(actions)[0]) <= np.log(1.01)
    earned = index.weight @ worth[np.arange(3), actions]
    assert earned >= 0.1 * 0.05, "the third product alone fits: 0.1 x ln 1.05 < ln 1.01"
