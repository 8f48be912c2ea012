"""Where stock runs out, the slopes are those of what buyers wanted, not of what was there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from tasks.bench.cases.true_shops import true_shop
from tasks.demand.censoring import uncensored
from tasks.response.elasticities import panel_response
from tasks.response.group_response import WHOLE, group_response
from tasks.response.identification import Identification


def group_slope(sales: pd.DataFrame) -> float:
    """Return the mean slope of groups as a whole."""
    identification = Identification(**Settings(profile="closed_loop").respond.model_dump())
    response = panel_response(sales, "D", identification)
    groups = group_response(sales, "D", identification, response, seed=1, bounded=response.weeks)
    return float(groups.draws[WHOLE].mean())


def test_groups_that_sell_out_by_a_low_price_answer_it() -> None:
    shop = true_shop("nested_stock", 13)
    dearer = 1.02
    sold = shop.price * shop.demand.units(shop.price)
    true = -np.log((shop.price * shop.demand.units(dearer * shop.price)).sum() / sold.sum()) / np.log(dearer)
    assert group_slope(shop.history) < true - 0.3, "what was there hides that buyers answer"
    assert group_slope(uncensored(shop.history, "D")) == pytest.approx(true, abs=0.4)


def test_weeks_without_any_stock_show_nothing_and_those_that_ran_out_stay() -> None:
    history = true_shop("nested_stock", 13).history
    first = history["product_id"] == history["product_id"].iloc[0]
    monday = pd.Timestamp(history["date"].min())
    monday += pd.Timedelta(days=(7 - monday.dayofweek) % 7)
    week = history["date"].between(monday, monday + pd.Timedelta(days=6))
    history.loc[first & week, ["stock", "units"]] = 0.0
    demand = uncensored(history, "D")
    assert len(demand) == len(history) - 7
    assert (demand["units"].to_numpy() >= history[~(first & week)]["units"].to_numpy()).all()
    assert "stock" not in demand
