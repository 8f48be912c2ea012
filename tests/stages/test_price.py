"""The market is built from what is known, and from nothing stale."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from conf import Settings, load
from tasks.pricing.seasons import Played
from tasks.stages.price import gain, interval, market_of, objective_of, rules_of

WEEKS = 20


@pytest.fixture
def settings() -> Settings:
    return load("smoke", ["source.period=W"])


@pytest.fixture
def sales() -> pd.DataFrame:
    dates = pd.date_range("2025-01-06", periods=WEEKS, freq="7D", unit="us")
    frame = pd.concat(
        [pd.DataFrame({"date": dates, "product_id": p}) for p in ("a", "b", "c", "d")], ignore_index=True
    )
    return frame.assign(store_id="all", category="x", units=5.0, price=2.0, unit_cost=1.0)


def build(sales: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    products = sorted(sales["product_id"].unique())
    outlook = pd.DataFrame({"product_id": products, "store_id": "all", "mean": 7.0})
    response = pd.DataFrame(
        {
            "product_id": products,
            "elasticity": -2.0,
            "standard_error": 0.3,
            "identified": True,
            "dispersion": 0.1,
        }
    )
    return market_of(sales, outlook, response, settings).set_index("product_id")


def test_d19_a_known_cost_is_kept_as_it_is_and_a_stale_one_is_marked(
    sales: pd.DataFrame, settings: Settings
) -> None:
    row = sales.groupby("product_id").cumcount()
    cost = sales["unit_cost"].mask(sales["product_id"] == "b")
    cost = cost.mask((sales["product_id"] == "c") & (row >= WEEKS - settings.price.active_weeks))
    cost = cost.mask(sales["product_id"] == "d", 2.5)
    market = build(sales.assign(unit_cost=cost), settings)
    np.testing.assert_array_equal(market["unit_cost"], [1.0, np.nan, 1.0, 2.5])
    assert market["cost_stale"].tolist() == [False, False, True, False]


def test_a_market_without_costs_says_nothing_of_them(sales: pd.DataFrame, settings: Settings) -> None:
    markets = (
        build(sales.drop(columns="unit_cost"), settings),
        build(sales.assign(unit_cost=np.nan), settings),
    )
    for market in markets:
        assert market["unit_cost"].isna().all()
        assert "cost_stale" not in market


@pytest.mark.parametrize(
    ("known", "objective"), [(0, "revenue"), (5, "revenue"), (6, "profit"), (9, "profit"), (11, "profit")]
)
def test_costs_of_half_of_the_products_make_the_objective_profit(
    known: int, objective: str, settings: Settings
) -> None:
    market = pd.DataFrame({"price": 2.0, "unit_cost": [9.0] * known + [np.nan] * (11 - known)})
    assert objective_of(market, settings) == objective, "a cost above its price is a known one"


def test_d16_a_product_that_is_no_longer_sold_is_in_no_market(
    sales: pd.DataFrame, settings: Settings
) -> None:
    row = sales.groupby("product_id").cumcount()
    quiet = sales.assign(units=sales["units"].mask((sales["product_id"] == "b") & (row >= 10), 0.0))
    ended = quiet[~((quiet["product_id"] == "c") & (row >= 10))]
    assert build(ended, settings).index.tolist() == ["a", "d"]


def test_the_price_in_force_is_the_last_one_and_units_are_those_of_a_week(sales: pd.DataFrame) -> None:
    told = build(sales.assign(price=np.tile(np.linspace(1, 2, WEEKS), 4)), load("smoke", ["source.period=D"]))
    assert told["price"].tolist() == [2.0] * 4
    assert told["units"].tolist() == [49.0] * 4
    assert told["list_price"].tolist() == [2.0] * 4


def test_the_ladder_always_holds_the_price_in_force() -> None:
    effects = {
        name: {"estimate": size}
        for name, size in (("reference_effect", 0.1), ("rival_cross", 0.5), ("rival_reaction", 0.2))
    }
    rules = rules_of(load("smoke", ["price.ladder_steps=4"]), effects, "revenue")  # type: ignore[arg-type]
    ladder = rules.ladder
    assert (rules.reference_effect, rules.rival_cross, rules.rival_reaction) == (0.1, 0.5, 0.2)
    assert 1.0 in ladder
    assert (np.diff(ladder) > 0).all()


def test_an_interval_worked_by_hand() -> None:
    told = interval(np.array([1.0, 2.0, 3.0]), 0.95)
    half = 4.302653 * 1.0 / np.sqrt(3)
    assert (told["value"], told["low"], told["high"]) == pytest.approx((2.0, 2 - half, 2 + half))


def test_a_gain_is_paired_so_that_shared_luck_cancels() -> None:
    luck = np.random.default_rng(0).lognormal(0, 1, (50, 1, 1)) * np.ones((50, 4, 3))
    one, two = (Played(luck, luck, luck * factor) for factor in (1.0, 1.1))
    told = gain(one, two, 0.95)
    assert told["value"] == pytest.approx(0.1)
    unpaired = interval(two.rewards.mean(axis=(1, 2)), 0.95)
    assert told["high"] - told["low"] < 0.5 * (unpaired["high"] - unpaired["low"])


def test_the_stock_of_the_market_is_what_is_left_and_what_comes_in(
    sales: pd.DataFrame, settings: Settings
) -> None:
    week = sales.groupby("product_id").cumcount()
    told = build(
        sales.assign(stock=np.where(sales["product_id"] == "a", 12.0 - 5.0 * (week % 2), np.nan)), settings
    )
    assert told["stock"]["a"] == 2.0
    assert told["arrivals"]["a"] == pytest.approx(4 * 10 / 7, rel=0.35), "ten units arrive every other week"
    assert told["stock"]["b"] == np.inf
    assert told["arrivals"]["b"] == 0.0
