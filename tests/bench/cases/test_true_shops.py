"""Simulated shops: the same twice, with the history of their kind, and units that sales average to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from expectations.columns import PRICE, PRODUCT, SERIES, STOCK, UNIT_COST, UNITS
from tasks.bench.cases.shop_history import HISTORY_WEEKS, QUIET_WEEKS, counts
from tasks.bench.cases.shop_kinds import KINDS
from tasks.bench.cases.true_shops import DEAL, sold_of, true_shop


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_twice_is_the_same_shop(kind: str) -> None:
    first, second = true_shop(kind, 3), true_shop(kind, 3)
    pd.testing.assert_frame_equal(first.history, second.history)
    prices = 0.9 * first.price
    np.testing.assert_array_equal(first.units(prices), second.units(prices))
    pd.testing.assert_frame_equal(first.week(2, prices), second.week(2, prices))
    assert not first.history[UNITS].equals(true_shop(kind, 4).history[UNITS])


@pytest.mark.parametrize("kind", KINDS)
def test_the_history_is_a_year_of_64_prices_and_ends_at_the_prices_in_force(kind: str) -> None:
    shop = true_shop(kind, 1)
    table = shop.history
    assert table.groupby(SERIES).size().tolist() == [7 * HISTORY_WEEKS] * 64
    last = table.groupby(SERIES)[PRICE].last()
    np.testing.assert_array_equal(last, shop.price)
    assert (UNIT_COST in table) == shop.traits.costs
    if shop.traits.costs:
        np.testing.assert_array_equal(table.groupby(SERIES)[UNIT_COST].last(), shop.unit_cost)
    else:
        np.testing.assert_allclose(shop.unit_cost, 0.7 * shop.price)
    assert (shop.price > shop.unit_cost).mean() > 0.9


def test_promotions_are_on_eighteen_percent_of_product_weeks_and_not_in_the_last_ones() -> None:
    tables = [true_shop(kind, seed).history for kind in ("nested", "nested_peaks") for seed in (1, 2)]
    for table in tables:
        assert table[DEAL].mean() == pytest.approx(0.18, abs=0.025)
        assert table.groupby(SERIES)[DEAL].apply(lambda deals: deals.tail(7 * QUIET_WEEKS).sum()).eq(0).all()


def test_promotions_follow_the_peaks_of_demand_only_where_the_kind_says_so() -> None:
    for kind, follows in (("nested_peaks", True), ("nested_cost", False)):
        shop = true_shop(kind, 1)
        mood, promoted = shop.course.mood[:HISTORY_WEEKS].mean(axis=1), shop.course.promoted
        assert (mood[promoted].mean() - mood[~promoted].mean() > 0.1) == follows, kind


def test_unseen_shocks_move_price_and_demand_together_only_where_the_kind_says_so() -> None:
    for kind, together in (("confounded", True), ("nested", False)):
        course = true_shop(kind, 1).course
        mood = course.mood[:HISTORY_WEEKS].mean(axis=1)
        correlation = np.corrcoef(np.log(course.list_price).ravel(), mood.ravel())[0, 1]
        assert (correlation > 0.3) == together, kind


def test_two_stores_share_products_and_not_buyers() -> None:
    shop = true_shop("two_stores", 1)
    assert shop.rows[PRODUCT].nunique() == 32
    first = shop.rows["store_id"].to_numpy() == "s0"
    np.testing.assert_array_equal(shop.unit_cost[first], shop.unit_cost[~first])
    assert 0 < np.abs(np.log(shop.demand.goods.price[first] / shop.demand.goods.price[~first])).max() < 0.3
    moved = shop.units(np.where(first, 0.8, 1.0) * shop.price)
    assert (moved[first] != shop.units(shop.price)[first]).all()
    np.testing.assert_array_equal(moved[~first], shop.units(shop.price)[~first])


def test_no_more_than_the_stock_is_sold_and_sales_average_to_what_the_shop_says() -> None:
    table = true_shop("nested_stock", 1).history
    assert (table[UNITS] <= table[STOCK]).all()
    assert table.loc[table[STOCK] == 0, UNITS].sum() == 0
    assert 0.01 < (table[STOCK] == 0).mean() < 0.3
    wanted, stock = np.array([30.0, 30.0, 5.0]), np.array([20.0, 40.0, 1000.0])
    rng = np.random.default_rng(0)
    drawn = np.minimum(counts(np.tile(wanted / 7, (40_000, 7, 1)), rng).sum(axis=1), stock)
    np.testing.assert_allclose(sold_of(wanted, stock), drawn.mean(axis=0), rtol=0.005)
    assert sold_of(wanted, stock)[2] == pytest.approx(5.0), "a stock that never binds sells what is wanted"
