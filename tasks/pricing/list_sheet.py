"""The price list as a manager reads it: what it is, what changes, what that is expected to do, and why.

The columns of ``price_list`` follow, so that the list can be logged with the sales.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import (
    ACTION,
    CATEGORY,
    CURRENCY,
    NAME,
    PRICE,
    PRODUCT,
    REASON,
    REFERENCE_PRICE,
    RULE,
    STORE,
)
from expectations.cost_words import with_cost_words
from tasks.pricing.guarded_plan import GUARD_REASON, HOLD, LEAVE_OUT
from tasks.pricing.known_cost import COST_FAULTS
from tasks.pricing.list_expectation import Expected, Interval, expected_of
from tasks.pricing.list_reasons import sentences
from tasks.pricing.recommend import COST_BOUND, COST_HOLDS, PolicyModel
from tasks.pricing.shop_view import ShopNow

CHANGE, EXPECTED_UNITS, EXPECTED_GAIN = "change_percent", "expected_units", "expected_gain"
UNITS_LOW, UNITS_HIGH = "expected_units_low", "expected_units_high"
GAIN_LOW, GAIN_HIGH = "expected_gain_low", "expected_gain_high"
STATUS, VERSION, WEEK = "status", "version", "week"
CHAMPION, DRAFT, FAILED_DRAFT = "CHAMPION", "DRAFT", "DRAFT OF A FAILED VERSION"
FIRST = [
    NAME,
    CATEGORY,
    PRODUCT,
    STORE,
    REFERENCE_PRICE,
    PRICE,
    CHANGE,
    EXPECTED_UNITS,
    UNITS_LOW,
    UNITS_HIGH,
    EXPECTED_GAIN,
    GAIN_LOW,
    GAIN_HIGH,
    REASON,
    ACTION,
    RULE,
    STATUS,
    VERSION,
    WEEK,
    CURRENCY,
]
"""Columns that come before those of ``price_list``, as far as there are."""
DECIMALS = 2  # of what is expected


@dataclass(frozen=True, kw_only=True)
class Heading:
    """What every row of a list says of the list.

    Attributes:
        version: of `pricing_policy`.
        status: ``CHAMPION``, ``DRAFT``, or ``DRAFT OF A FAILED VERSION``.
        week: first day for which the list is.
        confidence: probability of the intervals of what is expected.
    """

    version: int
    status: str
    week: pd.Timestamp
    confidence: float


def price_sheet(
    policy: PolicyModel,
    table: pd.DataFrame,
    prices: pd.DataFrame,
    heading: Heading,
    now: ShopNow | None = None,
) -> pd.DataFrame:
    """Return the list with names, changes, expectations and plain reasons first.

    ``change_percent`` is 100 (price / price in force - 1), 0 for a price that holds. ``expected_units``
    (units/week) and ``expected_gain`` (currency/week) hold for the whole list, with the interval of what is
    not known about slopes and curve; they are empty for a product that was not in the training, the gain also
    for one whose cost is not known. ``reason`` is a sentence, of
    the guard where it decided. Products that the guard leaves out are not in the list.

    Args:
        policy: what recommended.
        table: the list, as ``price_list`` returns it.
        prices: what ``price_list`` took.
        heading: of the list.
        now: what the shop knows now; none: the first decision after the training.
    """
    expected = expected_of(policy, table, prices, now, heading.confidence)
    change = 100 * (table[PRICE] / table[REFERENCE_PRICE] - 1)
    columns: dict[str, Any] = {
        **_texts(policy, table),
        CHANGE: change.where(table[PRICE] != table[REFERENCE_PRICE], 0.0).round(DECIMALS),
        **_rounded((EXPECTED_UNITS, UNITS_LOW, UNITS_HIGH), expected.units),
        **_rounded((EXPECTED_GAIN, GAIN_LOW, GAIN_HIGH), expected.gain),
        REASON: pd.Series(_reasons(policy, table, prices, expected), table.index, dtype="str"),
        STATUS: pd.Series(heading.status, table.index, dtype="str"),
        VERSION: heading.version,
        WEEK: heading.week,
    }
    sheet = table.assign(**columns).drop(columns=GUARD_REASON, errors="ignore")
    if ACTION in sheet:
        sheet = sheet[sheet[ACTION] != LEAVE_OUT].reset_index(drop=True)
    first = [name for name in FIRST if name in sheet]
    return sheet[[*first, *(name for name in sheet if name not in first)]]


def _rounded(names: Sequence[str], values: Interval) -> dict[str, np.ndarray]:
    return {name: column.round(DECIMALS) for name, column in zip(names, values, strict=True)}


def _reasons(
    policy: PolicyModel, table: pd.DataFrame, prices: pd.DataFrame, expected: Expected
) -> np.ndarray:
    """Return why the prices are what they are, and the costs that mattered, text (rows,).

    What the guard held has its reason alone.
    """
    reasons = sentences(table, expected, policy.rules)
    if GUARD_REASON in table:
        rows = zip(reasons, table[GUARD_REASON].to_list(), table[ACTION].to_list(), strict=True)
        reasons = [
            text if not guard else guard if action in (HOLD, LEAVE_OUT) else f"{text} {guard}"
            for text, guard, action in rows
        ]
    costs = prices.assign(**policy.costs(prices).drop(columns=COST_HOLDS)).set_axis(table.index)
    bound = costs[COST_BOUND].to_numpy(bool) if COST_BOUND in costs else False
    return with_cost_words(np.array(reasons, object), costs, table[REASON].isin(COST_FAULTS) | bound)


def _texts(policy: PolicyModel, table: pd.DataFrame) -> dict[str, pd.Series]:
    """Return name and category of the rows, as far as the market has them; empty for a new product."""
    rows = policy.rows(table)
    texts = {}
    for name in (NAME, CATEGORY):
        if name in policy.market:
            known = policy.market[name].fillna("").astype(str).to_numpy(object)
            values = np.where(rows >= 0, known[rows], "")
            texts[name] = pd.Series(values, table.index, dtype="str").str.strip()
    return texts
