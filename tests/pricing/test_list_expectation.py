"""What a list is expected to do: the demand of the market in every draw, whole groups at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.pricing import list_expectation
from tasks.pricing.demand import answer_of
from tasks.pricing.drawn_demand import Belief, drawn_units, product_draws
from tasks.pricing.list_expectation import expected_of, parts
from tasks.pricing.list_outcome import outcome
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.products import Products
from tasks.pricing.slopes import CURVES
from tasks.pricing.variation import Variation
from tests.pricing.small_market import linked, model_of, random_groups, shop_rules

LINKS = [(1, 3), (3, 1), (5, 0)]
SIZES = [1, 2, 3, 7, 1, 12]


def shop_of(seed: int) -> Products:
    """Return linked groups of which every curve is met, their members mixed."""
    shop = linked(random_groups(SIZES, seed, draws=30), LINKS, seed)
    assert set(shop.slopes.curve) == set(CURVES)
    return shop.take(np.random.default_rng(seed).permutation(len(shop)))


def prices_of(shop: Products, seed: int, moved: float) -> np.ndarray:
    """Return prices of which a share moved, relative to those in force."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(len(shop)) < moved, np.exp(rng.normal(0, 0.15, len(shop))), 1.0)


@pytest.mark.parametrize("moved", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_list_meets_the_demand_of_the_market_in_every_draw(seed: int, moved: float) -> None:
    shop = shop_of(seed)
    ratio = prices_of(shop, seed, moved)
    units = drawn_units(shop, product_draws(shop), ratio)
    for draw in range(len(shop.slopes)):
        of_market = answer_of(shop, np.full(len(shop), draw)).units(shop, ratio)
        np.testing.assert_allclose(units[draw], of_market, rtol=1e-10)


def test_no_more_is_sold_than_is_on_hand() -> None:
    shop = shop_of(0)
    stock = np.where(np.arange(len(shop)) % 2, np.inf, 5.0)
    limited = replace(shop, stock=stock)
    free, sold = (outcome(some, shop_rules(), np.ones(len(shop))).units for some in (shop, limited))
    assert (sold[:, ::2] <= 5).all()
    np.testing.assert_array_equal(sold[:, 1::2], free[:, 1::2])


def test_a_belief_moves_the_draws_to_its_mean_and_variance_and_keeps_common_errors() -> None:
    shop = shop_of(1)
    count = len(shop)
    believed = Belief(np.full(count, 2.5), np.full(count, 0.04), np.full(count, 0.8), np.full(count, 0.0))
    before, after = product_draws(shop), product_draws(shop, believed)
    np.testing.assert_allclose(after.within.mean(axis=0), 2.5)
    np.testing.assert_allclose(after.within.std(axis=0), 0.2)
    np.testing.assert_allclose(after.whole, 0.8)
    together = [np.corrcoef(draws.within, rowvar=False) for draws in (before, after)]
    np.testing.assert_allclose(together[0], together[1], atol=1e-9)


def test_parts_hold_whole_groups_with_those_linked_to_them_and_every_row_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(list_expectation, "ROWS_AT_ONCE", 2)
    shop = shop_of(2)
    rows = list(parts(shop))
    assert sorted(np.concatenate(rows)) == list(range(len(shop)))
    groups = [set(shop.group[part]) for part in rows]
    assert sum(len(some) for some in groups) == len(SIZES), "a group is in two parts"
    for receiver, start in LINKS:
        assert any({receiver, start} <= some for some in groups), "linked groups are apart"


def test_the_interval_is_that_of_the_draws_and_does_not_depend_on_the_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = shop_of(3)
    model = model_of(shop, shop_rules())
    prices = in_force(model)
    table = price_list(model, prices, Variation(0.5, 0.05), seed=1)
    whole = expected_of(model, table, prices, None, 0.9)
    old, new = (
        outcome(shop, model.rules, ratio) for ratio in (np.ones(len(shop)), table["price"] / shop.price)
    )
    gain = new.earned - old.earned
    np.testing.assert_allclose(whole.gain.mean, gain.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose([whole.gain.low, whole.gain.high], np.quantile(gain, [0.05, 0.95], axis=0))
    np.testing.assert_allclose(
        [whole.units.low, whole.units.high], np.quantile(new.units, [0.05, 0.95], axis=0)
    )
    assert (whole.gain.low < whole.gain.high).any()
    monkeypatch.setattr(list_expectation, "ROWS_AT_ONCE", 2)
    again = expected_of(model, table, prices, None, 0.9)
    np.testing.assert_allclose(again.gain, whole.gain, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(again.units, whole.units, rtol=1e-9)
