"""One product at a time is answered as the whole list would, bit for bit, without computing the list."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.pricing.greedy import Greedy
from tasks.pricing.products import Products
from tasks.pricing.recommend import HOLD_BEST, MOVED, NOT_IDENTIFIED, NOT_TRAINED, PolicyModel
from tasks.pricing.rules import Rules
from tasks.pricing.single_price import Decision, SinglePrice
from tests.pricing.small_market import (
    gainful_weights,
    market_rules,
    model_of,
    random_groups,
    random_weights,
    shop_rules,
)

SIZES = (1, 3, 2, 12, 1, 30)
PRICES = (1.0, 0.97, 1.04, 0.7, 1.5)  # in force, relative to the end of the training


def shop(**changes: Any) -> Products:
    return random_groups(SIZES, seed=4, **changes)


def half(values: float) -> np.ndarray:
    """Return values of every second product, nan of the others."""
    return np.where(np.arange(sum(SIZES)) % 2, values, np.nan)


def pinned(place: int) -> dict[str, np.ndarray]:
    """Return bounds between which a product may only hold."""
    at = np.arange(sum(SIZES)) == place
    return {"lowest": np.where(at, 99.0, 0.0), "highest": np.where(at, 0.01, np.inf)}


def of_list(model: PolicyModel, decimals: int | None, product: str, price: float) -> Decision:
    row = pd.DataFrame({"product_id": [product], "store_id": "all", "price": [price]})
    answer = model.recommend(row, decimals=decimals).iloc[0]
    return Decision(float(answer["price"]), float(answer["step"]), str(answer["reason"]))


WORLDS: dict[str, tuple[Products, Rules]] = {
    "profit": (shop(), shop_rules()),
    "revenue": (shop(), shop_rules(objective="revenue")),
    "buyers remember": (shop(), shop_rules(reference_effect=0.3)),
    "rivals answer": (shop(), shop_rules(rival_cross=0.4, rival_reaction=0.5)),
    "an index that binds": (shop(), shop_rules(index_week=0.0005, index_season=0.0005)),
    "without bounds": (shop(), market_rules()),
    "bands": (
        shop(lowest=0.97 * shop().price, highest=1.01 * shop().price, tax_rate=np.full(sum(SIZES), 0.19)),
        shop_rules(),
    ),
    "costs that hold": (shop(unit_cost=half(1.2) * shop().price), shop_rules()),
    "stale costs": (shop(cost_stale=np.arange(sum(SIZES)) % 3 == 0), shop_rules()),
    "assumed costs": (shop(cost_assumed=np.arange(sum(SIZES)) % 3 == 0), shop_rules()),
    "not identified": (shop(identified=np.arange(sum(SIZES)) % 3 > 0), shop_rules()),
    "stock": (shop(stock=shop().units * 3), shop_rules()),
}


@pytest.mark.parametrize("weights", ["gainful", "random"])
@pytest.mark.parametrize("decimals", [None, 2, 0])
@pytest.mark.parametrize("world", WORLDS)
def test_it_answers_as_the_list_of_one_row_does_bit_for_bit(
    world: str, decimals: int | None, weights: str
) -> None:
    products, rules = WORLDS[world]
    network = gainful_weights() if weights == "gainful" else random_weights(3, len(rules.ladder))
    model = model_of(products, rules, Greedy(network))
    single = SinglePrice(model, decimals)
    for number, base in enumerate(products.price[::3]):
        product = f"p{3 * number}"
        price = float(base * PRICES[number % len(PRICES)])
        assert single(product, "all", price) == of_list(model, decimals, product, price), (product, price)


def test_it_says_why() -> None:
    products = shop(identified=np.arange(sum(SIZES)) > 0, **pinned(1))
    model = model_of(products, shop_rules(), Greedy(gainful_weights()))
    single = SinglePrice(model)
    assert single("p0", "all", 2.0) == Decision(2.0, 1.0, NOT_IDENTIFIED)
    assert single("nobody's", "all", 2.0) == Decision(2.0, 1.0, NOT_TRAINED)
    assert single("p0", "elsewhere", 2.0) == Decision(2.0, 1.0, NOT_TRAINED)
    assert single("p1", "all", 2.0) == Decision(2.0, 1.0, HOLD_BEST), "every step would leave its bounds"
    moved = single("p2", "all", float(products.price[2]))
    assert moved.reason == MOVED
    assert moved.step in shop_rules().ladder


def test_the_list_is_computed_only_where_it_must_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = []
    recommend = PolicyModel.recommend

    def counted(self: PolicyModel, *arguments: Any, **named: Any) -> pd.DataFrame:
        lists.append(arguments)
        return recommend(self, *arguments, **named)

    monkeypatch.setattr(PolicyModel, "recommend", counted)
    for stock, most in ((np.full(sum(SIZES), np.inf), 4), (shop().units * 3, sum(SIZES))):
        model, lists[:] = model_of(shop(stock=stock), shop_rules(), Greedy(gainful_weights())), []
        single = SinglePrice(model, 2)
        for i, price in enumerate(model.products.price):
            single(f"p{i}", "all", float(price))
        assert len(lists) <= most, "most prices are arithmetic, unless units on hand are known"
    assert len(lists) == sum(SIZES), "what is sold out of others is for the list"


def test_a_price_never_leaves_its_bounds_nor_falls_below_its_cost() -> None:
    products = shop(lowest=0.9 * shop().price, highest=1.1 * shop().price)
    rules = shop_rules()
    single = SinglePrice(model_of(products, rules, Greedy(random_weights(5))), 2)
    rng = np.random.default_rng(2)
    for i in range(len(products)):
        for price in (products.price[i] * rng.uniform(0.8, 1.2, 12)).tolist():
            answer = single(f"p{i}", "all", price)
            low = max(products.lowest[i], products.covering_price[i], price * (1 - rules.step))
            high = min(products.highest[i], price * (1 + rules.step))
            new = round(answer.price, 2)
            free = answer.step == 1.0 or low * (1 - 1e-9) <= new <= high * (1 + 1e-9)
            assert free or abs(new - price) < abs(price - np.clip(price, low, high)), (i, price, answer)
