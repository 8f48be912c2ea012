"""The list of a week, as a shop gets it: rounded inside every rule, aware of promotions and of new sales."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.pricing.greedy import Greedy
from tasks.pricing.new_sales import Calendar
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.products import Products
from tasks.pricing.recommend import ANNOUNCED, HOLD_BEST, NOT_TRAINED, PolicyModel
from tasks.pricing.shop_view import ShopNow, shop_now
from tasks.pricing.slopes import SlopeDraws
from tasks.pricing.variation import Variation
from tests.pricing.small_market import gainful_weights, group_of, model_of, random_groups, shop_rules

RULES = shop_rules()
PLAIN = Variation(0.0, 0.05)
TRAINED = pd.Timestamp("2024-12-29")  # a Sunday
FREE_INDEX = shop_rules(index_week=np.inf, index_season=np.inf)


def policy_for(shop: Products, rules: object = RULES) -> PolicyModel:
    """Return the policy that takes the myopic list."""
    model = model_of(shop, rules, Greedy(gainful_weights()))  # type: ignore[arg-type]
    return replace(model, market=model.market.assign(date=TRAINED))


def shop_of(seed: int, scale: float = 1.0) -> Products:
    """Return groups at prices of whole cents, inside a band of 20 % around a slow reference price."""
    shop = random_groups([1, 2, 3, 5, 1, 4], seed)
    price = np.maximum((scale * shop.price).round(2), 0.04)
    reference = price * np.random.default_rng(seed).uniform(0.85, 1.2, len(shop))
    cost = price * np.random.default_rng(seed).uniform(0.4, 0.97, len(shop))
    return replace(shop, price=price, unit_cost=cost, lowest=0.8 * reference, highest=1.2 * reference)


def moved_index(table: pd.DataFrame, model: PolicyModel) -> float:
    """Return the revenue-weighted mean log change of all prices."""
    revenue = table["reference_price"] * model.market["units"]
    return float((revenue * np.log(table["price"] / table["reference_price"])).sum() / revenue.sum())


@pytest.mark.parametrize(("scale", "decimals"), [(1.0, 2), (0.05, 2), (30.0, 0), (1.0, 1)])
def test_rounded_prices_stay_inside_step_band_cost_and_index(scale: float, decimals: int) -> None:
    moved = 0
    for seed in range(12):
        shop = shop_of(seed, scale)
        if decimals < 2:
            shop = replace(shop, price=np.maximum(shop.price.round(decimals), 1.0))
        model = policy_for(shop)
        table = price_list(model, in_force(model), Variation(0.0, 0.05, decimals), seed=1)
        price, before = table["price"].to_numpy(), shop.price
        held = table["step"].to_numpy() == 1.0
        np.testing.assert_array_equal(price, price.round(decimals))
        np.testing.assert_array_equal(price[held], before[held])
        assert (price <= before * 1.05 + 1e-9).all(), "at most 5 % dearer"
        assert (price >= before * 0.95 - 1e-9).all(), "at most 5 % cheaper"
        assert (price >= np.minimum(shop.lowest, before) - 1e-9).all()
        assert (price <= np.maximum(shop.highest, before) + 1e-9).all()
        assert (price >= shop.unit_cost).all()
        assert np.log(0.99) - 1e-8 <= moved_index(table, model) <= np.log(1.01) + 1e-8
        moved += int((~held).sum())
    assert moved > 20, "prices do move"


def test_a_varied_price_stays_inside_step_and_band() -> None:
    varied = 0
    for seed in range(12):
        shop = shop_of(seed)
        model = policy_for(shop)
        table = price_list(model, in_force(model), Variation(0.5, 0.02), seed)
        price, before = table["price"].to_numpy(), shop.price
        varied += int((table["randomised_price"] != 0).sum())
        assert (np.abs(price / before - 1) <= 0.05 + 1e-9).all()
        assert (price >= np.minimum(shop.lowest, before) - 1e-9).all()
        assert (price <= np.maximum(shop.highest, before) + 1e-9).all()
    assert varied > 5


def test_a_held_price_is_the_price_in_force_to_the_cent() -> None:
    shop = replace(shop_of(1), identified=np.zeros(16, bool))
    model = policy_for(shop)
    prices = in_force(model)
    assert price_list(model, prices, PLAIN, seed=1)["price"].tolist() == prices["price"].tolist()
    odd = prices.assign(price=prices["price"] + 0.0012)
    assert price_list(model, odd, PLAIN, seed=1)["price"].tolist() == odd["price"].tolist(), "never rounded"


@pytest.mark.parametrize(("scale", "decimals"), [(1.0, 2), (0.05, 2), (0.002, 2), (3.0, 0)])
def test_prices_in_force_of_any_decimals_hold_exactly_or_move_to_a_chargeable_price_inside_every_bound(
    scale: float, decimals: int
) -> None:
    moved = held = 0
    for seed in range(12):
        shop = shop_of(seed, scale)
        odd = shop.price * np.random.default_rng(seed).uniform(0.999, 1.001, len(shop))
        model = policy_for(replace(shop, price=odd))
        table = price_list(model, in_force(model), Variation(0.0, 0.05, decimals), seed=1)
        price, still = table["price"].to_numpy(), table["step"].to_numpy() == 1.0
        assert (price[still] == odd[still]).all(), "a held price is the price in force, digit by digit"
        assert (price[~still] != odd[~still]).all()
        np.testing.assert_array_equal(price[~still], price[~still].round(decimals))
        assert (price > 0).all()
        assert (np.abs(price / odd - 1) <= 0.05 + 1e-9).all()
        assert (price >= np.minimum(shop.lowest, odd) - 1e-9).all()
        assert (price <= np.maximum(shop.highest, odd) + 1e-9).all()
        assert (price >= np.minimum(shop.unit_cost, odd)).all()
        moved, held = moved + int((~still).sum()), held + int(still.sum())
    assert held > 5
    assert moved > 20 or scale < 0.01, "cents are too coarse for a step of 5 % of a few cents"


def test_bounds_that_come_with_the_prices_replace_those_of_the_training() -> None:
    model = policy_for(shop_of(2))
    prices = in_force(model)
    narrow = prices.assign(lowest=prices["price"] - 0.005, highest=prices["price"] + 0.005)
    assert price_list(model, narrow, PLAIN, seed=1)["price"].tolist() == prices["price"].tolist()
    assert price_list(model, prices, PLAIN, seed=1)["price"].tolist() != prices["price"].tolist()


def test_products_that_are_not_in_the_request_hold_and_the_others_know_it() -> None:
    model = policy_for(shop_of(3), FREE_INDEX)
    prices = in_force(model).iloc[3:9]
    plan, ratio = model.plan(prices)
    others = np.setdiff1d(np.arange(16), np.arange(3, 9))
    assert (plan.actions[others] == RULES.hold).all()
    assert (plan.view.planned[others] == 1.0).all()
    assert (plan.actions[3:9] != RULES.hold).any()
    assert (ratio == 1.0).all()
    assert len(price_list(model, prices, PLAIN, seed=1)) == 6


def test_a_list_is_the_same_whatever_the_order_of_its_rows() -> None:
    for seed in range(5):
        model = policy_for(shop_of(seed))
        prices = in_force(model).sample(frac=1, random_state=seed)
        shuffled = price_list(model, prices, PLAIN, seed=1).sort_index()
        pd.testing.assert_frame_equal(shuffled, price_list(model, in_force(model), PLAIN, seed=1))


def test_an_announced_promotion_keeps_its_price_and_its_siblings_know_it() -> None:
    pair = group_of([20.0, 20.0], within=4.0, whole=1.2, unit_cost=np.array([1.0, 1.05]))
    model = policy_for(pair, FREE_INDEX)
    prices = in_force(model)
    announced = prices.assign(announced_price=[1.35, np.nan])
    table = price_list(model, announced, PLAIN, seed=1)
    assert table["price"][0] == 1.35
    assert table["reason"][0] == ANNOUNCED
    assert table["reference_price"].tolist() == [2.0, 2.0]
    assert table["step"][0] == pytest.approx(0.675)
    with_it, without = (model.plan(rows)[0] for rows in (announced, prices))
    assert with_it.view.planned[0] == pytest.approx(0.675)
    promoted, plain = (plan.worth[1] for plan in (with_it, without))
    assert promoted[4] < plain[4] - 0.01, "dearer, it sends its buyers to a promotion that earns little"
    assert promoted[0] > plain[0] + 0.01, "cheaper, it wins them back"


@pytest.mark.parametrize("price", [0.9, 1.35, 1.95, 2.0])
def test_an_announced_price_is_neither_varied_nor_raised_to_the_cost(price: float) -> None:
    model = policy_for(group_of([20.0] * 8))
    announced = in_force(model).assign(announced_price=[price, *[np.nan] * 7])
    for seed in range(20):
        table = price_list(model, announced, Variation(0.5, 0.05), seed)
        assert table["price"][0] == price
        assert table["propensity"][0] == 1.0


def test_prices_that_left_the_training_behind_use_up_the_index_of_the_season() -> None:
    model = policy_for(random_groups([3, 4, 2, 6], seed=1))
    prices = in_force(model)
    for factor, low, high in ((1.05, -0.01006, 0.0), (0.95, 0.0, 0.00996)):
        table = price_list(model, prices.assign(price=prices["price"] * factor), PLAIN, seed=1)
        assert low <= moved_index(table, model) <= high + 2e-4, "rounding of prices that hold is no move"


def test_a_new_product_holds_and_says_why() -> None:
    model = policy_for(shop_of(4))
    prices = pd.concat(
        [in_force(model), pd.DataFrame({"product_id": ["new"], "store_id": "all", "price": 3.0})]
    )
    table = price_list(model, prices.reset_index(drop=True), PLAIN, seed=1)
    assert table["price"].iloc[-1] == 3.0
    assert table["reason"].iloc[-1] == NOT_TRAINED


def doubtful_pairs() -> Products:
    """Return three pairs and a single product whose slopes are not well known."""
    rng = np.random.default_rng(0)
    slopes = SlopeDraws(
        within=np.maximum(3 + 0.5 * rng.normal(size=(200, 4)), 0.5),
        whole=np.maximum(1 + 0.3 * rng.normal(size=(200, 4)), 0.1),
        curve=np.zeros(200),
    )
    return group_of([70.0] * 7, slopes=slopes, group=np.array([0, 0, 1, 1, 2, 2, 3]))


def sales_since(weeks: int, cut_sells: float = 10.0) -> pd.DataFrame:
    """Return ten units a day of every product; p0 is cut to 1.90 from the second week on."""
    days = pd.date_range(TRAINED + pd.Timedelta(days=1), periods=7 * weeks)
    frames = []
    for product in range(7):
        cut = (np.arange(7 * weeks) >= 7) & (product == 0)
        frames.append(
            pd.DataFrame(
                {
                    "date": days,
                    "product_id": f"p{product}",
                    "store_id": "all",
                    "units": np.where(cut, cut_sells, 10.0),
                    "price": np.where(cut, 1.9, 2.0),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def now_of(model: PolicyModel, sales: pd.DataFrame) -> ShopNow:
    calendar = Calendar(trained=TRAINED, as_of=sales["date"].max(), period="D", decisions=13)
    return shop_now(model, sales, calendar)


def test_the_list_starts_from_the_state_of_the_shop() -> None:
    model = policy_for(doubtful_pairs())
    now = now_of(model, sales_since(4))
    assert now.view.week == 4
    assert now.view.ratio == pytest.approx([0.95, *[1.0] * 6])
    remembered = 0.7**3 + (1 - 0.7**3) * 0.95  # a week at 2.00, then three at 1.90
    assert now.view.remembered[0] == pytest.approx(remembered)
    assert now.view.index == pytest.approx([np.log(0.95) / 7] * 7)
    plan, ratio = model.plan(in_force(model, now), now.view)
    assert plan.view.week == 4
    np.testing.assert_allclose(ratio, now.view.ratio)
    np.testing.assert_array_equal(plan.view.remembered, now.view.remembered)
    table = price_list(model, in_force(model, now), PLAIN, 1, now)
    assert table["reference_price"].tolist() == pytest.approx([1.9, *[2.0] * 6])


def test_a_list_after_sales_says_what_was_learned_since_the_training() -> None:
    model = policy_for(doubtful_pairs())
    tables = []
    for cut_sells in (8.0, 20.0):
        now = now_of(model, sales_since(8, cut_sells))
        tables.append(price_list(model, in_force(model, now), PLAIN, 1, now))
    less, more = (table["slope_now"].to_numpy() for table in tables)
    assert tables[0]["slope_trained"][0] == pytest.approx(model.slopes.mean_within[0])
    assert tables[0]["slope_trained"][6] == pytest.approx(model.slopes.mean_whole[3]), "of a single product"
    assert less[0] < tables[0]["slope_trained"][0] < more[0], "a cut that sold more says: buyers answer more"
    assert (more - less)[:2].min() > (more - less)[2:6].max() > 0, "its group learns more than other groups"
    assert "slope_now" not in price_list(model, in_force(model), PLAIN, 1)


def test_the_slopes_that_were_learned_decide_the_list() -> None:
    # a margin of a half at a single product's slope: dearer below 2, cheaper above
    shop = doubtful_pairs()
    slopes = replace(shop.slopes, whole=np.maximum(2 + np.random.default_rng(1).normal(size=(200, 4)), 0.2))
    model = policy_for(replace(shop, slopes=slopes), FREE_INDEX)
    steps = []
    for sells in (8.0, 40.0):
        sales = sales_since(8)
        lone = (sales["product_id"] == "p6") & (sales["date"] >= TRAINED + pd.Timedelta(days=8))
        sales.loc[lone, ["price", "units"]] = [1.9, sells]
        now = now_of(model, sales)
        steps.append(price_list(model, in_force(model, now), PLAIN, 1, now)["step"][6])
    assert steps[0] > 1.0
    assert steps[1] < steps[0]


def test_a_season_whose_index_is_used_up_only_goes_back() -> None:
    model = policy_for(replace(doubtful_pairs(), unit_cost=np.full(7, 1.9)))
    dearer = sales_since(3).assign(price=2.06)
    now = now_of(model, dearer)
    assert now.view.index == pytest.approx([np.log(1.03)] * 7)
    assert moved_index(price_list(model, in_force(model, now), PLAIN, 1, now), model) <= 1e-8
    fresh = price_list(model, in_force(model), PLAIN, 1)
    assert moved_index(fresh, model) > 0.005, "at the beginning of a season there is room"


def test_the_reason_of_a_price_that_holds_is_that_it_is_best() -> None:
    model = policy_for(group_of([20.0, 20.0], within=3.0, whole=2.0))
    table = price_list(model, in_force(model), PLAIN, 1)
    assert set(table.loc[table["step"] == 1.0, "reason"]) <= {HOLD_BEST}
