"""The weeks that price response is estimated from."""

from __future__ import annotations

import pandas as pd

from expectations.columns import (
    CATEGORY,
    COMPETITOR_PRICE,
    DATE,
    PRICE,
    RANDOMISED,
    SERIES,
    STOCK,
    UNIT_COST,
    UNITS,
    promotions,
)

WEEK = "week"  # first day of the week


def weekly(sales: pd.DataFrame, period: str) -> pd.DataFrame:
    """Sum the sales table to weeks: one row per product, store and week.

    The price of a week is the mean over its units sold; in a week without a sale, the mean over its periods.
    Weeks that begin before the series or end after it are left out, and so are weeks with a period that began
    without stock, because their sales are not the demand.

    Args:
        sales: sales table, with categories or without.
        period: ``D`` for days, summed to weeks from Monday; ``W`` for weeks, taken as they are.
    """
    table = _marked(sales if CATEGORY in sales else sales.assign(**{CATEGORY: ""}), period)
    aggregations = {
        CATEGORY: "first",
        UNITS: "sum",
        "amount": "sum",
        PRICE: "mean",
        "begin": "first",
        "end": "first",
        "empty": "any",
    }
    means = [
        *promotions(table.columns),
        *(name for name in (UNIT_COST, COMPETITOR_PRICE, RANDOMISED) if name in table),
    ]
    weeks = table.groupby([*SERIES, WEEK], as_index=False).agg(aggregations | dict.fromkeys(means, "mean"))
    weeks[PRICE] = (weeks["amount"] / weeks[UNITS]).where(weeks[UNITS] > 0, weeks[PRICE])
    last_day = weeks[WEEK] + pd.Timedelta(days=6 * (period == "D"))
    whole = (weeks["begin"] <= weeks[WEEK]) & (last_day <= weeks["end"])
    return (
        weeks[whole & ~weeks["empty"]]
        .drop(columns=["amount", "begin", "end", "empty"])
        .reset_index(drop=True)
    )


def _marked(table: pd.DataFrame, period: str) -> pd.DataFrame:
    """Add week, amount (currency), first and last date of the series, and whether the stock was empty."""
    into_week = pd.to_timedelta(table[DATE].dt.dayofweek * (period == "D"), unit="D")
    dates = table.groupby(SERIES)[DATE]
    return table.assign(
        week=table[DATE] - into_week,
        amount=table[PRICE] * table[UNITS],
        begin=dates.transform("min"),
        end=dates.transform("max"),
        empty=(table[STOCK] == 0) if STOCK in table else False,
    )
