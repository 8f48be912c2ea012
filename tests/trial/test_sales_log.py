"""Sales with drawn prices are decisions; without probabilities they are none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.trial.decision_log import read_log
from tasks.trial.sales_log import decisions_of


def sales(periods: int, prices: list[float]) -> pd.DataFrame:
    dates = pd.date_range("2025-01-06", periods=periods, unit="us")  # a Monday
    columns = {
        "date": dates,
        "product_id": "1",
        "store_id": "all",
        "units": np.arange(periods, dtype=float),
        "price": prices,
    }
    return pd.DataFrame({**columns, "reference_price": 2.0, "propensity": 0.5})


def test_a_price_drawn_for_a_week_is_one_decision() -> None:
    decisions = decisions_of(sales(21, [2.0] * 7 + [2.2] * 7 + [2.0] * 7), "revenue")
    assert decisions is not None
    assert decisions["price"].tolist() == [2.2, 2.0], "nothing is known before the first week"
    assert decisions["reward"].tolist() == pytest.approx([2.2 * sum(range(7, 14)), 2.0 * sum(range(14, 21))])
    assert decisions["units_before"].tolist() == [sum(range(7)), sum(range(7, 14))]


def test_prices_drawn_from_day_to_day_are_decisions_of_their_own() -> None:
    decisions = decisions_of(sales(4, [2.0, 2.2, 2.0, 2.2]).assign(unit_cost=1.0), "profit")
    assert decisions is not None
    assert decisions["reward"].tolist() == pytest.approx([1.2 * 1, 1.0 * 2, 1.2 * 3])


def test_the_reward_of_a_decision_is_what_the_policy_maximises() -> None:
    table = sales(4, [2.0, 2.2, 2.0, 2.2]).assign(unit_cost=[9.0, 1.0, np.nan, 9.0])
    revenue, profit = decisions_of(table, "revenue"), decisions_of(table, "profit")
    assert revenue is not None
    assert profit is not None
    assert revenue["reward"].tolist() == pytest.approx([2.2 * 1, 2.0 * 2, 2.2 * 3]), (
        "a row without a cost has its revenue"
    )
    assert profit["reward"].tolist() == pytest.approx([1.2 * 1, (2.2 - 9.0) * 3]), (
        "a cost above the price is a loss"
    )
    assert decisions_of(table.drop(columns="unit_cost"), "profit") is None, "profit needs a cost"


def test_rows_without_a_probability_are_left_out_and_a_table_without_any_is_no_log() -> None:
    table = sales(14, [2.0] * 14)
    assert decisions_of(table.drop(columns="propensity"), "revenue") is None
    assert decisions_of(table.assign(propensity=np.nan), "revenue") is None
    decisions = decisions_of(table.assign(propensity=[0.5] * 7 + [np.nan] * 7), "revenue")
    assert decisions is None, "the one week that was drawn has no week before it"


def test_prices_in_whole_cents_are_the_steps_they_are_nearest_to() -> None:
    log = pd.DataFrame(
        {"price": [2.44, 2.71, 3.1], "reference_price": 2.71, "propensity": 0.5, "reward": 1.0}
    )
    decisions = read_log(log, pd.DataFrame({"ratio": [0.9, 1.0, 1.1]}))
    assert decisions.levels.tolist() == [0.9, 1.0, 1.1, 1.14]
    assert decisions.levels[decisions.action].tolist() == [0.9, 1.0, 1.14]
