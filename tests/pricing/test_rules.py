"""The rules of a market: read back as written, the same as those of the shop, and kept week after week."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from tasks.governance.guard import Guard, index_bounds, price_bounds
from tasks.pricing import market, policies
from tasks.pricing.demand import draw_demand
from tasks.pricing.errors import MarketError
from tasks.pricing.market import step
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.state import opening
from tests.pricing.small_market import market_rules, products, shop_rules

GUARD = Guard(step=0.05, band=0.2, reference_weeks=52, reference_year=0.1, index_week=0.01, index_season=0.03)
SHOP = shop_rules()
FREE_INDEX = shop_rules(index_week=np.inf, index_season=np.inf)


def banded(reference: float = 2.0, count: int = 4) -> Products:
    """Return products at 2.00 inside a band of 20 % around a slow reference price."""
    bounds = {"lowest": np.full(count, 0.8 * reference), "highest": np.full(count, 1.2 * reference)}
    return replace(products(count), **bounds)


def test_rules_that_were_written_as_json_are_read_back_the_same() -> None:
    written = shop_rules(reference_effect=0.1, rival_cross=0.3, rival_reaction=1 / 3)
    assert written.hold == 2, "computed once, and not a part of what is written"
    read = Rules.from_json(json.loads(json.dumps(written.to_json())))
    for field in fields(Rules):
        np.testing.assert_array_equal(getattr(read, field.name), getattr(written, field.name), field.name)


def test_a_version_registered_with_its_rules_in_the_market_file_still_finds_them() -> None:
    assert market.Rules is Rules, "the code that loads a registered version is stored with it"


@pytest.mark.parametrize(("action", "end"), [(-1, 2.4), (0, 1.6)], ids=["dearer", "cheaper"])
def test_ten_weeks_of_the_largest_step_never_leave_the_band(action: int, end: float) -> None:
    shop = replace(banded(), unit_cost=np.full(4, 0.5))
    view, draws = opening(shop), draw_demand(shop, 13, np.random.default_rng(0))
    prices = [2.0]
    for _ in range(10):
        may = FREE_INDEX.allowed(shop, view.ratio)
        steps = np.flatnonzero(may[0])
        view, week = step(view, np.full(4, steps[action]), draws, FREE_INDEX)
        prices.append(week.price[0])
    changes = np.array(prices[1:]) / prices[:-1]
    assert changes.min() >= 0.95 - 1e-9
    assert changes.max() <= 1.05 + 1e-9
    assert min(prices) >= 1.6 - 1e-9
    assert max(prices) <= 2.4 + 1e-9
    assert prices[-1] == pytest.approx(end, rel=0.03), "it goes as near to the bound as the steps lead"
    beyond = np.full(4, 0 if action == 0 else 4)
    with pytest.raises(MarketError, match="outside its bounds"):
        step(view, beyond, draws, FREE_INDEX)


@pytest.mark.parametrize(("reference", "allowed"), [(1.5, [0, 1, 2]), (2.7, [2, 3, 4])])
def test_a_price_outside_its_band_may_stay_or_come_back_and_no_more(
    reference: float, allowed: list[int]
) -> None:
    may = SHOP.allowed(banded(reference), np.ones(4))
    assert np.flatnonzero(may[0]).tolist() == allowed
    shop, dear = banded(reference), reference < 2.0
    view, draws = opening(shop), draw_demand(shop, 13, np.random.default_rng(0))
    for _ in range(8):
        steps = np.flatnonzero(FREE_INDEX.allowed(shop, view.ratio)[0])
        inside = shop.lowest[0] <= view.ratio[0] * 2.0 <= shop.highest[0]
        action = FREE_INDEX.hold if inside else steps[0 if dear else -1]
        view, week = step(view, np.full(4, action), draws, FREE_INDEX)
    assert (shop.lowest <= week.price).all()
    assert (week.price <= shop.highest).all()


def test_no_step_leads_below_a_known_cost_and_an_assumed_one_is_no_floor() -> None:
    costs = replace(products(3), unit_cost=np.array([1.96, 1.96, 1.0]))
    known, assumed = costs, replace(costs, cost_assumed=np.array([False, True, False]))
    assert SHOP.allowed(known, np.ones(3)).tolist() == [[False, False, True, True, True]] * 2 + [[True] * 5]
    assert SHOP.allowed(assumed, np.ones(3))[1].tolist() == [True] * 5
    lower = SHOP.allowed(replace(costs, unit_cost=np.full(3, 1.9)), np.ones(3))
    assert lower.all(), "0.95 x 2.00 just covers it"


def test_an_assumed_cost_above_the_price_holds_nothing() -> None:
    shop = replace(products(2), unit_cost=np.array([3.0, 3.0]), cost_assumed=np.array([True, False]))
    assert SHOP.moves(shop).tolist() == [True, False]


def test_prices_beyond_the_step_of_a_week_are_not_allowed_whatever_the_ladder() -> None:
    wide = market_rules(step=0.05, ladder=np.array([0.9, 0.95, 1.0, 1.05, 1.1]))
    assert wide.allowed(products(1), np.ones(1))[0].tolist() == [False, True, True, True, False]


def test_the_room_of_the_index_is_that_of_the_shop() -> None:
    rng = np.random.default_rng(0)
    for weeks in range(1, 13):
        changes = rng.normal(0, 0.01, (weeks, 50))
        low, high = SHOP.index_room(changes.sum(axis=0))
        expected = index_bounds(changes, GUARD)
        np.testing.assert_allclose(low, expected[0], atol=1e-15)
        np.testing.assert_allclose(high, expected[1], atol=1e-15)
    low, high = FREE_INDEX.index_room(np.array([5.0]))
    assert (low[0], high[0]) == (-np.inf, np.inf)


def test_the_bounds_of_a_price_are_those_of_the_shop() -> None:
    rng = np.random.default_rng(1)
    before, reference = np.exp(rng.normal(0.7, 0.2, (2, 500))).round(2)
    shop = replace(
        products(500),
        price=before,
        unit_cost=np.full(500, np.nan),
        lowest=0.8 * reference,
        highest=1.2 * reference,
    )
    low, high = SHOP.bounds(shop, before)
    expected = price_bounds(before, before, before, reference, GUARD)
    np.testing.assert_allclose(low, expected[0])
    np.testing.assert_allclose(high, expected[1])
    assert (before < 0.8 * reference).any()
    assert (before > 1.2 * reference).any()


@pytest.mark.parametrize(
    "policy", [policies.myopic, policies.cost_plus, policies.Random(np.random.default_rng(0))]
)
def test_every_policy_keeps_every_rule_of_the_shop_in_all_weeks(policy: object) -> None:
    shop = replace(banded(count=12), unit_cost=np.linspace(0.9, 1.95, 12))
    view, draws = opening(shop), draw_demand(shop, 13, np.random.default_rng(0))
    for week in range(13):
        plan = policy(view, SHOP)  # type: ignore[operator]
        after, sold = step(view, plan.actions, draws, SHOP)
        before = view.ratio * shop.price
        assert (np.abs(sold.price / before - 1) <= 0.05 + 1e-9).all()
        assert (sold.price >= np.maximum(shop.unit_cost, 1.6) - 1e-9).all()
        assert (sold.price <= 2.4 + 1e-9).all()
        revenue = before * shop.units
        moved = revenue @ np.log(sold.price / before) / revenue.sum()
        assert np.log(0.99) - 1e-8 <= moved <= np.log(1.01) + 1e-8, f"week {week}"
        view = after
    assert (view.ratio != 1).any()
