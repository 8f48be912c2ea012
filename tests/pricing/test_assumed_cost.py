"""Where no cost is known, one is assumed by a stated margin, and whatever depends on it says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.pricing.assumed_cost import MarginError, assumed_note, costed, with_assumed_costs


@pytest.fixture
def market() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "product_id": ["milk", "cream", "cola", "soap"],
            "store_id": "all",
            "price": [2.0, 4.0, 1.0, 3.0],
            "unit_cost": [np.nan, 3.5, np.nan, np.nan],
            "category": ["milk", "cream", "soft drinks", None],
        },
        index=[7, 3, 1, 0],
    )


def costs(market: pd.DataFrame, margins: dict[str, float]) -> list[float]:
    return with_assumed_costs(market, margins, 0.3)["unit_cost"].round(9).tolist()


def test_an_unknown_cost_is_what_a_margin_leaves_of_the_price(market: pd.DataFrame) -> None:
    table = with_assumed_costs(market, {}, 0.3)
    assert table["unit_cost"].tolist() == pytest.approx([1.4, 3.5, 0.7, 2.1])
    assert table["cost_assumed"].tolist() == [True, False, True, True]
    assert table["cost_assumed"].dtype == bool
    assert market["unit_cost"].isna().sum() == 3, "the market that was given is not touched"


def test_a_margin_is_a_share_of_the_price_without_tax(market: pd.DataFrame) -> None:
    taxed = market.assign(price=market["price"] * 1.25, tax_rate=0.25)
    assert costs(taxed, {}) == costs(market, {}), "a price of 2.50 with 25 % tax is 2.00 without"
    mixed = taxed.assign(tax_rate=[0.25, 0.25, 0.0, 0.25])
    assert costs(mixed, {}) == [1.4, 3.5, 0.875, 2.1]


def test_margins_are_those_of_categories_where_there_are_no_departments(market: pd.DataFrame) -> None:
    assert costs(market, {"soft drinks": 0.4, "milk": 0.25}) == [1.5, 3.5, 0.6, 2.1]


def test_margins_are_those_of_departments_where_there_are_some(market: pd.DataFrame) -> None:
    departments = market.assign(department=["dairy", "dairy", "drinks", "care"])
    assert costs(departments, {"dairy": 0.1, "care": 0.5}) == [1.8, 3.5, 0.7, 1.5]
    with pytest.raises(MarginError, match=r"'soft drinks' is no department of the market\. Nearest: drinks"):
        costs(departments, {"soft drinks": 0.4})


def test_a_margin_of_nothing_in_the_market_is_refused_with_the_nearest_names(market: pd.DataFrame) -> None:
    with pytest.raises(MarginError) as error:
        costs(market, {"Soft Drink": 0.4, "milk": 0.25, "crem": 0.2})
    lines = str(error.value).splitlines()
    assert lines[0].startswith(
        "price.margins: 'Soft Drink' is no category of the market. Nearest: soft drinks"
    )
    assert lines[1].startswith("price.margins: 'crem' is no category of the market. Nearest: cream")
    assert lines[1].endswith(
        "Write a category as the sales have it, with its margin as a share of the shelf price."
    )
    with pytest.raises(MarginError, match="Nearest: the market has none"):
        costs(market.assign(category=None), {"milk": 0.2})


def test_the_note_says_the_margin_and_of_how_many_products_it_is_assumed(market: pd.DataFrame) -> None:
    assert assumed_note(with_assumed_costs(market, {}, 0.3)) == (
        "profit at an assumed margin of 30 % of the shelf price (no cost known of 3 of 4 products); "
        "map unit_cost to know it"
    )
    stated = {"milk": 0.125, "cream": 0.9, "soft drinks": 0.4}
    assert assumed_note(with_assumed_costs(market, stated, 0.3)).startswith(
        "profit at assumed margins of 12.5 % to 40 % of the shelf price (no cost known of 3 of 4 products)"
    ), "the margin of cream is not used: its cost is known"


def test_nothing_is_noted_where_every_cost_is_known(market: pd.DataFrame) -> None:
    assert assumed_note(with_assumed_costs(market.assign(unit_cost=1.0), {}, 0.3)) == ""


def test_a_sales_table_takes_the_costs_that_the_market_assumes(
    market: pd.DataFrame,
) -> None:
    table = with_assumed_costs(market, {}, 0.3)
    sales = pd.DataFrame(
        {"product_id": ["soap", "cream", "new"], "store_id": "all", "unit_cost": [np.nan, 3.4, np.nan]}
    )
    assert costed(sales, table)["unit_cost"].tolist()[:2] == pytest.approx([2.1, 3.4])
    assert costed(sales, table)["unit_cost"].isna().tolist() == [False, False, True]
    assert costed(sales.drop(columns="unit_cost"), table)["unit_cost"].round(9).tolist()[0] == 2.1
