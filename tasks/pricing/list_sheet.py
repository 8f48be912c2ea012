"""The price list as a manager reads it: what it is, what changes, what that is expected to do, and why.

The columns of ``price_list`` follow, so that the list can be logged with the sales.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from tasks.pricing.list_outcome import outcome
from tasks.pricing.list_reasons import Expected, sentences
from tasks.pricing.recommend import COST_BOUND, COST_HOLDS, PolicyModel
from tasks.pricing.shop_view import ShopNow

CHANGE, EXPECTED_UNITS, EXPECTED_GAIN = "change_percent", "expected_units", "expected_gain"
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
    EXPECTED_GAIN,
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
    """

    version: int
    status: str
    week: pd.Timestamp


def price_sheet(
    policy: PolicyModel,
    table: pd.DataFrame,
    prices: pd.DataFrame,
    heading: Heading,
    now: ShopNow | None = None,
) -> pd.DataFrame:
    """Return the list with names, changes, expectations and plain reasons first.

    ``change_percent`` is 100 (price / price in force - 1), 0 for a price that holds. ``expected_units``
    (units/week) and ``expected_gain`` (currency/week) hold for the whole list; they are empty for a product
    that was not in the training, the gain also for one whose cost is not known. ``reason`` is a sentence, of
    the guard where it decided. Products that the guard leaves out are not in the list.

    Args:
        policy: what recommended.
        table: the list, as ``price_list`` returns it.
        prices: what ``price_list`` took.
        heading: of the list.
        now: what the shop knows now; none: the first decision after the training.
    """
    expected = expected_of(policy, table, prices, now)
    change = 100 * (table[PRICE] / table[REFERENCE_PRICE] - 1)
    columns: dict[str, Any] = {
        **_texts(policy, table),
        CHANGE: change.where(table[PRICE] != table[REFERENCE_PRICE], 0.0).round(DECIMALS),
        EXPECTED_UNITS: expected.units.round(DECIMALS),
        EXPECTED_GAIN: expected.gain.round(DECIMALS),
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


def _reasons(
    policy: PolicyModel, table: pd.DataFrame, prices: pd.DataFrame, expected: Expected
) -> np.ndarray:
    """Return why the prices are what they are, and the costs that mattered, text (rows,).

    What the guard held has its reason alone.
    """
    reasons = sentences(table, expected, policy.rules)
    if GUARD_REASON in table:
        rows = zip(reasons, table[GUARD_REASON], table[ACTION], strict=True)
        reasons = [
            text if not guard else guard if action in (HOLD, LEAVE_OUT) else f"{text} {guard}"
            for text, guard, action in rows
        ]
    costs = prices.assign(**policy.costs(prices).drop(columns=COST_HOLDS)).set_axis(table.index)
    bound = costs[COST_BOUND].to_numpy(bool) if COST_BOUND in costs else False
    return with_cost_words(np.array(reasons, object), costs, table[REASON].isin(COST_FAULTS) | bound)


def expected_of(
    policy: PolicyModel, table: pd.DataFrame, prices: pd.DataFrame, now: ShopNow | None
) -> Expected:
    """Return what a list is expected to sell and to earn, row by row (rows,)."""
    rows, products = policy.rows(table), policy.products_at(prices)
    known, answer = rows >= 0, None
    before = np.ones(len(products))
    if now is not None:
        answer, before = now.view.believed, now.view.ratio.copy()
        products = replace(products, stock=now.view.stock)
    after = before.copy()
    for ratio, column in ((before, REFERENCE_PRICE), (after, PRICE)):
        ratio[rows[known]] = table.loc[known, column].to_numpy(float) / products.price[rows[known]]
    old, new = (outcome(products, policy.rules, ratio, answer) for ratio in (before, after))
    gains = (new.earned - old.earned).mean(axis=0)
    earns = products.cost_trusted | (policy.rules.objective == "revenue")
    values = Expected(
        units_before=old.units.mean(axis=0),
        units=new.units.mean(axis=0),
        gain=np.where(earns, gains, np.nan),
        group_gain=products.group_sum(gains),
        cost_assumed=products.cost_assumed.astype(bool) & (policy.rules.objective == "profit"),
        currency=policy.currency,
    )
    return values.at(rows)


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
