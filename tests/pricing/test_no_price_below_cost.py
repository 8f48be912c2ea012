"""No price of 10,000 random tables lies below a known cost; the checker shares no code with the product."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from conf import load
from tasks.pricing.greedy import Greedy
from tasks.pricing.market_table import market_of
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.variation import Variation
from tasks.stages.market import plan_of
from tests.pricing.small_market import market_rules, random_weights
from tests.pricing.test_market_table import response

TABLES, BATCH = 10_000, 1_250
DATES = pd.to_datetime(
    ["2025-01-06", "2025-05-26", "2025-06-02"]
)  # the first lies more than 8 weeks before the last
OLD = DATES[0]
CENT = Decimal("0.01")
SAME = Decimal("1e-9")  # a price that differs by less is the same: floats


class Known(NamedTuple):
    """What a reader of the sales table knows of one product's cost."""

    cost: Decimal
    stale: bool


def sales_of(batch: int) -> pd.DataFrame:
    """Return the sales of a batch of tables, 1 to 6 products in each.

    Costs lie around their prices, are missing, old, 0 or not finite.
    """
    rng = np.random.default_rng(batch)
    table = np.repeat(np.arange(BATCH), rng.integers(1, 7, BATCH))
    count = len(table)
    price = np.exp(rng.uniform(np.log(0.05), np.log(60), count))
    price = np.where(rng.random(count) < 0.5, price.round(2).clip(0.01), price)
    near = price * rng.uniform(0.75, 1.25, count)
    cost = np.select(
        [
            kind := rng.random(count) < 0.1,
            *(rng.random((6, count)) < np.array([[0.1], [0.3], [0.05], [0.05], [0.02], [0.1]])),
        ],
        [price, 0.5 * price, near.round(2).clip(0.01), 0 * price, -price, np.inf * price, 3 * price],
        near,
    )
    assert kind.any()
    cost = np.where(rng.random(count) < 0.25, np.nan, cost)
    ids = [f"{number}-{row}" for row, number in enumerate(table)]
    product = pd.DataFrame(
        {
            "product_id": ids,
            "store_id": "all",
            "category": "x",
            "units": 5.0,
            "price": price,
            "unit_cost": cost,
        }
    )
    rows = pd.concat([product.assign(date=date) for date in DATES], ignore_index=True)
    unseen = np.concatenate(
        [np.zeros(count, bool), rng.random(count) < 0.2, rng.random(count) < 0.3]
    )  # costs that nobody wrote down
    other = np.exp(rng.normal(0, 0.2, len(rows))) * (rows["date"] != DATES[-1]) + (
        rows["date"] == DATES[-1]
    )  # prices and costs before
    return rows.assign(unit_cost=(rows["unit_cost"] * other).mask(unseen), price=rows["price"] * other)


def model_of(sales: pd.DataFrame, objective: str, seed: int) -> PolicyModel:
    """Return a policy of random weights that wishes for low prices, in the market of the sales."""
    ids = sales["product_id"].unique()
    rng = np.random.default_rng(seed)
    outlook = pd.DataFrame({"product_id": ids, "store_id": "all", "mean": 7.0})
    answer = response(ids)
    answer = replace(answer, elasticities=answer.elasticities.assign(identified=rng.random(len(ids)) < 0.9))
    plan = plan_of(load("smoke", ["source.period=W", f"price.objective={objective}"]))
    market = market_of(sales, outlook, answer, plan)
    ladder = np.array([0.8, 0.9, 0.95, 1.0, 1.1])
    rules = market_rules(ladder=ladder, objective=plan.objective)
    weights = random_weights(seed) | {"advantage.bias": np.array([2.0, 1.0, 0.5, 0.0, 0.0])}
    return PolicyModel(market=market, slopes=answer.slopes, rules=rules, policy=Greedy(weights))


def known_of(sales: pd.DataFrame) -> dict[str, Known]:
    """Return the last cost that was written down of every product, read row by row."""
    known = {}
    for date, product, cost in sorted(
        zip(sales["date"], sales["product_id"], sales["unit_cost"].tolist(), strict=True)
    ):
        if cost == cost:  # not nan
            known[product] = Known(Decimal(repr(cost)), date == OLD)
    return known


def faults(table: pd.DataFrame, known: dict[str, Known], objective: str) -> list[str]:
    """Return what is wrong with a price list, in words."""
    wrong = []
    columns = [
        table[name].tolist() for name in ("product_id", "reference_price", "price", "propensity", "reason")
    ]
    for product, was, now, chance, reason in zip(*columns, strict=True):
        before, price = Decimal(repr(was)), Decimal(repr(now))
        held = abs(price - before) <= CENT / 2 + SAME or -SAME <= price - before < CENT
        if product not in known:
            if objective == "profit" and not (held and chance == 1 and "no cost known" in reason):
                wrong.append(f"{product}: no cost, {before} -> {price}, {reason}")
            continue
        cost, stale = known[product]
        doubted = stale or not cost.is_finite() or cost <= 0 or cost >= before
        if doubted and not (held and chance == 1 and "cost" in reason):
            wrong.append(f"{product}: cost {cost} (stale: {stale}) doubted, {before} -> {price}, {reason}")
        if price < cost and not (doubted and before - SAME <= price):
            wrong.append(f"{product}: {before} -> {price} below cost {cost}, {reason}")
    return wrong


@pytest.mark.parametrize("batch", range(TABLES // BATCH))
def test_no_price_of_10_000_random_tables_lies_below_a_known_cost(batch: int) -> None:
    objective, share = ("revenue", "profit")[batch % 2], (0.0, 0.5)[batch // 2 % 2]
    sales = sales_of(batch)
    model, known = model_of(sales, objective, batch), known_of(sales)
    prices = in_force(model)
    moved = prices.assign(
        price=prices["price"] * np.random.default_rng(batch).choice([0.7, 0.95, 1.0, 1.3], len(prices))
    )
    given = moved.assign(
        unit_cost=np.random.default_rng(batch).choice([0.0, 0.5, 2.0, 9.0, np.nan], len(moved))
    )
    rows = zip(given["product_id"], given["unit_cost"].tolist(), strict=True)
    updated = known | {product: Known(Decimal(repr(cost)), False) for product, cost in rows if cost == cost}
    for frame, costs in ((prices, known), (moved, known), (given, updated)):
        table = price_list(model, frame, Variation(share, 0.1), seed=batch)
        assert len(table) == sales["product_id"].nunique()
        assert faults(table, costs, objective) == []
        assert (table["price"] < table["reference_price"] * 0.95).any(), "the policy does lower prices"
        assert ((table["propensity"] < 1).any()) == (share > 0), "varied lists are varied"


def test_the_checker_sees_a_price_below_cost() -> None:
    row = {
        "product_id": "a",
        "reference_price": 2.97,
        "price": 2.38,
        "propensity": 1.0,
        "reason": "the policy moves the price",
    }
    above, below = {"a": Known(Decimal("9.00"), False)}, {"a": Known(Decimal("2.50"), False)}
    for known, words in ((above, ["doubted", "below cost"]), (below, ["below cost"])):
        wrong = faults(pd.DataFrame([row]), known, "revenue")
        assert len(wrong) == len(words)
        assert all(word in text for word, text in zip(words, wrong, strict=True))
    held = pd.DataFrame([{**row, "price": 2.97, "reason": "the cost is not below the price in force"}])
    assert faults(held, above, "revenue") == []
