"""Demand of substitute groups is that of the formulas on paper, and of the response that was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.pricing.demand import Answer, answer_of, own_elasticities, pull
from tasks.pricing.products import Products
from tasks.pricing.slopes import CURVES
from tasks.response.group_demand import GroupDemand
from tests.pricing.small_market import group_of, known_slopes, linked, market_rules, products, random_groups

SMALL = 1e-5  # relative step of a numerical derivative


def logit_units(price: np.ndarray, b: float, eta: float) -> np.ndarray:
    """Return the units of two logit products in log prices that sell 30 and 10 at a price of 1.

    A group of worth V = 3/4 p1^-b + 1/4 p2^-b sells 40 V^(eta / b); a product's share is its part of V.
    """
    parts = np.array([0.75, 0.25]) * price**-b
    return np.asarray(40 * parts.sum() ** (eta / b) * parts / parts.sum())


def answer(shop: Products, draw: int = 0) -> Answer:
    return answer_of(shop, np.full(len(shop), draw))


def derivative(shop: Products, of: int, by: int) -> float:
    """Return the elasticity of a product's units in a price, differentiated numerically."""
    ends = []
    for factor in (1 + SMALL, 1 - SMALL):
        ratio = np.ones(len(shop))
        ratio[by] *= factor
        ends.append(np.log(answer(shop).units(shop, ratio)[of]))
    return float((ends[0] - ends[1]) / np.log((1 + SMALL) / (1 - SMALL)))


def test_two_logit_products_answer_as_on_paper() -> None:
    # shares 3/4 and 1/4, b = 3, eta = 1: own -(3 x 1/4 + 1 x 3/4) = -1.5 and -(3 x 3/4 + 1 x 1/4) = -2.5,
    # cross (3 - 1) x 1/4 = 0.5 of the first in the price of the second, and 2 x 3/4 = 1.5 the other way
    pair = group_of([30.0, 10.0], within=3.0, whole=1.0)
    elasticities = [[derivative(pair, of, by) for by in (0, 1)] for of in (0, 1)]
    np.testing.assert_allclose(elasticities, [[-1.5, 0.5], [1.5, -2.5]], atol=1e-6)
    np.testing.assert_allclose(own_elasticities(pair), [[-1.5, -2.5]] * 2)
    for price in ([0.8, 1.0], [1.0, 1.2], [0.9, 1.3], [1.1, 1.1]):
        np.testing.assert_allclose(
            answer(pair).units(pair, np.array(price)), logit_units(np.array(price), 3, 1)
        )


def test_a_common_change_moves_a_group_by_its_own_slope_alone() -> None:
    pair = group_of([30.0, 10.0], within=3.0, whole=0.7)
    np.testing.assert_allclose(answer(pair).units(pair, np.full(2, 1.1)), np.array([30, 10]) * 1.1**-0.7)


def test_a_single_product_answers_by_the_slope_of_the_whole_group() -> None:
    shop = replace(products(1), slopes=known_slopes([9.0], [2.0], curve=1.0))
    assert answer(shop).units(shop, np.array([1.2]))[0] == pytest.approx(20 * np.exp(-2 * 0.2))


def test_what_buyers_remember_and_rivals_answered_moves_log_units() -> None:
    rules = market_rules(reference_effect=0.5, rival_cross=0.8, rival_reaction=0.6)
    pulled = pull(np.array([1.2]), np.array([0.9]), np.array([0.8]), rules)
    shop = replace(products(1), slopes=known_slopes([2.0], [2.0], curve=1.0))
    units = answer(shop).units(shop, np.array([1.2]), pulled)
    expected = np.exp(-2 * 0.2 + 0.5 * np.log(0.9 / 1.2) + 0.8 * 0.6 * np.log(0.8))
    assert units[0] == pytest.approx(20 * expected)


@pytest.mark.parametrize("seed", range(5))
def test_the_market_sells_what_the_measured_response_says_in_every_draw(seed: int) -> None:
    sizes = [1, 2, 3, 7, 1, 12]
    shop = linked(random_groups(sizes, seed, draws=30), [(1, 3), (3, 1), (5, 0)], seed)
    assert set(shop.slopes.curve) == set(CURVES), "every curve is met"
    rng = np.random.default_rng(seed)
    ratio = np.exp(rng.normal(0, 0.15, len(shop)))
    measured = GroupDemand(
        group=shop.group,
        reference=shop.price / shop.anchor,
        base_price=shop.price,
        base_units=shop.units,
        within=shop.slopes.within,
        whole=shop.slopes.whole,
        curve=shop.slopes.curve,
        by_revenue=shop.slopes.by_revenue,
        link=shop.slopes.link,
        cross=shop.slopes.cross,
    ).units_of_list(shop.price * ratio)
    market = np.stack([answer(shop, draw).units(shop, ratio) for draw in range(30)])
    np.testing.assert_allclose(market, measured, rtol=1e-9)


def test_a_dearer_group_sells_for_its_linked_group_what_the_cross_elasticity_says() -> None:
    shop = random_groups([1, 1, 1], seed=1)
    slopes = replace(shop.slopes, link=np.array([[0], [2]]), cross=np.full((len(shop.slopes), 1), 0.5))
    shop = replace(shop, slopes=slopes, anchor=np.ones(3))
    change = np.log(answer(shop).units(shop, np.array([1.0, 1.0, 1.1])) / shop.units)
    x = (1.1 ** shop.slopes.curve[0] - 1) / shop.slopes.curve[0] if shop.slopes.curve[0] else np.log(1.1)
    assert change[0] == pytest.approx(0.5 * x), "a group of one has its curved price as its index"
    assert change[1] == 0, "it is not linked"
    assert change[2] < 0, "its own price"


def test_seasons_of_one_group_do_not_mix() -> None:
    shop = linked(random_groups([2, 3], seed=3), [(0, 1), (1, 0)], seed=3)
    ratio = np.exp(np.random.default_rng(0).normal(0, 0.1, (4, 5)))
    together = answer(shop.repeat(4)).units(shop.repeat(4), ratio.ravel())
    np.testing.assert_allclose(together.reshape(4, 5), [answer(shop).units(shop, row) for row in ratio])


def test_a_group_whose_rows_are_scattered_is_the_same_group() -> None:
    shop = random_groups([2, 3, 4], seed=4)
    ratio = np.exp(np.random.default_rng(1).normal(0, 0.1, 9))
    order = np.random.default_rng(2).permutation(9)
    shuffled = shop.take(order)
    np.testing.assert_allclose(
        answer(shuffled).units(shuffled, ratio[order]), answer(shop).units(shop, ratio)[order]
    )
