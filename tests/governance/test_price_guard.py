"""The guard of a table of prices: whether its list may be published, and what may be varied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import load
from tasks.governance.breaker import Breaker, Changes, changes, tripped
from tasks.governance.price_guard import PriceGuard, house_rules
from tasks.governance.rule_checks import checked_rules
from tests.governance.shelves import GUARD, HOUSE

ROWS = 200


def guard(table: pd.DataFrame | None = None, *, agreed: bool = False, **changed: Any) -> PriceGuard:
    house = replace(HOUSE, **changed)
    rules = None if table is None else checked_rules(table, house)
    return PriceGuard(house=house, table=rules, decimals=2, agreed=agreed)


def products(**columns: Any) -> pd.DataFrame:
    """Return products at 10.00 with a known cost of 5.00 in a shop of 200."""
    usual = {"store_id": "all", "price": 10.0, "covering_price": 5.0, "index_weight": 1 / ROWS}
    names = [f"p{i}" for i in range(ROWS)]
    return pd.DataFrame({"product_id": names}).assign(**{**usual, **columns})


def alternating(change: float) -> np.ndarray:
    return 10.0 * np.where(np.arange(ROWS) % 2, 1 + change, 1 - change)


def test_a_list_of_small_moves_with_known_costs_may_be_published() -> None:
    verdict = guard()(products(), alternating(0.02))
    assert verdict.hindrances == ()
    assert verdict.price.tolist() == alternating(0.02).round(2).tolist()
    assert not verdict.left_out.any()


def test_a_model_whose_outputs_are_halved_publishes_nothing() -> None:
    verdict = guard()(products(), np.full(ROWS, 5.0))
    assert "breaker: the mean change of the wanted prices is -50.0 %" in verdict.hindrances[0]
    assert [sentence.split()[2] for sentence in verdict.hindrances] == ["mean", "median", "95th", "mean"]
    assert (verdict.price >= 9.5).all(), "the guard itself keeps every step"


def test_a_single_absurd_price_is_the_guards_and_not_the_breakers() -> None:
    wanted = alternating(0.02)
    wanted[[0, 1, 2]] = 23_698_655.93, np.nan, 1e300
    verdict = guard()(products(), wanted)
    assert verdict.hindrances == ()
    assert verdict.price[:3].tolist() == [10.5, 10.0, 10.0]


def test_assumed_margins_make_drafts_until_a_person_agrees() -> None:
    assumed = products(cost_assumed=True, covering_price=9.9)
    draft = guard()(assumed, alternating(0.02))
    assert draft.hindrances[0].startswith(
        "200 prices move without a known cost or a named floor: map unit_cost"
    )
    assert draft.price.min() == 9.8, "an assumed cost is no floor"
    assert draft.free.any(), "a draft may vary"
    agreed = guard(agreed=True)(assumed, alternating(0.02))
    assert agreed.hindrances == ()
    assert agreed.price.min() == 9.9, "once agreed it is"
    named = guard(least_price=9.0)(assumed, alternating(0.02))
    assert (named.hindrances, named.price.min()) == ((), 9.8)
    held = guard()(assumed, np.full(ROWS, 10.0))
    assert held.hindrances == (), "a list that moves nothing needs no floor"
    assert not held.free.any(), "a draw would move what has no floor"
    assert guard(least_price=9.0)(assumed, np.full(ROWS, 10.0)).free.all()


def test_what_the_guard_decided_is_not_varied() -> None:
    wanted = np.where(np.arange(ROWS) < 2, 20.0, 10.1)
    table = pd.DataFrame({"scope": "product", "name": ["p2", "p3", "p4"], "endings": ["9", None, None]})
    table = table.assign(pack_family=[None, "a", "a"], pack_size=[np.nan, 1, 2])
    listed = products(announced_price=np.where(np.arange(ROWS) == 5, 10.1, np.nan))
    listed.loc[6, "price"] = np.nan
    verdict = guard(table)(listed, wanted)
    assert np.flatnonzero(~verdict.free).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert verdict.left_out.nonzero()[0].tolist() == [6]
    few = guard(change_share=0.5)(products(), np.where(np.arange(ROWS) < 50, 10.1, 10.0))
    assert few.free.sum() == 50, "a draw that moves a held price would exceed the budget"


def test_the_index_counts_from_the_beginning_of_the_season() -> None:
    narrow = replace(GUARD, index_week=0.01, index_season=0.03)
    moved = float(np.log1p(0.03))
    assert guard(guard=narrow)(products(index_moved=moved), np.full(ROWS, 10.1)).price.max() == 10.0
    assert guard(guard=narrow)(products(index_moved=0.0), np.full(ROWS, 10.1)).price.max() == 10.1
    assert guard()(products().head(0), np.empty(0)).hindrances == ()


def test_the_bounds_of_a_row_hold_all_of_its_rules() -> None:
    low, high = guard(least_price=9.7, most_price=10.3)(products(), alternating(0.02))[3:5]
    assert (low[0], high[0]) == (9.7, 10.3)
    low, high, _ = guard(least_price=9.7).bounds(products(recent_high=10.2, slow_reference=8.5))
    assert (low[0], high[0]) == (9.7, 10.2)


def test_the_settings_are_the_rules() -> None:
    conf = load("smoke", ["guard.endings=['.99']", "guard.least_price=0.5"])
    house = house_rules(conf.guard.model_dump(), conf.price.guard.model_dump())
    assert (house.endings, house.least_price, house.guard.step) == (("99",), 0.5, 0.05)
    assert house.breaker == Breaker(mean=0.03, median=0.05, percentile_95=0.1)


@pytest.mark.parametrize("price", [np.nan, np.inf])
def test_what_is_no_price_does_not_count_as_a_change(price: float) -> None:
    one, ten = np.ones(1, bool), np.array([10.0])
    assert changes(np.array([price]), ten, one) == Changes(0.0, 0.0, 0.0)
    assert changes(ten, ten, ~one) == Changes(0.0, 0.0, 0.0)
    assert changes(np.array([1e9]), ten, one).mean == 1.0, "at most 100 %"


def test_a_limit_is_exceeded_only_beyond_it() -> None:
    breaker = Breaker(mean=0.03, median=0.05, percentile_95=0.1)
    assert tripped(breaker, Changes(-0.03, 0.05, 0.1), "list") == []
    assert tripped(breaker, Changes(np.nan, 0.0, 0.0), "list") != [], "nan trips"
    sentence = (
        "the 95th percentile change of the list is +11.0 %, the limit `guard.breaker.percentile_95` 10.0 %"
    )
    assert tripped(breaker, Changes(0.0, 0.0, 0.11), "list") == [f"breaker: {sentence}"]
