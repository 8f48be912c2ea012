"""The rules of a list by hand, and the best list within them against enumeration."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

from tasks.bench.cases.price_rules import PriceRules, Reach, slow_reference
from tasks.bench.cases.price_yardstick import Yardstick
from tasks.bench.cases.ruled_optimum import best_list
from tasks.bench.cases.true_demand import Assortment
from tasks.bench.cases.true_shops import true_shop
from tests.bench.cases.test_true_demand import demand_of


def reach_of(start: np.ndarray, **changes: np.ndarray) -> Reach:
    """Return the rules around prices that are their own reference, without costs, of equal weights."""
    same = np.ones(len(start))
    reach = Reach(
        rules=PriceRules(),
        start=start,
        reference=start,
        floor=0 * same,
        weight=same / len(start),
        moving=np.ones(len(start), bool),
    )
    return replace(reach, **changes)


def test_the_ladder_keeps_step_band_and_cost_and_is_rounded_inwards() -> None:
    prices = np.array([2.0, 2.0, 2.0, 2.72, 3.0, 2.0])
    ladder = reach_of(
        prices,
        reference=np.array([2.0, 1.7, 2.6, 2.72, 2.0, 2.0]),
        floor=np.array([1.97, 0.0, 0.0, 0.0, 0.0, 2.3]),
    ).ladder(prices)
    ends = [
        (1.97, 2.10),  # the cost is above the step down
        (1.90, 2.04),  # 1.2 x 1.7
        (2.00, 2.10),  # below the band of 2.08: it only rises
        (2.59, 2.85),  # 2.584 and 2.856
        (2.85, 3.00),  # above the band of 2.4: it only falls
        (2.00, 2.10),  # below its cost: it only rises
    ]
    np.testing.assert_allclose(ladder[:, [0, -1]], ends)
    np.testing.assert_array_equal(ladder[:, 4], prices)
    assert (np.diff(ladder, axis=1) >= 0).all()


def test_a_product_that_may_not_move_has_its_price_only() -> None:
    prices = np.array([2.0, 4.0])
    ladder = reach_of(prices, moving=np.array([True, False])).ladder(prices)
    assert len(set(ladder[0])) == 9
    assert set(ladder[1]) == {4.0}


def test_the_index_of_a_week_ends_where_that_of_the_season_does() -> None:
    start = np.array([1.0, 2.0])
    reach = reach_of(start, weight=np.array([0.75, 0.25]))
    assert reach.index(np.array([1.1, 2.0])) == pytest.approx(0.75 * np.log(1.1))
    assert reach.index_bounds(start) == pytest.approx((-np.log(1.01), np.log(1.01)))
    assert reach.index_bounds(1.025 * start) == pytest.approx((np.log(1.025 / 1.01), np.log(1.03)))
    assert reach.index_bounds(1.05 * start) == pytest.approx((np.log(1.05 / 1.01), np.log(1.05))), (
        "an index beyond its bound may stay, and come back a week's step"
    )


def test_the_slow_reference_is_the_median_of_the_regular_prices_of_its_weeks() -> None:
    days = pd.date_range("2024-01-01", periods=21)
    price = np.repeat([9.0, 1.0, 2.0], 7)
    price[10:14], deal = 0.5, np.zeros(21)
    deal[10:14] = 1
    table = pd.DataFrame({"date": days, "product_id": "a", "store_id": "all", "price": price})
    table["promotion_deal"] = deal
    assert slow_reference(table, 2)[0] == 2.0, "3 days at 1, 7 at 2"
    assert slow_reference(table, 3)[0] == 2.0
    assert slow_reference(table.assign(promotion_deal=0.0), 2)[0] == 1.5


@pytest.mark.parametrize("form", ["nested", "linear", "ces", "logit"])
@pytest.mark.parametrize("margin", [0.15, 0.4])
def test_the_best_list_within_the_rules_earns_what_enumeration_does(form: str, margin: float) -> None:
    rng = np.random.default_rng(4)
    start = rng.uniform(1, 4, 6).round(2)
    goods = Assortment(group=np.array([0, 0, 0, 1, 1, 1]), level=rng.uniform(5, 40, 6), price=start)
    demand, cost = demand_of(form, goods), (1 - margin) * start
    revenue = start * goods.level
    reach = reach_of(start, weight=revenue / revenue.sum(), floor=cost)
    value = lambda prices: (prices - cost) * demand.units(prices)  # noqa: E731 - the formula is its name
    best = best_list(value, goods.group, reach, start)
    ladder, (least, largest) = reach.ladder(start), reach.index_bounds(start)
    lists = np.array(list(product(*ladder)))
    index = reach.index(lists)
    lists = lists[(least <= index) & (index <= largest)]
    held, most = value(start).sum(), value(lists).sum(axis=1).max()
    assert least <= reach.index(best) <= largest
    assert (best[:, None] == ladder).any(axis=1).all()
    share = (value(best).sum() - held) / (most - held)
    assert 0.9 <= share <= 1 + 1e-9, "six products on a ladder cannot use up the index; 64 can"


def test_the_best_season_keeps_the_rules_week_after_week_and_earns_more_every_week() -> None:
    yardstick = Yardstick(shop=true_shop("linear", 2), objective="profit", rules=PriceRules())
    reach, before = yardstick.reach, yardstick.shop.price
    for prices in yardstick.best_lists:
        least, largest = reach.index_bounds(before)
        assert np.abs(prices / before - 1).max() <= 0.05 + 1e-9
        assert least <= reach.index(prices) <= largest
        before = prices
    assert reach.index(before) <= np.log(1.03) + 1e-12
    inside = np.abs(yardstick.shop.price / reach.reference - 1) < 0.2
    assert np.abs(before / reach.reference - 1)[inside].max() <= 0.2 + 1e-9
    assert (np.diff(yardstick.best_lifts) >= 0).all()
    assert yardstick.best_lifts[0] > 0


def test_a_profit_without_known_costs_is_that_of_the_margin_on_the_prices_at_the_end_of_the_history() -> None:
    shop = true_shop("nested", 1)
    last = shop.history.groupby(["product_id", "store_id"], sort=False)["price"].last().to_numpy()
    prices = 1.05 * shop.price
    np.testing.assert_allclose(shop.earned(prices, "profit"), (prices - 0.7 * last) * shop.units(prices))
    np.testing.assert_allclose(shop.earned(prices, "revenue"), prices * shop.units(prices))
