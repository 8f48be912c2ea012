"""Chosen features: what the selection may read ends with the first fold's origin."""

from __future__ import annotations

import pandas as pd
import pytest

from tasks.demand.chosen_features import FeatureChoice, Origins, chosen_features, first_origin
from tests.sources.daily_shop import COLUMNS, DAYS, daily_sales

ORIGINS = Origins(horizon=7, gap=1, folds=2, holdout_origins=1)
CHOICE = FeatureChoice(
    period="D", lags=(1, 7), windows=(7,), rivals=0, redundant_above=0.97, noise_columns=2, seed=4
)


@pytest.fixture
def sales() -> pd.DataFrame:
    names = {source: name for name, source in COLUMNS.items()}
    table = daily_sales().rename(columns=names)
    dates = pd.to_datetime(table["date"]).astype("datetime64[us]")
    return table.assign(date=dates, units=table["units"].astype(float))


def test_the_first_origin_lies_before_every_target_and_the_gap(sales: pd.DataFrame) -> None:
    # 200 days less 3 * 7 targets less a gap of 1: the 178th day is the last one known
    last_known = pd.Timestamp("2024-01-01") + pd.Timedelta(days=DAYS - 21 - 1 - 1)
    assert first_origin(sales, "D", ORIGINS) == last_known


def test_the_selection_does_not_read_past_the_first_origin(sales: pd.DataFrame) -> None:
    until = first_origin(sales, "D", ORIGINS)
    later = sales["date"] > until
    changed = sales.assign(
        units=sales["units"].mask(later, 900.0), price=sales["price"].mask(later, sales["price"] * 3)
    )
    before, after = (chosen_features(table, CHOICE, until) for table in (sales, changed))
    assert before.selection == after.selection
    assert not before.table.frame.equals(after.table.frame), "the change reaches the features"


def test_used_and_dropped_features_are_all_that_were_built(sales: pd.DataFrame) -> None:
    features = chosen_features(sales, CHOICE, first_origin(sales, "D", ORIGINS))
    assert {*features.used, *features.selection.dropped} == {*features.table.past, *features.table.known}
    assert all(features.used.values()), "every used feature says what it is"
