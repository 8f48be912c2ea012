"""The newest cost of a product counts, its day is known, and one that is too old holds its price."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.pricing.known_cost import STALE
from tasks.pricing.newest_cost import with_newest_costs
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.variation import Variation
from tests.pricing.small_market import model_of, products, shop_rules

TRAINED, TODAY = pd.Timestamp("2026-01-04"), pd.Timestamp("2026-03-01")
OLD, NEW = pd.Timestamp("2025-11-30"), pd.Timestamp("2026-02-20")


def policy(dates: list[Any] | None = None, **changes: Any) -> PolicyModel:
    """Return a policy of three products at 2.00 that cost 1.00; of costs without days, trained in January."""
    model = model_of(replace(products(3), **changes), shop_rules())
    market = model.market.assign(date=TRAINED)
    return replace(model, market=market if dates is None else market.assign(cost_date=pd.to_datetime(dates)))


def sales(cost: float, date: pd.Timestamp = NEW) -> pd.DataFrame:
    """Return sales of the first product alone."""
    row = {"date": date, "product_id": "p0", "store_id": "all", "units": 1.0, "price": 2.0}
    return pd.DataFrame([{**row, "unit_cost": cost}, {**row, "date": TODAY, "unit_cost": np.nan}])


def known(model: PolicyModel, sold: pd.DataFrame | None = None, most: int = 90, **given: Any) -> pd.DataFrame:
    return with_newest_costs(in_force(model).assign(**given), model, sold, TODAY, most)


def test_a_newer_cost_of_the_sales_replaces_that_of_the_training() -> None:
    table = known(policy([OLD, OLD, OLD]), sales(1.4))
    assert table["unit_cost"].fillna(0).tolist() == [1.4, 0, 0], "that of the training stands elsewhere"
    assert table["cost_date"].tolist() == [NEW, OLD, OLD]
    older = known(policy([NEW, NEW, NEW]), sales(1.4, OLD))
    assert older["unit_cost"].isna().all(), "an older one replaces nothing"


def test_a_cost_of_the_table_of_prices_is_one_of_today() -> None:
    table = known(policy([OLD] * 3), sales(1.4), unit_cost=[np.nan, 1.5, np.nan])
    assert table["unit_cost"].fillna(0).tolist() == [1.4, 1.5, 0]
    assert table["cost_date"].tolist() == [NEW, TODAY, OLD]


@pytest.mark.parametrize(("most", "stale"), [(91, False), (90, True)])
def test_a_cost_is_stale_from_the_day_after_its_limit_and_its_price_holds(most: int, stale: bool) -> None:
    model = policy([OLD, NEW, NEW])  # 91 days before the list
    table = known(model, most=most)
    assert table["cost_stale"].tolist() == [stale, False, False]
    listed = price_list(model, table, Variation(0.5, 0.05), seed=1)
    assert (listed["reason"] == STALE).tolist() == [stale, False, False]
    assert (listed["price"][0] == 2.0) or not stale


def test_a_cost_without_a_day_is_as_old_as_its_training() -> None:
    assert known(policy(), most=56)["cost_date"].tolist() == [TRAINED] * 3
    assert known(policy(), most=55)["cost_stale"].all()


def test_a_cost_that_is_assumed_or_not_known_has_no_age() -> None:
    table = known(policy([OLD] * 3, cost_assumed=np.ones(3, bool)), most=1)
    assert table["cost_date"].isna().all()
    assert not table["cost_stale"].any()
    nothing = known(policy(unit_cost=np.full(3, np.nan)), most=1)
    assert not nothing["cost_stale"].any()
