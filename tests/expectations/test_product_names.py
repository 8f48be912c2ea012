"""Figures call a product by its name: short, told apart from others, and by its id where it has none."""

from __future__ import annotations

import pandas as pd

from expectations.product_names import product_names, series_name, shortened


def test_the_last_name_counts_and_capitals_become_readable() -> None:
    table = pd.DataFrame({"product_id": ["1", "1", "2"], "name": ["OLD", "WHOLE  MILK 1 GA", "iPhone 7"]})
    assert product_names(table) == {"1": "Whole Milk 1 Ga", "2": "iPhone 7"}


def test_a_product_without_a_name_is_called_by_its_id() -> None:
    table = pd.DataFrame({"product_id": ["1", "2", "3"], "name": [None, "  ", "Eggs"]})
    assert product_names(table) == {"1": "1", "2": "2", "3": "Eggs"}
    assert product_names(table.drop(columns="name")) == {"1": "1", "2": "2", "3": "3"}


def test_products_of_one_name_are_told_apart_by_their_ids() -> None:
    table = pd.DataFrame({"product_id": ["1", "2", "3"], "name": ["Milk", "MILK", "Eggs"]})
    assert product_names(table) == {"1": "Milk (1)", "2": "Milk (2)", "3": "Eggs"}


def test_a_long_name_ends_with_an_ellipsis() -> None:
    assert shortened("x" * 10, 10) == "x" * 10
    assert shortened("apple juice & cider", 12) == "apple juice…"
    table = pd.DataFrame({"product_id": ["1", "2"], "name": ["Long name of a", "Long name of b"]})
    assert product_names(table, 10) == {"1": "Long name… (1)", "2": "Long name… (2)"}


def test_a_store_is_said_where_there_are_several() -> None:
    assert series_name({"1": "Milk"}, "1", "all") == "Milk"
    assert series_name({"1": "Milk"}, "2", "north") == "2, store north"
