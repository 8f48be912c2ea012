"""Introduces the rules of the shop and its announced promotions to a price list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import PRICE, SERIES
from tasks.governance.announced import END, START, announced_for, dates_for, promoted_prices
from tasks.governance.guard import Guard, price_bounds
from tasks.governance.price_guard import PriceGuard
from tasks.governance.shelf_prices import (
    PRIOR_PRICE,
    PRIOR_UNKNOWN,
    RECENT_HIGH,
    RECENT_LOW,
    SLOW_REFERENCE,
    recent_range,
    regular_rows,
)
from tasks.operations.price_history import PriceHistory
from tasks.pricing.recommend import ANNOUNCED_PRICE, COST_BOUND, HIGHEST, LOWEST, PolicyModel
from tasks.pricing.shelf import with_shelf
from tasks.pricing.shop_view import ShopNow
from tasks.runtime.tables import table_at

ANNOUNCED_END = "announced_end"  # column: last local day of a promotion, missing where none is announced


def guard_of(settings: Settings) -> Guard:
    """Return the rules of the shop."""
    return Guard(**settings.price.guard.model_dump())


def with_bounds(
    prices: pd.DataFrame,
    policy: PolicyModel,
    guard: Guard,
    sales: pd.DataFrame | None,
    *,
    as_of: pd.Timestamp,
    published: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return prices in force with the bounds of this week, ``lowest`` and ``highest`` (currency/unit).

    Beside them stands what they come of: ``recent_low``, ``recent_high`` and ``slow_reference``.

    Args:
        prices: product, store and price in force (currency/unit).
        policy: whose market has the slow reference prices; a product that it does not know holds anyway.
        guard: the rules.
        sales: sales table since the training; none: the prices in force are those of the last seven days.
        as_of: first day of the list; the seven days end the day before.
        published: product, store, ``recent_low`` and ``recent_high`` of the lists that were in force in those
            days, so that steps add up over publications; none: there were none.
    """
    rows, in_force = policy.rows(prices), prices[PRICE].to_numpy(float)
    if not (np.isfinite(in_force) & (in_force > 0)).all():
        return prices  # the policy refuses it by name
    reference = (
        policy.market[SLOW_REFERENCE].to_numpy(float)[rows] if SLOW_REFERENCE in policy.market else in_force
    )
    reference = np.where((rows >= 0) & np.isfinite(reference), reference, in_force)
    seen = [] if sales is None else [recent_range(regular_rows(sales), as_of - pd.Timedelta(days=1))]
    low, high = _recent(prices, [*seen, *([] if published is None else [published])])
    lowest, highest = price_bounds(in_force, low, high, reference, guard)
    behind = {RECENT_LOW: low, RECENT_HIGH: high, SLOW_REFERENCE: reference}
    return prices.assign(**{LOWEST: lowest, HIGHEST: highest}, **behind)


def _recent(prices: pd.DataFrame, seen: list[pd.DataFrame]) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest recent price, that in force among them, currency/unit (rows,).

    Args:
        prices: product, store and price in force.
        seen: product, store, ``recent_low`` and ``recent_high``, of what saw the recent prices.
    """
    low = high = prices[PRICE].to_numpy(float)
    for recent in seen:
        known = prices[SERIES].merge(recent, on=SERIES, how="left")
        low = np.fmin(known[RECENT_LOW].to_numpy(float), low)
        high = np.fmax(known[RECENT_HIGH].to_numpy(float), high)
    return low, high


def with_row_rules(
    prices: pd.DataFrame, policy: PolicyModel, guard: PriceGuard, now: ShopNow | None
) -> pd.DataFrame:
    """Return prices in force whose bounds are those of their rows' rules, so that the policy plans inside.

    A rule of the table takes the place of that of the settings, tighter or looser. Where the rules leave no
    price, the bounds stay; the guard then decides.

    Args:
        prices: of ``with_bounds``.
        policy: with its market.
        guard: of the list.
        now: what the shop knows now; none: the first decision after the training.
    """
    if LOWEST not in prices:
        return prices
    bounds = guard.bounds(with_shelf(policy, prices, now))
    some = bounds.low <= bounds.high
    changes: dict[str, Any] = {
        LOWEST: prices[LOWEST].where(~some, bounds.low),
        HIGHEST: prices[HIGHEST].where(~some, bounds.high),
        COST_BOUND: bounds.of_cost,
    }
    return prices.assign(**changes)


def with_announced(
    prices: pd.DataFrame,
    promotions: str,
    as_of: pd.Timestamp,
    history: PriceHistory,
) -> pd.DataFrame:
    """Return prices in force with what is announced of them.

    These are ``announced_price`` and ``prior_price`` (currency/unit), ``prior_unknown``, whether that is not
    known of a price that is announced, and ``announced_end``, the last day. Prior prices are what published
    lists charged, promoted or not; sales say what was charged on the days before the first of these lists.

    Args:
        prices: product and store of every price.
        promotions: file of announcements.
        as_of: day on which they are in force.
        history: what is known of the 30 days before the announcements.
    """
    promoted = promoted_prices(table_at(Path(promotions), "--promotions"), as_of, promotions)
    ends: dict[str, Any] = {ANNOUNCED_END: dates_for(prices, promoted, END)}
    table = prices.assign(**{ANNOUNCED_PRICE: announced_for(prices, promoted)}, **ends)
    starts = prices[SERIES].assign(**{START: dates_for(prices, promoted, START)}).dropna()
    if starts.empty:
        return table
    table = table.merge(history.prior_prices(starts), on=SERIES, how="left")
    return table.assign(**{PRIOR_UNKNOWN: table[ANNOUNCED_PRICE].notna() & table[PRIOR_PRICE].isna()})
