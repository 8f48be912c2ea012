"""The claim of a price list, worked by hand; none where there is nothing to compare."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.pricing.list_claim import ListClaim, earned, figures, list_claim, sentence
from tests.pricing.test_market import market_rules, products

RULES = replace(market_rules(), objective="revenue", ladder=np.array([0.8, 0.9, 1.0, 1.1]))
STEPS = pd.DataFrame({"step": [0.8, 0.9, 1.0, 1.1, 0.8]})


def claim(before: list[float], after: list[float], refusal: str = "") -> ListClaim:
    arms = {"before": np.array(before), "after": np.array(after)}
    return list_claim(STEPS, RULES, **arms, confidence=0.95, refusal=refusal)


def test_the_lift_is_paired_draw_by_draw() -> None:
    listed = claim([100.0, 200.0], [110.0, 220.0])
    assert listed["lift"] == pytest.approx(0.1)
    assert listed["low"] == pytest.approx(listed["high"]), (
        "what moves both sides alike is no doubt about the list"
    )
    counts = {name: listed[name] for name in ("up", "down", "held", "at_ends")}  # type: ignore[literal-required]
    assert counts == {"up": 1, "down": 3, "held": 1, "at_ends": 3}


def test_the_interval_holds_the_draws_and_the_sentence_says_them() -> None:
    listed = claim([100.0] * 3, [88.0, 91.0, 94.0])
    assert (listed["low"], listed["high"]) == pytest.approx((-0.1185, -0.0615))
    said = (
        "3 prices down, 1 up, 1 held, 3 at the ends of the ladder: revenue of a week -9.0 % (-11.8 to -6.2)"
    )
    assert said in sentence(listed)
    assert figures(listed)["list.lift"] == pytest.approx(-0.09)


def test_what_is_not_identified_is_said_with_the_claim() -> None:
    assert "not identified: no index moves" in sentence(claim([1.0], [1.1], "no index moves"))


def test_nothing_earned_before_leaves_nothing_to_compare() -> None:
    listed = claim([0.0, 1.0], [1.0, 1.0])
    assert listed["lift"] is None
    assert "cannot be compared" in sentence(listed)
    assert "list.lift" not in figures(listed)


def test_a_week_earns_price_times_units_or_margin_times_units() -> None:
    shop = products(3)
    prices, units = shop.price * 0.9, np.array([[10.0, 20.0, 30.0]])
    assert earned(shop, RULES, prices, units) == pytest.approx([prices @ units[0]])
    profit = (prices - shop.unit_cost) @ units[0]
    assert earned(shop, replace(RULES, objective="profit"), prices, units) == pytest.approx([profit])
