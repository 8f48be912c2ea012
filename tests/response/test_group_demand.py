"""Demand of a whole list: elasticities from a formula on paper, and what must hold at all prices."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.response.curves import CURVES
from tasks.response.group_demand import GroupDemand


def two_products(k: float = 0.0) -> GroupDemand:
    """Return two logit products of 60 and 40 units beside an outside good of 100.

    With coefficient 2 of the (log) price the logit says on paper: own elasticity -2 (1 - 60/200) = -1.4,
    cross elasticity 2 x 40/200 = 0.4; the pair as a whole loses to the outside good by 2 x 100/200 = 1.
    """
    base = np.ones(2)
    return GroupDemand(
        group=np.zeros(2, int),
        reference=base,
        base_price=base,
        base_units=np.array([60.0, 40.0]),
        within=np.array([[2.0]]),
        whole=np.array([[1.0]]),
        curve=np.array([k]),
    )


def elasticities(demand: GroupDemand, moved: int) -> np.ndarray:
    step = 1e-6
    prices = demand.base_price.copy()
    prices[moved] *= np.exp(step)
    return np.log(demand.units_of_list(prices)[0] / demand.base_units) / step


@pytest.mark.parametrize("k", CURVES)
def test_own_and_cross_elasticities_of_two_logit_products_are_those_on_paper(k: float) -> None:
    demand = two_products(k)
    assert elasticities(demand, 0) == pytest.approx([-1.4, 0.6], abs=1e-4), (
        "own of the first, cross of the second"
    )
    assert elasticities(demand, 1) == pytest.approx([0.4, -1.6], abs=1e-4), (
        "cross of the first, own of the second"
    )


def shop(rng: np.random.Generator, draws: int = 7) -> GroupDemand:
    return GroupDemand(
        group=np.array([0, 2, 0, 1, 2, 0]),
        reference=rng.uniform(1, 3, 6),
        base_price=rng.uniform(1, 3, 6),
        base_units=rng.uniform(1, 90, 6),
        within=rng.uniform(1, 4, (draws, 3)),
        whole=rng.uniform(0, 2, (draws, 3)),
        curve=rng.choice(CURVES, draws),
    )


def test_a_group_whose_prices_all_change_alike_answers_by_its_own_slope() -> None:
    demand = two_products()
    assert demand.units_of_list(np.full(2, 0.8))[0] == pytest.approx([75.0, 50.0]), (
        "0.8^-1 = 1.25 times as much"
    )


def test_a_product_alone_answers_by_the_group_slope_whatever_its_within_slope_is() -> None:
    demand = shop(np.random.default_rng(1))
    prices = demand.base_price.copy()
    prices[3] *= 1.3
    before = demand.base_units[3]
    k = demand.curve[:, None]
    ratio = np.array([prices[3], demand.base_price[3]]) / demand.reference[3]
    curved = np.where(k == 0, np.log(ratio), (ratio ** np.where(k == 0, 1, k) - 1) / np.where(k == 0, 1, k))
    expected = before * np.exp(-demand.whole[:, 1] * (curved[:, 0] - curved[:, 1]))
    np.testing.assert_allclose(demand.units_of_list(prices)[:, 3], expected)


def test_a_group_whose_two_slopes_are_equal_is_one_of_independent_products() -> None:
    demand = two_products()
    independent = GroupDemand(**{**vars(demand), "whole": demand.within})
    units = independent.units_of_list(np.array([0.5, 1.0]))[0]
    assert units == pytest.approx([240.0, 40.0]), "0.5^-2 = 4 times as much, and nothing from the sibling"


def test_a_group_that_never_answers_only_moves_its_sales_around() -> None:
    demand = two_products()
    fixed = GroupDemand(**{**vars(demand), "whole": np.zeros((1, 1))})
    assert fixed.units_of_list(np.array([0.5, 1.3]))[0].sum() == pytest.approx(100.0)


def test_the_base_prices_sell_the_base_units_in_every_draw_and_groups_do_not_touch_each_other() -> None:
    demand = shop(np.random.default_rng(2))
    np.testing.assert_allclose(demand.units_of_list(demand.base_price), np.tile(demand.base_units, (7, 1)))
    prices = demand.base_price.copy()
    prices[1] *= 0.7
    units = demand.units_of_list(prices)
    np.testing.assert_allclose(units[:, [0, 2, 3, 5]], np.tile(demand.base_units[[0, 2, 3, 5]], (7, 1)))
    loses = units[:, 4] < demand.base_units[4]
    assert (loses == (demand.within[:, 2] > demand.whole[:, 2])).all(), "siblings lose where b is above eta"


def test_other_base_prices_with_what_they_sell_are_the_same_demand() -> None:
    demand = two_products(0.5)
    prices, other = np.array([1.1, 0.9]), np.array([0.8, 1.2])
    moved = demand.from_base(other, demand.units_of_list(other)[0])
    np.testing.assert_allclose(moved.units_of_list(prices), demand.units_of_list(prices))
