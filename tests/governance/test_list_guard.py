"""The guard of a list by numbers worked on paper, and by adversarial rows with an independent checker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.bench.guard import bench_guard
from tasks.governance.guard import GuardError
from tasks.governance.guard_reasons import binding_rules, reasons
from tasks.governance.list_rules import IndexMoved
from tests.governance.shelves import GUARD, HOUSE, NAN, guarded, outcome

LEFT_OUT = ("leave out", NAN)
ODD = st.sampled_from([NAN, np.inf, -np.inf, 1e300, -0.0, 0.0, -3.0, 0.01, 23_698_655.93, 10.0, 9.99, 10.5])


@pytest.mark.parametrize(
    ("wanted", "changes", "expected", "rule", "why"),
    [
        (10.2, {}, ("raise", 10.2), "", "inside: accepted"),
        (10.0, {}, ("hold", 10.0), "", "what holds needs no rule"),
        (10.204, {}, ("raise", 10.2), "", "rounded to cents"),
        (12.0, {}, ("raise", 10.5), "step", "a step of 5 %"),
        (0.01, {"step": 0.25}, ("lower", 8.0), "reference band", "G01 without a near floor: the band"),
        (0.01, {"cost": 8.0, "margin": 0.2, "step": 0.25}, ("lower", 9.6), "margin floor", "G01"),
        (0.01, {"cost": 9.111, "margin": 0.05}, ("lower", 9.57), "margin floor", "9.56655 rounded up"),
        (
            0.01,
            {"cost": 7.6, "margin": 0.2, "margin_of_price": True},
            ("lower", 9.5),
            "margin floor",
            "7.6/0.8",
        ),
        (23_698_655.93, {"most": 10.3}, ("raise", 10.3), "absolute bounds", "G02"),
        (9.6, {"advertised": 9.8}, ("lower", 9.8), "minimum advertised price", "G05"),
        (10.2, {"fixed": 10.1}, ("raise", 10.1), "fixed price", "fixed-price goods"),
        (10.2, {"fixed": 10.0}, ("hold", 10.0), "fixed price", "in force already"),
        (
            10.4,
            {"competitor": 10.2, "competitor_high": 1.0},
            ("raise", 10.2),
            "competitor index",
            "his price",
        ),
        (9.6, {"competitor": 9.8, "competitor_low": 1.0}, ("lower", 9.8), "competitor index", "his price"),
        (9.6, {"recent_high": 10.4}, ("lower", 9.88), "step", "G03: 10.40 was charged this week"),
        (9.6, {"recent_high": 10.6}, ("hold", 10.0), "step", "G03: more than a step since"),
        (10.4, {"recent_low": 9.2}, ("hold", 10.0), "step", "G03: up by more than a step since"),
        (10.4, {"reference": 8.0}, ("hold", 10.0), "reference band", "above its band: only down"),
        (9.8, {"reference": 8.0}, ("lower", 9.8), "", "towards its band"),
        (101, {"decimals": 0, "in_force": 100.0, "cost": 90.0}, ("raise", 101.0), "", "yen"),
        (1.2345, {"decimals": 3, "in_force": 1.2, "cost": 1.0}, ("raise", 1.234), "", "dinars"),
        (1.01, {"decimals": 0, "in_force": 1.2, "cost": 0.9}, ("hold", 1.2), "step", "no yen is inside"),
    ],
)
def test_a_price_is_accepted_inside_and_set_to_the_bound_outside(
    wanted: float, changes: dict[str, Any], expected: tuple[str, float], rule: str, why: str
) -> None:
    result = guarded(wanted, **changes)
    assert outcome(result) == expected, why
    assert binding_rules(result)[0] == rule, why


@pytest.mark.parametrize(
    ("wanted", "changes", "reason"),
    [
        (NAN, {}, "Held: the wanted price is no finite amount above 0."),
        (1e300, {}, "Held: the wanted price is no finite amount above 0."),
        (9.8, {"cost": NAN}, "Held: no floor, for no cost is known and no least price is named."),
        (9.8, {"cost": -0.0}, "Held: its unit cost is not an amount above 0; correct it."),
        (9.8, {"cost": np.inf}, "Held: its unit cost is not an amount above 0; correct it."),
        (9.8, {"stale": True}, "Held: its unit cost is out of date; renew it."),
        (
            9.8,
            {"advertised": np.inf},
            "Held: a value of the rule minimum advertised price is no finite amount",
        ),
        (9.8, {"reference": -1.0}, "Held: a value of the rule reference band is no finite amount"),
        (9.8, {"endings": "44"}, "Held: no price with an allowed ending lies inside the bounds."),
        (10.4, {"recent_low": 9.2}, "Held: the rule step allows no further move."),
        (9.8, {"step": 0.000005}, "Held: no price with the decimals of the currency is allowed by step."),
    ],
)
def test_without_a_safe_price_the_one_in_force_holds_and_says_why(
    wanted: float, changes: dict[str, Any], reason: str
) -> None:
    in_force = 10.0001 if "step" in changes else 10.0
    result = guarded(wanted, **changes, in_force=in_force)
    assert outcome(result) == ("hold", in_force)
    assert reasons(result)[0].startswith(reason)


@pytest.mark.parametrize(
    ("changes", "rule", "reason"),
    [
        (
            {"cost": 10.01},
            "margin floor",
            "rule margin floor. Its unit cost is not below its price; check both.",
        ),
        ({"least": 12.0}, "absolute bounds and step", "No price is allowed by absolute bounds and step."),
        ({"least": 12.0, "most": 11.0}, "absolute bounds", "No price is allowed by absolute bounds."),
        ({"cost": 9.0, "margin": 0.2, "most": 10.1}, "absolute bounds and margin floor", "and margin floor."),
        ({"fixed": 10.2, "advertised": 10.3}, "fixed price and minimum advertised price", "fixed price"),
        ({"in_force": NAN}, "", "Left out: the price in force is no finite amount above 0; correct it."),
        ({"in_force": 0.0}, "", "Left out: the price in force is no finite amount above 0; correct it."),
    ],
)
def test_a_price_in_force_outside_a_hard_bound_without_a_way_back_is_left_out(
    changes: dict[str, Any], rule: str, reason: str
) -> None:
    result = guarded(10.2, **changes)
    assert outcome(result)[0] == "leave out"
    assert np.isnan(result.price[0]), "a price that is left out cannot be published"
    assert binding_rules(result)[0] == rule, "a conflict names both rules"
    assert reasons(result)[0].startswith("Left out: ")
    assert reason in reasons(result)[0]


def test_a_promotion_whose_end_would_restore_a_price_outside_a_hard_bound_is_left_out() -> None:
    result = guarded(9.0, announced=True, most=9.5)
    assert outcome(result)[0] == "leave out"
    assert binding_rules(result)[0] == "absolute bounds"


def test_a_price_in_force_outside_a_hard_bound_comes_back_by_a_step() -> None:
    assert outcome(guarded(10.0, least=10.3)) == ("raise", 10.3), "although the policy holds"
    assert outcome(guarded(10.0, most=9.7, endings="99")) == ("lower", 9.7), (
        "the bound speaks after the ending"
    )
    assert outcome(guarded(10.0, least=10.3, endings="5|0")) == ("raise", 10.3)


def test_a_named_floor_stands_for_a_cost_and_a_draft_needs_none() -> None:
    assert outcome(guarded(9.8, cost=NAN, least=9.0)) == ("lower", 9.8)
    assert outcome(guarded(9.8, cost=NAN, fixed=9.9)) == ("lower", 9.9)
    assert outcome(guarded(9.8, cost=NAN, unprotected=True)) == ("lower", 9.8)


@pytest.mark.parametrize(
    ("wanted", "endings", "expected"),
    [
        (10.23, "99|49", ("raise", 10.49)),
        (10.2, "9", ("raise", 10.19)),
        (10.14, "9", ("raise", 10.09)),
        (10.04, "9", ("raise", 10.09)),
        (9.9, "95|85", ("lower", 9.85)),
        (9.96, "9", ("lower", 9.99)),
    ],
)
def test_a_new_price_has_the_nearest_ending_on_its_side_of_the_price_in_force(
    wanted: float, endings: str, expected: tuple[str, float]
) -> None:
    assert outcome(guarded(wanted, endings=endings)) == expected


@pytest.mark.parametrize(
    ("wanted", "changes", "expected", "rule"),
    [
        (7.0, {}, ("lower", 7.0), ""),
        (7.0, {"endings": "99"}, ("lower", 7.0), ""),
        (4.99, {}, ("hold", 10.0), "margin floor"),
        (12.0, {"most": 11.0}, ("hold", 10.0), "absolute bounds"),
        (7.005, {}, ("hold", 10.0), "rounding"),
        (7.0, {"prior": 7.0}, ("hold", 10.0), "prior price"),
        (7.0, {"prior": 7.01}, ("lower", 7.0), ""),
        (7.0, {"prior": np.inf}, ("hold", 10.0), "prior price"),
        (10.0, {"prior": 7.0}, ("hold", 10.0), ""),
        (7.0, {"prior_unknown": True}, ("hold", 10.0), "prior price"),
        (10.0, {"prior_unknown": True}, ("hold", 10.0), ""),
        (10.5, {"prior_unknown": True}, ("raise", 10.5), ""),
    ],
)
def test_an_announced_price_is_accepted_or_held_and_never_changed(
    wanted: float, changes: dict[str, Any], expected: tuple[str, float], rule: str
) -> None:
    result = guarded(wanted, announced=True, **changes)
    assert outcome(result) == expected
    assert binding_rules(result)[0] == rule


def test_a_larger_pack_is_not_made_dearer_per_unit() -> None:
    packs = {"family": 0, "size": [1.0, 2.0], "in_force": [10.0, 19.0], "cost": [5.0, 9.0]}
    result = guarded([9.5, 19.5], **packs)
    assert result.price.tolist() == [10.0, 19.0], "19.5 / 2 is dearer than 9.5; both went the wrong way"
    assert set(reasons(result)) == {"Held: a larger pack would be dearer per unit."}
    assert guarded([9.8, 19.5], **packs).price.tolist() == [9.8, 19.5]
    apart = {**packs, "family": [0, 1]}
    assert guarded([9.5, 19.5], **apart).price.tolist() == [9.5, 19.5], "no family, no order"
    for absurd in (1e300, -0.0, NAN):
        between = {
            "family": 0,
            "size": [1.0, 1.5, 2.0],
            "in_force": [10.0, absurd, 19.0],
            "cost": [5.0, 5.0, 9.0],
        }
        prices = guarded([9.5, 9.0, 19.5], **between).price
        assert (prices[0], prices[2]) == (10.0, 19.0), "a pack without a price parts no others"
    disorder = {**packs, "in_force": [10.0, 21.0], "cost": 5.0}
    assert guarded([10.2, 20.8], **disorder).price.tolist() == [10.2, 20.8], "towards the order"
    with pytest.raises(GuardError, match="two of size 2 in rows 1 and 2"):
        guarded([9.5, 19.5], **{**packs, "size": 2.0})


def test_the_change_budget_keeps_the_moves_of_most_worth_and_then_the_largest() -> None:
    half = replace(HOUSE, change_share=0.5)
    result = guarded([10.1, 10.4, 9.7, 9.9], house=half, worth=[0.0, 0.0, 0.0, 5.0])
    assert result.price.tolist() == [10.0, 10.4, 10.0, 9.9]
    assert set(binding_rules(result)) == {"change budget", ""}
    announced = guarded([7.0, 7.0, 9.7, 9.9], house=half, announced=[True, True, False, False])
    assert announced.price.tolist() == [7.0, 7.0, 10.0, 10.0], "announced prices use the budget, and stay"


SPENT = IndexMoved(week=float(np.log1p(0.01)))


def test_the_price_index_of_the_list_stays_in_its_band() -> None:
    narrow = replace(HOUSE, guard=replace(GUARD, index_week=0.01, index_season=0.015))
    weights = {"weight": [0.4, 0.3, 0.2, 0.1], "worth": [1.0, 2.0, 3.0, 4.0]}
    result = guarded([10.4, 10.4, 10.4, 9.8], house=narrow, **weights)
    assert np.log(result.price / 10) @ np.array(weights["weight"]) <= np.log1p(0.01)
    assert result.action.tolist() == [1, 1, 2, 3], "the least gain per use of the index holds first"
    down = guarded([9.6, 9.6, 9.6, 10.2], house=narrow, **weights)
    assert np.log(down.price / 10) @ np.array(weights["weight"]) >= np.log1p(-0.01)
    for moved, band in ((IndexMoved(season=float(np.log1p(0.015))), "season"), (SPENT, "seven days")):
        spent = guarded([10.4] * 4, house=narrow, index_moved=moved, **weights)
        assert spent.price.tolist() == [10.0] * 4, f"the band of the {band} is used up"
        assert (guarded([9.9] * 4, house=narrow, index_moved=moved, **weights).price < 10.0).all()
    assert guarded([10.4] * 4, house=narrow).moved.all(), "without weights there is no index"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            dict.fromkeys(("wanted", "in_force", "cost", "least", "most", "advertised", "reference"), ODD)
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(["", "99", "9|5"]),
    st.sampled_from([0, 2, 3]),
)
def test_a_guarded_list_is_not_changed_again(
    rows: list[dict[str, float]], endings: str, decimals: int
) -> None:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    wanted = columns.pop("wanted")
    house = replace(HOUSE, change_share=0.5)
    first = guarded(wanted, house=house, endings=endings, decimals=decimals, **columns)
    second = guarded(first.price, house=house, endings=endings, decimals=decimals, **columns)
    np.testing.assert_array_equal(first.price, second.price)
    np.testing.assert_array_equal(first.action, second.action)
    kept = first.price[~np.isnan(first.price)]
    assert (np.isfinite(kept) & (kept > 0)).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_an_independent_checker_finds_no_violation_in_adversarial_rows(seed: int) -> None:
    lines: list[str] = []
    measured = bench_guard(10_000, seed, lines.append)
    assert measured["violations"] == {}
    assert measured["changed_again"] == 0
    assert min(measured["actions"].values()) > 200, "the rows must meet every action"
    assert lines[0].startswith("10,000 rows guarded in ")


def test_prices_of_two_rivals_stay_inside_the_band_for_a_year() -> None:
    ours = rival = 10.0
    for _ in range(365):
        ours = float(guarded(1.27 * rival, in_force=ours, reference=10.0).price[0])
        rival = float(guarded(1.27 * ours, in_force=rival, reference=10.0).price[0])
        assert 8.0 <= ours <= 12.0
        assert 8.0 <= rival <= 12.0
    assert ours == 12.0, "they do run to the end of the band, and stop there"


def test_ten_publications_in_a_day_move_a_price_by_one_step() -> None:
    price, low = 10.0, 10.0
    for _ in range(10):
        price = float(guarded(20.0, in_force=price, recent_low=low, recent_high=price).price[0])
    assert price == 10.5
