"""Redundant and noisy features are dropped, with the reason; what the forecast must answer to stays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.demand.features import FeatureTable, build_features
from tasks.demand.selection import Selection, select


@pytest.fixture(scope="module")
def sales() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    dates = pd.date_range("2024-01-01", periods=300, unit="us")
    parts = []
    for product in range(8):
        price = rng.choice([2.0, 2.5, 3.0], len(dates))
        weekend = dates.dayofweek >= 5
        units = rng.poisson(6 * (product + 1) * (price / 2.5) ** -2 * np.where(weekend, 2.0, 1.0)).astype(
            float
        )
        parts.append(
            pd.DataFrame(
                {"date": dates, "product_id": str(product), "store_id": "all", "units": units, "price": price}
            )
        )
    return pd.concat(parts, ignore_index=True).assign(category="x", promotion_noise=rng.random(2400))


@pytest.fixture(scope="module")
def table(sales: pd.DataFrame) -> FeatureTable:
    built = build_features(sales, (1, 7), (7, 28), "D")
    frame = built.frame.assign(
        twin=built.frame["log_price"] * 2 + 1, dice=np.random.default_rng(9).random(len(built.frame))
    )
    return FeatureTable(
        frame, built.past, (*built.known, "twin", "dice"), {**built.descriptions, "twin": "", "dice": ""}
    )


def chosen(table: FeatureTable, sales: pd.DataFrame, seed: int = 3) -> Selection:
    return select(table, sales, pd.Timestamp("2024-09-01"), 0.97, 5, seed=seed)


def test_twins_and_dice_are_dropped_with_their_reasons(table: FeatureTable, sales: pd.DataFrame) -> None:
    selection = chosen(table, sales)
    assert selection.dropped["twin"] == "redundant: correlation 1.000 with log_price"
    assert selection.dropped["dice"].startswith("noise: importance")
    assert {"log_units", "log_price", "promotion_noise"} <= {*selection.past, *selection.known}
    assert {"saturday"} <= set(selection.known), "what moves demand is kept"
    assert {*selection.past, *selection.known, *selection.dropped} == {*table.past, *table.known}


def test_what_comes_after_the_first_origin_is_not_looked_at(table: FeatureTable, sales: pd.DataFrame) -> None:
    later = table.frame["date"] > "2024-09-01"
    frame = table.frame.copy()
    frame.loc[later, [*table.past, *table.known]] = 0.0
    assert chosen(FeatureTable(frame, table.past, table.known, table.descriptions), sales) == chosen(
        table, sales
    )


def test_the_same_seed_selects_the_same(table: FeatureTable, sales: pd.DataFrame) -> None:
    assert chosen(table, sales) == chosen(table, sales)
