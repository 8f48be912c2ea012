"""Rules by category and product: their precedence, and what of a table is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expectations.refusals import DataError
from tasks.governance.endings import digits_of
from tasks.governance.rule_checks import checked_rules
from tasks.governance.rule_table import RowRules, rules_of, strangers
from tests.governance.shelves import HOUSE

PRODUCTS = pd.DataFrame(
    {
        "product_id": ["cola", "cola", "tea", "soap"],
        "store_id": ["north", "south", "north", "north"],
        "category": ["drinks", "drinks", "drinks", None],
    }
)
LIMITED = replace(HOUSE, least_price=1.0, most_price=90.0, margin_floor=0.25, competitor_low=0.8)


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([{"scope": "product", "name": "cola", **row} for row in rows])


def rules(*rows: dict[str, Any]) -> RowRules:
    return rules_of(PRODUCTS, checked_rules(table(*rows), LIMITED), LIMITED)


def test_a_cell_of_a_product_comes_before_its_category_and_that_before_the_settings() -> None:
    drinks = {"scope": "category", "name": "drinks"}
    given = rules(
        {**drinks, "step": 0.03, "least_price": 2, "endings": ".99|95"}, {"step": 0.02, "endings": " "}
    )
    assert given.limits.step.tolist() == [0.02, 0.02, 0.03, 0.05]
    assert given.limits.least.tolist() == [2.0, 2.0, 2.0, 1.0], "an empty cell says nothing"
    assert given.limits.endings.tolist() == ["99|95", "99|95", "99|95", ""]
    assert np.isnan(given.limits.fixed).all()


def test_a_margin_is_of_what_its_row_says_or_the_settings() -> None:
    margin = {"margin_floor": 0.5, "margin_of": "price"}
    given = rules({"scope": "category", "name": "drinks", "margin_floor": 0.4}, margin)
    assert given.limits.margin.tolist() == [0.5, 0.5, 0.4, 0.25]
    assert given.limits.margin_of_price.tolist() == [True, True, False, False]


def test_a_family_of_packs_is_of_a_store() -> None:
    given = rules(
        {"pack_family": "cola", "pack_size": 2}, {"name": "tea", "pack_family": "cola", "pack_size": 1}
    )
    assert given.family[0] == given.family[2] != given.family[1]
    assert given.family[3] == -1
    assert given.size.tolist()[:3] == [2.0, 2.0, 1.0]


def test_without_a_table_or_categories_the_settings_hold_for_all() -> None:
    assert rules_of(PRODUCTS, None, LIMITED).limits.least.tolist() == [1.0] * 4
    plain = PRODUCTS.drop(columns="category")
    checked = checked_rules(table({"step": 0.02}), LIMITED)
    assert rules_of(plain, checked, LIMITED).limits.step.tolist() == [0.02, 0.02, 0.05, 0.05]


def test_rules_that_meet_no_product_are_named() -> None:
    checked = checked_rules(table({}, {"name": "mate"}, {"scope": "category", "name": "drnks"}), LIMITED)
    assert strangers(PRODUCTS, checked) == ["category 'drnks'", "product 'mate'"]
    assert "category 'drnks'" in strangers(PRODUCTS.drop(columns="category"), checked)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"margin_flor": 0.2}, r"column margin_flor: there is no such rule.*Remedy: write margin_floor"),
        ({"colour": "red"}, r"column colour: .*take it out; rules are scope, name"),
        ({"scope": "store"}, r"row 1, column scope: 'store'.*a scope is category or product"),
        ({"name": " "}, r"row 1, column name: \(empty\).*names its category or product"),
        ({"least_price": -0.0}, r"column least_price: -0\.0\. Rule: least_price is a number above 0"),
        ({"least_price": np.inf}, r"column least_price: inf\. Rule"),
        ({"most_price": "ten"}, r"column most_price: 'ten'\. Rule"),
        (
            {"step": 0.26, "approved_by": "Ada"},
            r"column step: 0\.26\. Rule: step is a number above 0 up to 0\.25",
        ),
        ({"band": 0.51, "approved_by": "Ada"}, r"column band: 0\.51"),
        (
            {"margin_floor": -0.1, "approved_by": "Ada"},
            r"margin_floor is a number from 0 to 10, of the price to",
        ),
        ({"margin_floor": 0.96, "margin_of": "price"}, r"column margin_floor: 0\.96"),
        ({"margin_floor": 0.5, "margin_of": "sales"}, r"column margin_of: 'sales'"),
        ({"margin_of": "price"}, r"margin_of is cost or price, beside a margin_floor"),
        ({"endings": "x9"}, r"column endings: 'x9'\. Rule: endings are the last 1 to 4 digits"),
        ({"endings": "12345"}, r"column endings: '12345'"),
        ({"pack_family": "cola"}, r"column pack_family: .*has a pack_family and a pack_size, or neither"),
        (
            {"least_price": 0.9},
            r"column least_price: 0\.9\. Rule: .*looser than the settings \(1\).*approved_by",
        ),
        ({"most_price": 91}, r"column most_price: 91.*looser"),
        ({"step": 0.06}, r"column step: 0\.06.*looser"),
        ({"band": 0.3}, r"column band: 0\.3.*looser"),
        ({"competitor_low": 0.7}, r"column competitor_low: 0\.7.*looser"),
        ({"margin_floor": 0.24}, r"column margin_floor: 0\.24.*looser than the settings \(0\.2\)"),
        ({"margin_floor": 0.19, "margin_of": "price"}, r"column margin_floor: 0\.19.*looser"),
    ],
)
def test_a_rule_that_is_misspelt_or_beyond_its_limit_or_loosened_is_refused(
    row: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        checked_rules(table(row), LIMITED, "rules.csv")


def test_packs_and_scopes_are_given_once_and_columns_are_named() -> None:
    pack = {"pack_family": "cola", "pack_size": 1}
    with pytest.raises(DataError, match="a family has one product of every pack size"):
        checked_rules(table(pack, {"name": "tea", **pack}), LIMITED)
    with pytest.raises(DataError, match="a category or product has one row"):
        checked_rules(table({}, {}), LIMITED)
    with pytest.raises(DataError, match="column name: there is no such column"):
        checked_rules(pd.DataFrame({"scope": ["product"], "step": [0.1]}), LIMITED)


def test_a_loosened_rule_with_a_name_is_taken_and_a_tightened_one_needs_none() -> None:
    loose = {"least_price": 0.5, "step": 0.2, "approved_by": "Ada"}
    assert rules(loose).limits.step[0] == 0.2
    assert rules({"margin_floor": 0.2, "margin_of": "price"}).limits.margin[0] == 0.2, "a quarter of the cost"
    assert rules({"most_price": 89.0, "competitor_high": 5}).limits.most[0] == 89.0


def test_endings_are_digits_with_or_without_a_point() -> None:
    assert digits_of([".99", " 5 "]) == ("99", "5")
    with pytest.raises(ValueError, match=r"last 1 to 4 digits of a price, such as '99'\. Received: '-1'"):
        digits_of(["-1"])
