"""The baselines decide as a person with their rule would."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from tasks.pricing import policies
from tasks.pricing.demand import answer_of
from tasks.pricing.rules import Rules
from tasks.pricing.seasons import play
from tasks.pricing.state import opening
from tests.pricing.small_market import group_of, market_rules, products, shop_rules


@pytest.fixture
def rules() -> Rules:
    return market_rules()


def test_the_myopic_price_of_a_single_product_is_the_best_of_the_ladder_by_hand(rules: Rules) -> None:
    elasticities = [-3.0, -1.0, -0.2]
    chosen = policies.myopic(opening(products(3, error=1e-6, elasticity=elasticities)), rules).actions
    for row, elasticity in enumerate(elasticities):
        revenue = [ratio * np.exp(elasticity * (ratio - 1)) for ratio in rules.ladder]
        assert chosen[row] == int(np.argmax(revenue))
    assert chosen.tolist() == [0, 2, 4]


def test_the_myopic_list_counts_what_buyers_remember(rules: Rules) -> None:
    shop = products(1, error=1e-6, elasticity=[-0.9])
    remembering = replace(rules, reference_effect=2.0)
    view = opening(shop)
    assert policies.myopic(view, rules).actions.tolist() == [3]
    assert policies.myopic(view, remembering).actions.tolist() == [0], "the answer of a week is then -2.9"


def test_cost_plus_takes_the_step_nearest_to_its_markup(rules: Rules) -> None:
    shop = replace(products(2), unit_cost=np.array([1.4, np.nan]))
    target = [1.35 * 1.4 / 2.0, 1.35 * 0.7 * 2.5 / 2.0]
    nearest = [int(np.argmin(np.abs(np.log(rules.ladder / w)))) for w in target]
    assert policies.cost_plus(opening(shop), rules).actions.tolist() == nearest


def test_random_takes_every_step(rules: Rules) -> None:
    many = products().repeat(125)
    assert set(policies.Random(np.random.default_rng(0))(opening(many), rules).actions) == set(range(5))


def test_to_hold_moves_nothing(rules: Rules) -> None:
    assert (play(products(), rules, policies.hold, 3, 1).prices == 2.0).all()


def test_a_fixed_list_is_approached_as_fast_as_the_rules_allow_and_kept() -> None:
    target = np.array([1.1, 0.9, 1.0, 1.2])
    rules = shop_rules(index_week=0.5, index_season=0.9)
    played = play(products(), rules, policies.Fixed(target), 2, 1)
    assert (played.prices[0, :, 0] / 2.0).tolist() == pytest.approx([1.05, 0.95, 1.0, 1.05])
    assert played.prices[0, :, -1] / 2.0 == pytest.approx(target, rel=0.013)
    assert (played.prices[..., -1] == played.prices[..., -2]).all()
    np.testing.assert_array_equal(played.prices[0], played.prices[1], "in every season")


@pytest.mark.parametrize(
    "effects", [{}, {"rival_cross": 0.8, "rival_reaction": 0.7}], ids=["alone", "rivals"]
)
def test_the_best_fixed_price_counts_what_is_remembered_as_long_as_it_is(effects: dict[str, float]) -> None:
    # of a price that is kept, buyers remember the one before for about three weeks of eight
    rules = market_rules(reference_effect=1.0, **effects)
    shop = products(5, error=1e-6, dispersion=0.0, elasticity=[-3.0, -1.4, -0.9, -0.5, -0.2])
    shop = replace(shop, lowest=np.full(5, 1.6), highest=np.full(5, 2.4), units=np.full(5, 2000.0))

    def earned(target: np.ndarray) -> np.ndarray:
        return play(shop, rules, policies.Fixed(target), 30, 1).rewards.mean(axis=(0, 2))

    targets = [np.full(5, step) for step in (0.8, 0.9, 1.0, 1.1, 1.2)]
    best = np.max([earned(target) for target in targets], axis=0)
    chosen = earned(policies.best_fixed(shop, rules).target)
    np.testing.assert_array_less(0.995 * best, chosen)


def test_the_best_fixed_list_of_a_group_is_the_best_of_all_lists_that_are_kept(rules: Rules) -> None:
    # two products, steps of 10 %, bounds of one step: nine lists are within reach
    pair = group_of([30.0, 10.0], within=3.0, whole=2.4, unit_cost=np.array([1.3, 0.8]))
    reach = np.array([0.9, 1.0, 1.1])
    bounded = replace(pair, lowest=np.full(2, 1.8), highest=np.full(2, 2.2))
    profit = replace(rules, objective="profit", ladder=reach)

    def earned(ratio: np.ndarray) -> float:
        return float(answer_of(pair, np.zeros(2, int)).units(pair, ratio) @ profit.margin(pair, ratio))

    best = max(product(reach, repeat=2), key=lambda ratio: earned(np.array(ratio)))
    assert policies.best_fixed(bounded, profit).target == pytest.approx(best)
    assert best[0] != best[1]
