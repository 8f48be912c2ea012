"""Introduces the rules of the shop and its announced promotions to a price list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import PRICE, SERIES
from tasks.governance.announced import announced_for, promoted_prices
from tasks.governance.guard import Guard, price_bounds
from tasks.governance.shelf_prices import (
    RECENT_HIGH,
    RECENT_LOW,
    SLOW_REFERENCE,
    recent_range,
    regular_rows,
)
from tasks.pricing.recommend import ANNOUNCED_PRICE, HIGHEST, LOWEST, PolicyModel
from tasks.runtime.tables import table_at


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
) -> pd.DataFrame:
    """Return prices in force with the bounds of this week, ``lowest`` and ``highest`` (currency/unit).

    Beside them stands what they come of: ``recent_low``, ``recent_high`` and ``slow_reference``.

    Args:
        prices: product, store and price in force (currency/unit).
        policy: whose market has the slow reference prices; a product that it does not know holds anyway.
        guard: the rules.
        sales: sales table since the training; none: the prices in force are those of the last seven days.
        as_of: first day of the list; the seven days end the day before.
    """
    rows, in_force = policy.rows(prices), prices[PRICE].to_numpy(float)
    if not (np.isfinite(in_force) & (in_force > 0)).all():
        return prices  # the policy refuses it by name
    reference = (
        policy.market[SLOW_REFERENCE].to_numpy(float)[rows] if SLOW_REFERENCE in policy.market else in_force
    )
    reference = np.where((rows >= 0) & np.isfinite(reference), reference, in_force)
    low = high = in_force
    if sales is not None:
        recent = recent_range(regular_rows(sales), as_of - pd.Timedelta(days=1))
        recent = prices[SERIES].merge(recent, on=SERIES, how="left")
        low = np.fmin(recent[RECENT_LOW].to_numpy(float), in_force)
        high = np.fmax(recent[RECENT_HIGH].to_numpy(float), in_force)
    lowest, highest = price_bounds(in_force, low, high, reference, guard)
    behind = {RECENT_LOW: low, RECENT_HIGH: high, SLOW_REFERENCE: reference}
    return prices.assign(**{LOWEST: lowest, HIGHEST: highest}, **behind)


def with_announced(prices: pd.DataFrame, promotions: str, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return prices in force with the announced price of the products that are on promotion (currency/unit).

    Args:
        prices: product and store of every price.
        promotions: file of announcements.
        as_of: day on which they are in force.
    """
    promoted = promoted_prices(table_at(Path(promotions), "--promotions"), as_of, promotions)
    return prices.assign(**{ANNOUNCED_PRICE: announced_for(prices, promoted)})
