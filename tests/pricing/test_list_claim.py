"""The claim of a price list, worked by hand; none where there is nothing to compare."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.pricing.demand import answer_of
from tasks.pricing.list_claim import ListClaim, earned, figures, list_claim, sentence
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.slopes import SlopeDraws
from tests.pricing.small_market import group_of, market_rules, products, random_groups

RULES = market_rules(ladder=np.array([0.8, 0.9, 1.0, 1.1]))
STEPS = [0.8, 0.9, 1.0, 1.1, 0.8]


def claim(shop: Products, steps: list[float], rules: Rules = RULES, **more: Any) -> ListClaim:
    table = pd.DataFrame({"step": steps, "price": shop.price * steps})
    return list_claim(table, shop, rules, **{"confidence": 0.95, "refusal": "", **more})


def test_prices_up_down_held_and_at_the_ends_are_counted_with_the_index() -> None:
    listed = claim(products(5), STEPS)
    counts = {name: listed[name] for name in ("up", "down", "held", "at_ends")}  # type: ignore[literal-required]
    assert counts == {"up": 1, "down": 3, "held": 1, "at_ends": 3}
    assert listed["index"] == pytest.approx((0.8 * 0.9 * 1.0 * 1.1 * 0.8) ** (1 / 5) - 1)


def test_the_lift_counts_what_is_taken_from_siblings() -> None:
    # two alike at b = 3, eta = 1, one at 0.9: w = 0.9^-3, S = (1 + w) / 2, units 20 (w, 1) S^(-2/3)
    w = 0.9**-3
    sold = 20 * np.array([w, 1.0]) * ((1 + w) / 2) ** (-2 / 3)
    lift = (1.8 * sold[0] + 2.0 * sold[1]) / 80 - 1
    listed = claim(group_of([20.0, 20.0]), [0.9, 1.0])
    assert listed["lift"] == pytest.approx(lift)
    assert (listed["low"], listed["high"]) == pytest.approx((lift, lift)), (
        "slopes that are known leave no doubt"
    )


def test_the_interval_is_that_of_the_draws_and_the_lift_is_paired_draw_by_draw() -> None:
    slopes = SlopeDraws(within=np.full((3, 1), 3.0), whole=np.array([[0.5], [1.0], [1.5]]), curve=np.zeros(3))
    listed = claim(group_of([20.0, 20.0], slopes=slopes), [1.1, 1.1])
    lifts = [1.1 ** (1 - eta) - 1 for eta in (0.5, 1.0, 1.5)]  # a common change: by eta alone
    assert listed["lift"] == pytest.approx(np.mean(lifts))
    assert (listed["low"], listed["high"]) == pytest.approx(tuple(np.quantile(lifts, [0.025, 0.975])))
    assert figures(listed)["list.lift"] == pytest.approx(np.mean(lifts))


def test_the_sentence_says_counts_ends_index_and_interval() -> None:
    said = sentence(claim(group_of([20.0, 20.0]), [0.9, 1.0]))
    assert said == (
        "This list: 1 prices down, 0 up, 1 held, 0 by the largest step, price index -5.1 %: "
        "revenue of a week -0.3 % (-0.3 to -0.3), substitutes counted."
    )


def test_assumed_costs_are_said_of_profit_alone() -> None:
    shop = replace(products(3), cost_assumed=np.array([True, True, False]))
    profit = claim(shop, [1.1, 1.0, 1.0], replace(RULES, objective="profit"))
    assert profit["assumed"] == 2
    assert "profit at an assumed margin (2 products) of a week" in sentence(profit)
    assert claim(shop, [1.1, 1.0, 1.0])["assumed"] == 0, "revenue needs no cost"


def test_what_is_not_identified_is_said_with_the_claim() -> None:
    listed = claim(products(2), [0.9, 1.0], refusal="no index moves")
    assert "not identified: no index moves" in sentence(listed)
    assert listed["refusal"] == "no index moves"


def test_nothing_earned_before_leaves_nothing_to_compare() -> None:
    shop = replace(products(2), unit_cost=np.full(2, np.nan))
    listed = claim(shop, [1.0, 1.0], replace(RULES, objective="profit"))
    assert listed["lift"] is None
    assert "cannot be compared" in sentence(listed)
    assert "list.lift" not in figures(listed)
    assert figures(listed)["list.held"] == 2


@pytest.mark.parametrize("objective", ["revenue", "profit"])
def test_a_week_earns_margin_times_units_of_all_groups_in_every_draw(objective: str) -> None:
    shop, rules = random_groups([1, 2, 4], seed=3, draws=12), replace(RULES, objective=objective)
    ratio = np.exp(np.random.default_rng(0).normal(0, 0.1, 7))
    margin = shop.price * ratio - (shop.unit_cost if objective == "profit" else 0.0)
    units = [answer_of(shop, np.full(7, draw)).units(shop, ratio) for draw in range(12)]
    np.testing.assert_allclose(earned(shop, rules, ratio), np.array(units) @ margin)


def test_the_gain_is_the_lift_in_currency_a_week() -> None:
    listed = claim(group_of([20.0, 20.0]), [0.9, 1.0])
    before = 2 * 20 * 2.0
    assert listed["gain"] == pytest.approx(before * (listed["lift"] or np.nan))
    assert (listed["gain_low"], listed["gain_high"]) == pytest.approx((listed["gain"],) * 2)
    assert listed["at_ends_share"] == 0.0
    assert claim(products(5), STEPS)["at_ends_share"] == 3 / 5


def test_categories_part_the_counts_and_the_gain_and_the_largest_gain_comes_first() -> None:
    listed = claim(products(5), STEPS, categories=["a", "a", "b", "b", "b"])
    rows = {row["category"]: row for row in listed["categories"]}
    assert {name: (row["up"], row["down"], row["held"]) for name, row in rows.items()} == {
        "a": (0, 2, 0),
        "b": (1, 1, 1),
    }
    assert rows["a"]["mean_change"] == pytest.approx(-0.15)
    assert rows["b"]["mean_change"] == pytest.approx((0.0 + 0.1 - 0.2) / 3)
    gains = [row["gain"] or 0.0 for row in listed["categories"]]
    assert sum(gains) == pytest.approx(listed["gain"])
    assert gains == sorted(gains, reverse=True)


def test_the_assumed_margins_are_those_of_the_market() -> None:
    shop = replace(products(3), cost_assumed=np.array([True, True, False]), unit_cost=np.array([1.4, 1.2, 1]))
    profit = claim(shop, [1.1, 1.0, 1.0], replace(RULES, objective="profit"))
    assert profit["assumed_margins"] == [0.3, 0.4]
    assert claim(shop, [1.1, 1.0, 1.0])["assumed_margins"] is None
