"""Step and band are the same for the mask and the list, and a table of rules reaches both of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.governance.guard import price_bounds
from tasks.governance.list_bounds import bounds_of
from tasks.governance.money import PARTS
from tasks.governance.price_guard import PriceGuard
from tasks.governance.rule_checks import checked_rules
from tasks.governance.rule_table import rules_of
from tasks.operations.price_rules import with_bounds, with_row_rules
from tasks.pricing.greedy import Greedy
from tasks.pricing.price_list import in_force, price_list
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.variation import Variation
from tests.governance.shelves import GUARD, HOUSE
from tests.pricing.small_market import gainful_weights, group_of, model_of, shop_rules

AS_OF = pd.Timestamp("2025-01-20")
ROWS = 20_000


def prices_of(seed: int, decimals: int) -> pd.DataFrame:
    """Return prices in force with recent and reference prices, some of them far outside of step and band."""
    rng = np.random.default_rng(seed)
    price, reference = np.exp(rng.normal(1.0, 1.0, ROWS)), rng.normal(1.0, 0.15, ROWS)
    spread = 1 + 0.05 * rng.random((2, ROWS)) * rng.choice([1.0, 2.0], (2, ROWS))
    table = pd.DataFrame(
        {
            "price": price,
            "recent_low": price / spread[0],
            "recent_high": price * spread[1],
            "slow_reference": price * reference.clip(0.5, 1.5),
        }
    )
    named = table.round(decimals).clip(lower=10.0**-decimals)
    return named.assign(product_id=[f"p{i}" for i in range(ROWS)], store_id="all", covering_price=1e-6)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("decimals", [0, 2, 4])
def test_the_bounds_of_mask_and_list_never_disagree(seed: int, decimals: int) -> None:
    rng = np.random.default_rng(seed)
    rules = replace(GUARD, step=float(rng.uniform(0.01, 0.25)), band=float(rng.uniform(0.05, 0.5)))
    table = prices_of(seed, decimals)
    columns = [table[name].to_numpy() for name in ("price", "recent_low", "recent_high", "slow_reference")]
    low, high = price_bounds(*columns, rules)
    house = replace(HOUSE, guard=rules)
    guard = PriceGuard(house=house, table=None, decimals=2, agreed=False)
    row_rules = rules_of(table, None, house)
    bounds = bounds_of(guard._shelf(table, row_rules), row_rules.limits)
    np.testing.assert_array_equal(np.maximum(low.round(6), 0.01), bounds.low / (100 * PARTS))
    np.testing.assert_array_equal(high.round(6), bounds.high / (100 * PARTS))


def policy(slope: float) -> PolicyModel:
    """Return a policy of two products at 2.00, whose slow reference prices are 2.00 and 1.70."""
    free = shop_rules(index_week=np.inf, index_season=np.inf)
    model = model_of(group_of([20.0] * 2, whole=slope), free, Greedy(gainful_weights()))
    bands = {"lowest": [1.6, 1.36], "highest": [2.4, 2.04], "slow_reference": [2.0, 1.7]}
    market = model.market.assign(**bands, date=AS_OF - pd.Timedelta(days=15))
    return replace(model, market=market)


def listed(model: PolicyModel, rules: dict[str, object], **recent: float) -> list[float]:
    """Return the prices of a list by a table of rules for both products."""
    rows = {"scope": "product", "name": ["p0", "p1"], "approved_by": "Ada", **rules}
    guard = PriceGuard(house=HOUSE, table=checked_rules(pd.DataFrame(rows), HOUSE), decimals=2, agreed=False)
    seen = in_force(model)[["product_id", "store_id"]].assign(**recent) if recent else None
    bounds = with_bounds(in_force(model), model, GUARD, None, as_of=AS_OF, published=seen)
    current = with_row_rules(bounds, model, guard, None)
    listed = price_list(model, current, Variation(0.0, 0.05), seed=1, guard=guard)
    return listed["price"].tolist()


def test_a_looser_step_lets_a_price_move_that_the_settings_hold() -> None:
    recent = {"recent_low": 1.92, "recent_high": 2.0}
    assert listed(policy(0.5), {"band": 0.5}, **recent) == [2.0, 2.0], "1.92 x 1.05 = 2.016"
    assert listed(policy(0.5), {"step": 0.1, "band": 0.5}, **recent) == [2.1, 2.1], "1.92 x 1.10 = 2.112"


def test_a_looser_band_lets_a_price_move_on_and_a_tighter_one_holds_it() -> None:
    assert listed(policy(0.5), {"step": 0.05}) == [2.1, 2.0], "1.70 x 1.20 = 2.04, and a step leads to 2.05"
    assert listed(policy(0.5), {"band": 0.3}) == [2.1, 2.1]
    assert listed(policy(0.5), {"band": 0.03}) == [2.05, 2.0], "2.06 is the end of the band of the first"


def test_a_tighter_step_reaches_the_plan_of_the_policy() -> None:
    assert listed(policy(0.5), {"step": 0.03, "band": 0.5}) == [2.05, 2.05], "the step below 2.06, not 2.06"
