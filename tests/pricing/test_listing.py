"""The index of a list stays in its band, and is spent where it earns most."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from tasks.pricing import policies
from tasks.pricing.demand import draw_demand
from tasks.pricing.listing import Index, ListPlan, listed
from tasks.pricing.market import step
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.state import View, opening
from tests.pricing.small_market import known_slopes, products, random_groups, shop_rules

RULES = shop_rules()
CLOSE = 1e-8  # of an index


def shop(count: int, seed: int, seasons: int = 1) -> Products:
    """Return single products of one shop that sell very different amounts."""
    units = np.exp(np.random.default_rng(seed).normal(3, 1, count))
    return replace(products(count), units=units).repeat(seasons)


def plan_for(view: View, worth: np.ndarray, rules: Rules = RULES) -> ListPlan:
    return listed(view, rules, lambda view, rules: worth)  # noqa: ARG005 - the same whatever is planned


def change(view: View, plan: ListPlan, rules: Rules = RULES) -> np.ndarray:
    """Return the revenue-weighted mean log step of every season, from scratch (seasons,)."""
    products, means = view.products, []
    for season in range(products.season.max() + 1):
        rows = products.season == season
        revenue = (products.price * view.ratio * products.units)[rows]
        means.append(revenue @ np.log(rules.ladder[plan.actions[rows]]) / revenue.sum())
    return np.array(means)


def worths(kind: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return worths of the five steps: of any shape, in one direction, concave, or the same for all."""
    logs = np.log(RULES.ladder)
    if kind == "random":
        return rng.normal(size=(count, 5))
    slope = rng.normal(1.0, 0.3, (count, 1))
    if kind == "up":
        return slope * logs
    if kind == "down":
        return -slope * logs
    if kind == "concave":
        return slope * logs - 8 * logs**2
    return np.tile({"tied_up": 1.0, "tied_down": -1.0, "flat": 0.0}[kind] * logs, (count, 1))


KINDS = ["random", "up", "down", "concave", "tied_up", "tied_down", "flat"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 3, 30])
def test_the_index_of_a_list_never_leaves_the_band_of_its_week_and_season(kind: str, count: int) -> None:
    rng = np.random.default_rng(count)
    for seed in range(8):
        view = opening(shop(count, seed, seasons=2))
        moved = np.repeat(rng.choice([-0.028, -0.001, 0.0, 0.025, 0.04], 2), count)
        view = replace(view, index=moved)
        plan = plan_for(view, worths(kind, 2 * count, rng))
        moves, before = change(view, plan), moved[[0, -1]]
        assert (moves >= np.log(0.99) - CLOSE).all(), "of a week, down"
        assert (moves <= np.log(1.01) + CLOSE).all(), "of a week, up"
        assert (before + moves <= np.maximum(np.log(1.03), before) + CLOSE).all(), "of a season, up"
        assert (before + moves >= np.minimum(np.log(0.97), before) - CLOSE).all(), "of a season, down"


def test_ten_weeks_of_dearer_prices_end_at_the_band_of_the_season() -> None:
    shop_ = replace(shop(30, 1), slopes=known_slopes([0.5] * 30, [0.5] * 30))
    view, draws = opening(shop_), draw_demand(shop_, 13, np.random.default_rng(0))
    revenue = shop_.price * shop_.units
    index = []
    for _ in range(10):
        view, _ = step(view, policies.myopic(view, RULES).actions, draws, RULES)
        index.append(revenue @ np.log(view.ratio) / revenue.sum())
    assert np.log(1.02) < max(index) <= np.log(1.03) + CLOSE
    np.testing.assert_allclose(view.index, index[-1], atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_a_list_inside_its_band_takes_every_best_step(seed: int) -> None:
    view, worth = opening(shop(12, seed)), np.random.default_rng(seed).normal(size=(12, 5))
    wide = replace(RULES, index_week=0.2, index_season=0.3)
    plan = plan_for(view, worth, wide)
    assert plan.actions.tolist() == worth.argmax(axis=1).tolist()
    assert (plan.side == 0).all()
    assert (plan.index_price == 0).all()


@pytest.mark.parametrize("seed", range(100))
def test_no_list_of_27_with_the_same_or_a_smaller_index_is_worth_more(seed: int) -> None:
    rules = replace(RULES, ladder=np.array([0.8, 1.0, 1.2]), step=0.2, index_week=0.1, index_season=0.2)
    rng = np.random.default_rng(seed)
    view = opening(replace(products(3), units=rng.uniform(15, 25, 3)))
    slope = np.sort(rng.normal(rng.choice([-2, 2]), 2.0, (3, 2)), axis=1)  # concave: less with every step
    worth = np.column_stack([slope[:, 1] * np.log(0.8), np.zeros(3), slope[:, 0] * np.log(1.2)])
    plan = plan_for(view, worth, rules)
    revenue = view.products.price * view.products.units
    rows = np.arange(3)

    def index(actions: np.ndarray) -> float:
        return float(revenue @ np.log(rules.ladder[actions]) / revenue.sum())

    def value(actions: np.ndarray) -> float:
        return float(revenue @ worth[rows, actions])

    side = plan.side[0]
    for actions in map(np.array, product(range(3), repeat=3)):
        nearer = side * index(actions) <= side * index(plan.actions) + 1e-12
        worse = value(actions) <= value(plan.actions) + 1e-6 * revenue.sum()
        assert worse or not nearer, f"{actions} is worth more than {plan.actions}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_no_list_is_worth_less_than_to_hold(kind: str, count: int) -> None:
    for seed in range(20):
        view, rng = opening(shop(count, seed)), np.random.default_rng(seed)
        worth = worths(kind, count, rng)
        plan, revenue = plan_for(view, worth), view.products.units
        gain = worth[np.arange(count), plan.actions] - worth[:, RULES.hold]
        assert revenue @ gain >= -1e-6 * revenue.sum(), f"seed {seed}: {plan.actions}"


@pytest.mark.parametrize(("kind", "bound"), [("tied_up", np.log(1.01)), ("tied_down", np.log(0.99))])
def test_products_of_the_same_worth_fill_the_band(kind: str, bound: float) -> None:
    view = opening(products(40))
    worth = worths(kind, 40, np.random.default_rng(0))
    moved = change(view, plan_for(view, worth))[0]
    largest = np.log(1.05) / 40  # what a further price would move
    assert abs(bound) - largest <= abs(moved) <= abs(bound) + CLOSE
    assert np.sign(moved) == np.sign(bound)
    concave = worth - 8 * np.log(RULES.ladder) ** 2
    assert abs(bound) - largest <= np.sign(bound) * change(view, plan_for(view, concave))[0]


def test_what_is_worth_the_same_keeps_its_price() -> None:
    plan = plan_for(opening(products(6)), np.zeros((6, 5)))
    assert plan.actions.tolist() == [RULES.hold] * 6


def test_seasons_are_bounded_each_for_itself() -> None:
    shop_ = shop(5, 2, seasons=2)
    worth = np.concatenate(
        [worths("up", 5, np.random.default_rng(0)), worths("flat", 5, np.random.default_rng(0))]
    )
    both = plan_for(opening(shop_), worth)
    alone = plan_for(opening(shop(5, 2)), worth[:5])
    assert both.actions[:5].tolist() == alone.actions.tolist()
    assert both.actions[5:].tolist() == [RULES.hold] * 5
    assert (both.index_price[5:] == 0).all()


def test_a_dear_index_is_spent_where_it_earns_most() -> None:
    worth = np.outer([3.0, 1.0, 2.0, 0.5, 2.5, 1.5, 0.1, 0.2, 0.3, 0.4], np.log(RULES.ladder))
    plan = plan_for(opening(products(10)), worth)
    raised = np.flatnonzero(plan.actions > RULES.hold)
    lowered = np.flatnonzero(plan.actions < RULES.hold)
    assert worth[raised, 4].min() > worth[np.setdiff1d(np.arange(10), raised), 4].max()
    assert not len(lowered) or worth[lowered, 4].max() < worth[raised, 4].min()
    assert plan.side[0] == 1
    assert plan.index_price[0] > 0


def test_a_list_is_planned_until_each_price_suits_the_others() -> None:
    shop_, rules = random_groups([4, 4, 4], seed=2), shop_rules(index_week=0.5, index_season=0.5)
    plan = policies.myopic(opening(shop_), rules)
    view = opening(shop_)
    again = view.plan(rules.ladder[plan.actions], np.zeros(12))
    assert policies.gains_now(again, rules).argmax(axis=1).tolist() == plan.actions.tolist()


def test_the_index_weighs_prices_of_last_week_by_revenue() -> None:
    shop_ = replace(products(2), units=np.array([10.0, 30.0]))
    view = opening(shop_, np.array([1.0, 0.5]))
    index = Index.of(view, RULES)
    assert index.weight == pytest.approx([20 / 50, 30 / 50])
    assert index.change(np.array([4, 0]))[0] == pytest.approx(0.4 * np.log(1.05) + 0.6 * np.log(0.95))
