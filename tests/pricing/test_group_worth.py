"""The difference that a product makes to its group: what each does for itself is best for all."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from tasks.pricing import policies
from tasks.pricing.demand import answer_of, draw_demand
from tasks.pricing.group_worth import GroupWorth
from tasks.pricing.listing import listed
from tasks.pricing.market import step
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.state import expected_gains, opening
from tests.pricing.small_market import group_of, linked, market_rules, random_groups

STEPS = np.array([0.9, 1.0, 1.1])
PROFIT = market_rules(ladder=STEPS, objective="profit")


def profit_of(group: Products, ratio: np.ndarray, rules: Rules = PROFIT) -> float:
    """Return what one group earns in a week, from scratch."""
    units = answer_of(group, np.zeros(len(group), int)).units(group, ratio)
    return float(units @ rules.margin(group, ratio))


def pairs() -> list[Products]:
    """Return groups of two whose best list holds no product, one, or both, and moves them apart."""
    return [
        group_of([30.0, 10.0], within=4.0, whole=0.4),
        group_of([20.0, 20.0], within=3.0, whole=2.5, unit_cost=np.array([1.4, 0.6])),
        group_of([5.0, 40.0], within=6.0, whole=2.0, unit_cost=np.array([1.0, 1.7])),
        group_of([20.0, 20.0], within=3.5, whole=1.9, unit_cost=np.array([0.95, 1.0])),
        group_of([10.0, 20.0], within=2.5, whole=3.5, unit_cost=np.array([0.8, 0.8])),
    ]


@pytest.mark.parametrize("pair", pairs())
def test_the_list_at_which_no_difference_gains_is_the_joint_optimum_of_nine(pair: Products) -> None:
    profits = {actions: profit_of(pair, STEPS[list(actions)]) for actions in product(range(3), repeat=2)}
    assert len(profits) == 9
    best = max(profits, key=lambda actions: profits[actions])
    stable = []
    for actions in profits:
        view = opening(pair)
        view = view.plan(STEPS[list(actions)], view.index_price)
        gains = expected_gains(view, PROFIT, view.prices(PROFIT))
        if (gains.argmax(axis=1) == actions).all():
            stable.append(actions)
    assert stable == [best]
    plan = policies.myopic(opening(pair), PROFIT)
    assert tuple(plan.actions) == best, "the list, iterated to its fixed point"


def test_pairs_tell_joint_profit_from_what_a_product_earns_itself() -> None:
    # alike at b = 6 and eta = 0.4: with the sibling's price given, a cut steals; together, dearer is better
    pair = group_of([20.0, 20.0], within=6.0, whole=0.4)
    answer = answer_of(pair, np.zeros(2, int))
    own = [
        answer.units(pair, np.array([s, 1.0]))[0] * PROFIT.margin(pair, np.array([s, 1.0]))[0] for s in STEPS
    ]
    assert int(np.argmax(own)) == 0
    assert policies.myopic(opening(pair), PROFIT).actions.tolist() == [2, 2]


@pytest.mark.parametrize("objective", ["profit", "revenue"])
def test_the_worth_of_a_price_is_the_profit_of_the_group_from_scratch(objective: str) -> None:
    rules = market_rules(objective=objective)
    shop = random_groups([1, 2, 4, 6], seed=5)
    rng = np.random.default_rng(6)
    planned = np.exp(rng.normal(0, 0.1, 13))
    other = np.exp(rng.normal(0, 0.15, (13, 4)))
    pull, pulls = rng.normal(0, 0.1, 13), rng.normal(0, 0.1, (13, 4))
    answer = answer_of(shop, np.full(13, 3))
    worth = GroupWorth(products=shop, rules=rules, answer=answer, ratio=planned, pull=pull).at(other, pulls)
    for row, place in product(range(13), range(4)):
        ratio, pulled = planned.copy(), pull.copy()
        ratio[row], pulled[row] = other[row, place], pulls[row, place]
        earned = answer.units(shop, ratio, pulled) * rules.margin(shop, ratio)
        group = earned[shop.episode == shop.episode[row]].sum()
        assert worth[row, place] == pytest.approx(group, rel=1e-9), f"product {row}, price {place}"


def test_the_reward_is_the_group_s_profit_less_that_with_the_product_at_its_price_in_force() -> None:
    group = group_of([30.0, 10.0, 20.0], within=3.0, whole=1.2)
    rules = replace(PROFIT, index_season=np.inf)
    actions = np.array([0, 2, 1])
    draws = draw_demand(group, 1, np.random.default_rng(0))
    ratio = STEPS[actions]
    _, week = step(opening(group).plan(ratio, np.zeros(3)), actions, draws, rules)
    for row in range(3):
        without = ratio.copy()
        without[row] = 1.0
        difference = profit_of(group, ratio) - profit_of(group, without)
        assert week.advantage[row] == pytest.approx(difference / (2.0 * group.units[row]), abs=1e-12)


def test_what_the_index_costs_is_taken_from_the_reward() -> None:
    group = group_of([30.0, 10.0])
    view, draws = opening(group), draw_demand(group, 1, np.random.default_rng(0))
    actions = np.array([2, 1])
    _, free = step(view, actions, draws, PROFIT)
    _, charged = step(view.plan(view.planned, np.full(2, 0.4)), actions, draws, PROFIT)
    assert free.advantage - charged.advantage == pytest.approx([0.4 * np.log(1.1), 0.0])


def test_products_that_move_together_do_not_overshoot() -> None:
    # alone beside siblings that hold, each of ten would rise; the list is where each suits the others
    group = group_of([10.0] * 10, within=3.0, whole=1.6)
    plan = listed(opening(group), PROFIT, policies.gains_now)
    two_prices = [np.r_[np.full(n, a), np.full(10 - n, b)] for n in range(11) for a in STEPS for b in STEPS]
    best = max(profit_of(group, ratio) for ratio in two_prices)
    assert profit_of(group, STEPS[plan.actions]) == pytest.approx(best, rel=1e-3)


def test_the_difference_of_a_product_counts_what_its_group_takes_from_the_linked_one() -> None:
    shop = linked(random_groups([3, 2, 4], seed=5, draws=1), [(0, 1), (1, 0), (2, 1)], seed=5)
    rules, step_up = market_rules(objective="profit"), 1e-5
    hidden = answer_of(shop, np.zeros(len(shop), int))
    planned = np.exp(np.random.default_rng(0).normal(0, 0.05, len(shop)))
    whole = GroupWorth(products=shop, rules=rules, answer=hidden, ratio=planned)
    moved = np.column_stack([planned, planned * (1 + step_up)])
    differences = np.diff(whole.at(moved), axis=1)[:, 0]
    for row in range(len(shop)):
        prices = planned.copy()
        prices[row] *= 1 + step_up
        before, after = (
            float(hidden.units(shop, ratio) @ rules.margin(shop, ratio)) for ratio in (planned, prices)
        )
        assert differences[row] == pytest.approx(after - before, rel=1e-3), f"product {row} of the whole shop"
