"""The newest unit cost that a shop knows of every product, with the day from which it is known.

A cost of the table of prices is one of today. Else the sales since the training have it, else the training. A
cost that is older than a limit is stale: it protects no price, and the price holds.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import SERIES, UNIT_COST
from expectations.cost_words import COST_DATE
from tasks.pricing.known_cost import COST_STALE, latest_costs
from tasks.pricing.recommend import PolicyModel


def with_newest_costs(
    prices: pd.DataFrame,
    policy: PolicyModel,
    sales: pd.DataFrame | None,
    today: pd.Timestamp,
    most_days: int,
) -> pd.DataFrame:
    """Return prices in force with ``unit_cost``, ``cost_date`` and ``cost_stale``.

    ``unit_cost`` is what is known beyond the training, nan where the training's cost stands. ``cost_date`` is
    the day of the cost that counts, missing where none is known or it is assumed.

    Args:
        prices: product, store and, if it was given, ``unit_cost`` of today (currency/unit).
        policy: with the costs of its training.
        sales: sales table since the training; none: there is none.
        today: first day of the list.
        most_days: age from which a cost is stale, exclusive (days).
    """
    given = prices[UNIT_COST].to_numpy(float) if UNIT_COST in prices else np.full(len(prices), np.nan)
    date = _trained(policy, prices)
    cost = np.full(len(prices), np.nan)
    if sales is not None and UNIT_COST in sales:
        seen = prices[SERIES].merge(latest_costs(sales), on=SERIES, how="left").set_index(prices.index)
        newer = seen[UNIT_COST].notna() & ~(seen[COST_DATE] < date)
        cost, date = np.where(newer, seen[UNIT_COST], cost), date.mask(newer, seen[COST_DATE])
    stated = ~np.isnan(given)
    cost, date = np.where(stated, given, cost), date.mask(stated, today)
    stale = (today - date).dt.days > most_days
    return prices.assign(**{UNIT_COST: cost, COST_DATE: date, COST_STALE: stale.to_numpy(bool)})


def _trained(policy: PolicyModel, prices: pd.DataFrame) -> pd.Series:
    """Return the day of the training's cost of every row, missing where it knows none (rows,).

    Versions of before did not keep the day; their costs are as old as their training.
    """
    rows, market = policy.rows(prices), policy.products
    known = (rows >= 0) & ~np.isnan(market.unit_cost[rows]) & ~market.cost_assumed[rows].astype(bool)
    if COST_DATE in policy.market:
        dates = policy.market[COST_DATE].iloc[rows]
    else:
        dates = pd.Series(policy.trained, range(len(rows)))
    return pd.to_datetime(dates.set_axis(prices.index)).where(known)
