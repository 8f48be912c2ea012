"""Shelves of equal products at 10.00 that cost 5.00, and their rules, for the tests of the guard."""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.governance.breaker import Breaker
from tasks.governance.guard import Guard
from tasks.governance.list_guard import ACTIONS, Guarded
from tasks.governance.list_rules import UNMOVED, IndexMoved, guard_list
from tasks.governance.rules import Charges, HouseRules, Limits, Shelf

NAN = np.nan
GUARD = Guard(step=0.05, band=0.2, reference_weeks=52, reference_year=0.1, index_week=0.2, index_season=0.5)
HOUSE = HouseRules(guard=GUARD, breaker=Breaker(mean=0.03, median=0.05, percentile_95=0.1))
SHELF = {
    "in_force": 10.0,
    "recent_low": NAN,
    "recent_high": NAN,
    "reference": NAN,
    "cost": 5.0,
    "stale": False,
    "unprotected": False,
    "competitor": NAN,
    "announced": False,
    "prior": NAN,
    "prior_unknown": False,
    "decimals": 2,
    "family": -1,
    "size": NAN,
    "weight": 0.0,
    "worth": 0.0,
}
LIMITS = {
    "least": NAN,
    "most": NAN,
    "fixed": NAN,
    "advertised": NAN,
    "margin": 0.0,
    "margin_of_price": False,
    "step": 0.05,
    "band": 0.2,
    "competitor_low": NAN,
    "competitor_high": NAN,
    "endings": "",
}


def guarded(
    wanted: Any,
    house: HouseRules = HOUSE,
    index_moved: IndexMoved = UNMOVED,
    *,
    charges: Charges | None = None,
    **changes: Any,
) -> Guarded:
    """Return the guarded list of products whose values differ from the usual ones as the changes say."""
    prices = np.atleast_1d(np.array(wanted, float))
    shelf, limits = (
        {name: column(changes.get(name, usual), len(prices)) for name, usual in values.items()}
        for values in (SHELF, LIMITS)
    )
    assert not set(changes) - {*SHELF, *LIMITS}, "a misspelt value would change nothing"
    return guard_list(prices, Shelf(**shelf, charges=charges), Limits(**limits), house, index_moved)


def column(value: Any, rows: int) -> np.ndarray:
    """Return a value for every row, or the values that are given for them."""
    values = np.array(value, dtype=object if isinstance(value, str) else None)
    return np.broadcast_to(values, rows).copy()


def outcome(result: Guarded) -> tuple[str, float]:
    """Return action and price of the only row."""
    return ACTIONS[int(result.action[0])], float(result.price[0])
