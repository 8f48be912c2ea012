"""The price list as a manager reads it: names first, changes, what they do, and plain reasons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from expectations.columns import ACTION, RULE
from tasks.pricing.demand import answer_of
from tasks.pricing.greedy import Greedy
from tasks.pricing.known_cost import NO_AMOUNT, NO_COST, NOT_BELOW, STALE
from tasks.pricing.list_claim import list_claim
from tasks.pricing.list_reasons import HELD
from tasks.pricing.list_sheet import DRAFT, FIRST, Heading, price_sheet
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.recommend import ANNOUNCED, HOLD_BEST, NOT_IDENTIFIED, NOT_TRAINED, PolicyModel
from tasks.pricing.variation import Variation
from tests.pricing.small_market import gainful_weights, model_of, random_groups, shop_rules

PLAIN = Variation(0.0, 0.05)
HEADING = Heading(version=7, status=DRAFT, week=pd.Timestamp("2025-01-06"), confidence=0.9)


def policy_of(seed: int = 0, **columns: object) -> PolicyModel:
    """Return a policy of sixteen named products, the myopic list of the week."""
    shop = random_groups([1, 2, 3, 5, 1, 4], seed)
    shop = replace(shop, lowest=0.8 * shop.price, highest=1.2 * shop.price)
    model = model_of(shop, shop_rules(), Greedy(gainful_weights()))
    named = {"name": [f"=Tea {i} " for i in range(16)], "category": "tea", "currency": "EUR", **columns}
    return replace(model, market=model.market.assign(**named))


def sheet_of(model: PolicyModel, prices: pd.DataFrame | None = None, plan: Variation = PLAIN) -> pd.DataFrame:
    prices = in_force(model) if prices is None else prices
    return price_sheet(model, price_list(model, prices, plan, seed=1), prices, HEADING)


def test_name_and_category_come_first_and_every_row_says_status_version_week_and_currency() -> None:
    sheet = sheet_of(policy_of())
    first = [name for name in FIRST if name not in (ACTION, RULE)]
    assert sheet.columns[: len(first)].tolist() == first, "no guard was introduced"
    assert sheet["name"].tolist() == [f"=Tea {i}" for i in range(16)], "as it is called, spaces trimmed"
    said = sheet[["status", "version", "week", "currency"]].drop_duplicates().to_dict("records")
    week = pd.Timestamp("2025-01-06")
    assert said == [{"status": "DRAFT", "version": 7, "week": week, "currency": "EUR"}]
    nameless = policy_of()
    nameless = replace(nameless, market=nameless.market.drop(columns=["name", "currency"]))
    assert sheet_of(nameless).columns[:2].tolist() == ["category", "product_id"]


def test_a_held_price_is_the_price_in_force_and_its_change_is_0() -> None:
    sheet = sheet_of(policy_of())
    held = sheet["step"] == 1.0
    assert held.any()
    assert not held.all()
    assert (sheet.loc[held, "price"] == sheet.loc[held, "reference_price"]).all()
    assert (sheet.loc[held, "change_percent"] == 0.0).all()
    moved = sheet[~held]
    change = 100 * (moved["price"] / moved["reference_price"] - 1)
    np.testing.assert_allclose(moved["change_percent"], change, atol=0.005)


def test_the_gains_of_the_rows_add_up_to_the_claim_of_the_list() -> None:
    model = policy_of(3)
    table = price_list(model, in_force(model), PLAIN, seed=1)
    claim = list_claim(table, model.products, model.rules, confidence=0.95, refusal="")
    sheet = sheet_of(model)
    assert sheet["expected_gain"].sum() == pytest.approx(claim["gain"], abs=0.005 * len(sheet))
    assert (claim["gain"] or 0) > 0


def test_expected_units_are_those_of_the_whole_list() -> None:
    model = policy_of(3)
    sheet = sheet_of(model)
    products = model.products
    draws = len(products.slopes)
    ratio = sheet["price"].to_numpy() / products.price
    units = [answer_of(products, np.full(16, draw)).units(products, ratio) for draw in range(draws)]
    np.testing.assert_allclose(sheet["expected_units"], np.mean(units, axis=0), atol=0.0051)


def test_a_reason_says_direction_units_and_gain_in_words() -> None:
    sheet = sheet_of(policy_of(3))
    for _, row in sheet[sheet["step"] != 1.0].iterrows():
        up = row["step"] > 1
        assert row["reason"].startswith("Raised: " if up else "Lowered: ")
        assert "units a week" in row["reason"]
        if row["expected_gain"] >= 0.01:
            assert f"{row['expected_gain']:,.2f} EUR more profit" in row["reason"]
    assert sheet["reason"].str.contains("the largest step of a week").any()


def test_a_gain_at_an_assumed_margin_says_so() -> None:
    sheet = sheet_of(policy_of(3, cost_assumed=True))
    gained = sheet[(sheet["step"] != 1.0) & (sheet["expected_gain"] >= 0.01)]
    assert len(gained)
    assert gained["reason"].str.contains("more profit at the assumed margin").all()


@pytest.mark.parametrize(
    "code", [HOLD_BEST, NOT_IDENTIFIED, NOT_TRAINED, NO_COST, NO_AMOUNT, NOT_BELOW, STALE, ANNOUNCED]
)
def test_every_reason_to_hold_has_its_plain_sentence(code: str) -> None:
    assert code in HELD
    assert HELD[code].endswith(".")


def test_new_products_have_no_expectation_and_unknown_costs_no_gain() -> None:
    model = policy_of(3, unit_cost=[np.nan, *policy_of(3).market["unit_cost"][1:]])
    new = pd.DataFrame({"product_id": ["new"], "store_id": "all", "price": 3.0})
    sheet = sheet_of(model, pd.concat([in_force(model), new], ignore_index=True))
    last = sheet.iloc[-1]
    assert last["price"] == 3.0
    assert last["reason"] == HELD[NOT_TRAINED] or "cost" in last["reason"]
    assert last[["name", "category"]].tolist() == ["", ""]
    assert last[["expected_units", "expected_gain"]].isna().all()
    assert np.isnan(sheet["expected_gain"][0])
    assert sheet["expected_units"][0] > 0
    assert sheet["expected_gain"][1:16].notna().all()


def test_a_price_that_was_drawn_says_from_which_and_an_announced_one_that_it_is_announced() -> None:
    model = policy_of(3)
    sheet = sheet_of(model, plan=Variation(0.5, 0.02))
    drawn = sheet["randomised_price"] != 0
    assert drawn.any()
    assert sheet.loc[drawn, "reason"].str.startswith("Test price, moved at random from ").all()
    prices = in_force(model)
    announced = prices.assign(announced_price=[1.0, *[np.nan] * 15])
    assert sheet_of(model, announced)["reason"][0] == "Price of an announced promotion."


def test_a_price_that_only_makes_room_in_the_index_says_so_and_claims_no_gain() -> None:
    rows = pd.concat([sheet_of(policy_of(seed)) for seed in range(6)])
    lowered = rows[(rows["step"] < 1.0) & (rows["expected_gain"] < 0)]
    room = lowered["reason"].str.contains(
        "keeps the price level of the list within its limit while others rise"
    )
    together = lowered["reason"].str.contains("together with similar products")
    assert room.any()
    assert (room | together).all()
    assert not lowered["reason"].str.contains("weeks to come").any()
