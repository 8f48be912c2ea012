"""Two lists side by side, worked by hand: which prices move, where, by how much, and what that brings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.pricing.list_claim import list_claim
from tasks.pricing.list_comparison import ListComparison, compare_lists
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.slopes import SlopeDraws
from tests.pricing.small_market import group_of, model_of, products, random_groups

IN_FORCE = 2.0  # currency/unit, of every product of the small markets


def compared(
    policy: PolicyModel, before: list[float], after: list[float], shown: int = 20, **market: Any
) -> ListComparison:
    """Compare two lists of ratios to the prices in force."""
    policy = replace(policy, market=policy.market.assign(**market))
    price = policy.products.price
    table = policy.market[["product_id", "store_id"]].assign(reference_price=price, price=price * after)
    return compare_lists(policy, table, price * np.array(before), confidence=0.95, shown=shown)


def test_prices_that_move_are_counted_by_direction_and_size() -> None:
    listed = compared(model_of(products(5)), [1.0, 1.0, 0.9, 1.1, 1.0], [1.0, 1.1, 1.0, 1.0, 0.97])
    assert (listed["up"], listed["down"], listed["same"]) == (2, 2, 1)
    assert listed["median_change"] == pytest.approx(np.median([0.1, 1 / 0.9 - 1, 1 - 1 / 1.1, 0.03]))
    assert listed["largest_change"] == pytest.approx(1 / 0.9 - 1)
    assert listed["histogram"] == [0, 1, 1, 0, 1, 0, 0, 0, 2]
    assert sum(listed["histogram"]) == listed["prices"]


def test_the_same_list_moves_nothing_and_brings_nothing() -> None:
    listed = compared(model_of(products(3)), [1.1, 0.9, 1.0], [1.1, 0.9, 1.0])
    assert (listed["up"], listed["down"], listed["same"]) == (0, 0, 3)
    assert (listed["categories"], listed["largest"]) == ([], [])
    assert listed["median_change"] is None
    assert [listed["difference"][name] for name in ("gain", "gain_low", "gain_high")] == [0.0, 0.0, 0.0]  # type: ignore[literal-required]


def test_the_difference_counts_what_is_taken_from_siblings() -> None:
    # two alike at b = 3, eta = 1, one at 0.9: w = 0.9^-3, S = (1 + w) / 2, units 20 (w, 1) S^(-2/3)
    w = 0.9**-3
    sold = 20 * np.array([w, 1.0]) * ((1 + w) / 2) ** (-2 / 3)
    revenue = 1.8 * sold[0] + 2.0 * sold[1]
    listed = compared(model_of(group_of([20.0, 20.0])), [1.0, 1.0], [0.9, 1.0])
    assert listed["difference"]["gain"] == pytest.approx(revenue - 80)
    assert listed["difference"]["lift"] == pytest.approx(revenue / 80 - 1)
    moved = {move["product"]: move["gain"] for move in listed["largest"]}
    assert moved == {"p0": pytest.approx(1.8 * sold[0] - 40)}, "what p1 loses is not p0's"
    (category,) = listed["categories"]
    assert category["gain"] == pytest.approx(revenue - 80), "but it is its category's"


def test_both_lists_meet_the_same_draws_so_that_common_doubt_cancels() -> None:
    slopes = SlopeDraws(within=np.full((3, 1), 3.0), whole=np.array([[0.5], [1.0], [1.5]]), curve=np.zeros(3))
    listed = compared(model_of(group_of([20.0, 20.0], slopes=slopes)), [1.1, 1.1], [1.2, 1.2])
    gains = [80 * (1.2 ** (1 - eta) - 1.1 ** (1 - eta)) for eta in (0.5, 1.0, 1.5)]
    assert listed["difference"]["gain"] == pytest.approx(np.mean(gains))
    ends = (listed["difference"]["gain_low"], listed["difference"]["gain_high"])
    assert ends == pytest.approx(tuple(np.quantile(gains, [0.025, 0.975])))
    width = (listed["candidate"]["gain_high"] or 0) - (listed["candidate"]["gain_low"] or 0)
    assert (ends[1] or 0) - (ends[0] or 0) < width, "what both lists share is no doubt about their difference"


def test_beside_the_prices_in_force_the_comparison_is_the_claim_of_the_list() -> None:
    shop = random_groups([2, 3, 1], seed=4)
    ratio = np.exp(np.random.default_rng(1).normal(0, 0.05, 6)).tolist()
    policy = model_of(shop)
    listed = compared(policy, [1.0] * 6, ratio)
    table = pd.DataFrame({"step": ratio, "price": policy.products.price * ratio})
    claim = list_claim(table, policy.products, policy.rules, confidence=0.95, refusal="")
    for name in ("lift", "low", "high", "gain", "gain_low", "gain_high"):
        assert listed["difference"][name] == pytest.approx(claim[name])  # type: ignore[literal-required]
        assert listed["candidate"][name] == pytest.approx(claim[name])  # type: ignore[literal-required]
    assert listed["index"] == pytest.approx(claim["index"])


def test_categories_name_where_prices_move_and_the_one_with_most_moves_comes_first() -> None:
    categories = ["tea", "milk", "milk", "milk", ""]
    listed = compared(
        model_of(products(5)), [1.0] * 5, [1.1, 0.95, 0.9, 1.0, 1.02], category=categories, shown=2
    )
    rows = {row["category"]: (row["prices"], row["up"], row["down"]) for row in listed["categories"]}
    assert rows == {"milk": (3, 0, 2), "tea": (1, 1, 0), "(no category)": (1, 1, 0)}
    assert listed["categories"][0]["mean_change"] == pytest.approx(-0.075), "of the prices that move"
    assert sum(row["gain"] or 0.0 for row in listed["categories"]) == pytest.approx(
        listed["difference"]["gain"]
    )


def test_the_largest_moves_come_first_and_no_more_than_are_shown() -> None:
    names = ["Tea", "Milk", "Bread", "Eggs"]
    listed = compared(model_of(products(4)), [1.0] * 4, [1.02, 0.9, 1.0, 1.05], name=names, shown=2)
    assert [move["name"] for move in listed["largest"]] == ["Milk", "Eggs"]
    first = listed["largest"][0]
    assert (first["in_force"], first["before"], first["after"]) == (2.0, 2.0, 1.8)
    assert first["change"] == pytest.approx(-0.1)


def test_where_nothing_is_earned_no_gain_is_claimed() -> None:
    shop = replace(products(2), unit_cost=np.full(2, np.nan))
    policy = model_of(shop)
    policy = replace(policy, rules=replace(policy.rules, objective="profit"))
    listed = compared(policy, [1.0, 1.0], [1.1, 1.0])
    assert listed["difference"]["gain"] is None
    assert listed["largest"][0]["gain"] is None
    assert listed["up"] == 1, "the moves are known all the same"
