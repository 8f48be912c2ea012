"""The demand of the simulated shops against numbers worked by hand; its joint optimum against enumeration."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tasks.bench.cases.joint_optimum import joint_optimum
from tasks.bench.cases.true_demand import (
    Assortment,
    Bounded,
    Demand,
    LinearCross,
    NestedLogit,
    OutsideLogit,
    SaturatedCes,
)

PAIR = Assortment(group=np.zeros(2, int), level=np.array([30.0, 10.0]), price=np.array([2.0, 4.0]))
STEP = 1e-6


def elasticities(demand: Demand) -> np.ndarray:
    """Return d log q_i / d log p_j at base prices (i, j), by central differences."""
    base = demand.goods.price
    columns = []
    for j in range(len(base)):
        moved = np.ones(len(base))
        moved[j] += STEP
        up, down = np.log(demand.units(base * moved)), np.log(demand.units(base / moved))
        columns.append((up - down) / (2 * np.log1p(STEP)))
    return np.array(columns).T


def test_nested_logit_has_the_elasticities_of_the_formula_on_paper() -> None:
    demand = NestedLogit(goods=PAIR, within=np.full(2, 3.0), theta=0.2)
    # s = (3/4, 1/4), b = 3, eta = 0.6: own -3 x 1/4 - 0.6 x 3/4 and -3 x 3/4 - 0.6 x 1/4, cross 2.4 s_j
    np.testing.assert_allclose(elasticities(demand), [[-1.2, 0.6], [1.8, -2.4]], atol=1e-6)
    np.testing.assert_allclose(demand.units(PAIR.price), PAIR.level)


def test_a_nest_answers_a_common_change_by_theta_b() -> None:
    demand = NestedLogit(goods=PAIR, within=np.full(2, 3.0), theta=0.2)
    np.testing.assert_allclose(demand.units(1.1 * PAIR.price), PAIR.level * 1.1**-0.6)


def test_with_theta_one_products_are_independent() -> None:
    demand = NestedLogit(goods=PAIR, within=np.array([2.0, 3.0]), theta=1.0)
    np.testing.assert_allclose(elasticities(demand), [[-2.0, 0.0], [0.0, -3.0]], atol=1e-6)


def test_linear_demand_loses_and_gains_what_its_slopes_say() -> None:
    demand = LinearCross(goods=PAIR, own_elasticity=np.array([2.0, 2.5]), cross=np.array([1.0, 0.5]))
    # the first 10 % dearer: 30 (1 - 0.2) = 24, the second gains 10 x 0.5 x 0.1 = 0.5
    np.testing.assert_allclose(demand.units(np.array([2.2, 4.0])), [24.0, 10.5])
    # 60 % dearer, past its choke price of 1.5: nothing is sold, and the sibling feels 50 % only
    np.testing.assert_allclose(demand.units(np.array([3.2, 4.0])), [0.0, 12.5])


def test_ces_has_the_elasticities_of_the_formula_and_saturates() -> None:
    demand = SaturatedCes(goods=PAIR, sigma=np.full(2, 3.0), reach=0.5, speed=3.0)
    # revenue 60 and 40: w = (0.6, 0.4); eta = 3 x 0.5 / 1.5 = 1; own -3 (1 - w) - w, cross 2 w_j
    np.testing.assert_allclose(elasticities(demand), [[-1.8, 0.8], [1.2, -2.2]], atol=1e-6)
    np.testing.assert_allclose(demand.units(PAIR.price / 1000), 1.5 * PAIR.level, rtol=1e-6)


def test_logit_with_an_outside_good_has_the_elasticities_of_the_formula() -> None:
    demand = OutsideLogit(goods=PAIR, beta=np.full(2, 1.0), outside=0.2)
    # S = 0.8 (3/4, 1/4) = (0.6, 0.2): own -2 x 0.4 and -4 x 0.8, cross 4 x 0.2 and 2 x 0.6
    np.testing.assert_allclose(elasticities(demand), [[-0.8, 0.8], [1.2, -3.2]], atol=1e-6)


def test_far_from_the_base_prices_nobody_buys_more_and_buyers_leave() -> None:
    form = NestedLogit(goods=PAIR, within=np.full(2, 3.0), theta=0.2)
    demand = Bounded(form=form)
    near = np.array([2.4, 3.2])  # X = 3/4 x 1.2 + 1/4 x 0.8 = 1.1
    np.testing.assert_array_equal(demand.units(near), form.units(near))
    np.testing.assert_allclose(demand.units(0.3 * PAIR.price), form.units(0.65 * PAIR.price))
    np.testing.assert_allclose(demand.units(3 * PAIR.price), form.units(3 * PAIR.price) / 16)


@pytest.mark.parametrize("form", ["nested", "linear", "ces", "logit"])
def test_groups_do_not_touch_each_other(form: str) -> None:
    goods = Assortment(group=np.array([0, 1, 0, 1]), level=np.full(4, 10.0), price=np.full(4, 2.0))
    base, moved = np.full(4, 2.0), np.array([1.6, 2.0, 2.2, 2.0])
    before, after = (demand_of(form, goods).units(prices) for prices in (base, moved))
    np.testing.assert_array_equal(before[[1, 3]], after[[1, 3]])
    assert (before[[0, 2]] != after[[0, 2]]).all()


@pytest.mark.parametrize("form", ["nested", "linear", "ces", "logit"])
def test_coordinate_ascent_earns_what_enumeration_does(form: str) -> None:
    rng = np.random.default_rng(3)
    goods = Assortment(
        group=np.array([0, 0, 0, 1, 1, 1]), level=rng.uniform(5, 40, 6), price=rng.uniform(1, 4, 6)
    )
    demand, cost = demand_of(form, goods), 0.6 * goods.price
    steps = np.linspace(0.9, 1.2, 4)
    ladder = goods.price[:, None] * steps
    best = joint_optimum(lambda prices: (prices - cost) * demand.units(prices), ladder, goods.group)
    lists = np.array(list(product(steps, repeat=6))) * goods.price
    earned = ((lists - cost) * demand.units(lists)).sum(axis=1)
    assert (best - cost) @ demand.units(best) == pytest.approx(earned.max(), rel=1e-12)


def demand_of(form: str, goods: Assortment) -> Demand:
    """Return a demand of each form."""
    same = np.ones(len(goods.group))
    return {
        "nested": NestedLogit(goods=goods, within=2.8 * same, theta=0.2),
        "linear": LinearCross(goods=goods, own_elasticity=2.2 * same, cross=1.4 * same),
        "ces": SaturatedCes(goods=goods, sigma=3.0 * same, reach=0.5, speed=2.0),
        "logit": OutsideLogit(goods=goods, beta=1.2 * same, outside=0.3),
    }[form]
