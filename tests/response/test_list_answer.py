"""The answer to a price list: all rows are one list, whatever is not in it keeps the price in force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.response.list_answer import ListError, list_answer

PRODUCTS = pd.DataFrame(
    {
        "product_id": ["a", "b", "c"],
        "store_id": "all",
        "group": [0, 0, 1],
        "reference": 1.0,
        "price": [1.0, 1.0, 2.0],
        "units": [60.0, 40.0, 10.0],
    }
)
DRAWS = {
    "within": np.full((3, 2), 2.0),
    "whole": np.array([[0.5], [1.0], [1.5]]) @ np.ones((1, 2)),
    "curve": np.zeros(3),
}


def answer(**columns: object) -> pd.DataFrame:
    return list_answer(pd.DataFrame(columns), PRODUCTS, DRAWS, 0.95)


def test_all_rows_of_a_request_are_one_list() -> None:
    both = answer(product_id=["b", "a"], price=[0.8, 0.8])
    expected = np.mean([0.8**-0.5, 0.8**-1, 0.8**-1.5])
    assert both["units"].tolist() == pytest.approx([40 * expected, 60 * expected]), "shares stay as they are"
    alone = answer(product_id=["a"], price=[0.8])
    assert alone["units"][0] > both["units"][1], "its sibling kept the price in force and lost buyers to it"
    assert (both["low"] < both["units"]).all()
    assert (both["units"] < both["high"]).all()


def test_a_row_without_a_price_keeps_the_price_in_force_and_tells_what_its_siblings_take() -> None:
    table = answer(product_id=["a", "b", "c"], price=[0.8, np.nan, np.nan])
    assert table["units"][1] < 40
    assert table["units"][2] == pytest.approx(10.0)


def test_a_product_that_was_not_in_the_training_has_no_units() -> None:
    table = answer(product_id=["x", "c"], store_id=[None, "all"], price=[1.0, 2.0])
    assert np.isnan(table["units"][0])
    assert table["units"][1] == pytest.approx(10.0)


def test_a_product_twice_and_a_price_that_is_none_are_refused() -> None:
    with pytest.raises(ListError, match="a in all twice"):
        answer(product_id=["a", "a"], price=[1.0, 2.0])
    with pytest.raises(ListError, match=r"finite and above 0\. Received: 0\.0"):
        answer(product_id=["a"], price=[0.0])
