"""Price response: the words of it, and the weeks that it is estimated from."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from scipy import stats
from typing_extensions import TypedDict

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
RAW, RAW_ERROR, ERROR, FREEDOM = "raw_elasticity", "raw_error", "standard_error", "freedom"
DISPERSION = "dispersion"  # variance of demand beyond Poisson's: Var[units] = mean + dispersion mean^2


class ResponseError(ValueError):
    """Sales that say nothing about the price of anything."""


@dataclass(frozen=True)
class Rules:
    """When an elasticity counts as identified.

    Attributes:
        confidence: probability of the interval.
        min_prices: least number of distinct prices.
        min_price_variation: least standard deviation of log prices within a series.
        min_periods: least number of weeks with sales.
        max_width: widest interval.
    """

    confidence: float
    min_prices: int
    min_price_variation: float
    min_periods: int
    max_width: float

    @property
    def z(self) -> float:
        """Return half the interval's width in standard errors."""
        return float(stats.norm.ppf(0.5 + self.confidence / 2))


class Effect(TypedDict):
    """A coefficient that all products share, with its interval; never below 0."""

    estimate: float
    low: float
    high: float


def weekly(sales: pd.DataFrame, period: str) -> pd.DataFrame:
    """Sum the sales table to weeks: one row per product, store and week.

    The price is that of the units sold; in a week without a sale, the mean of the carried ones. Left out are a first and a last week
    that the series covers in part, and weeks with a period that began without stock: their sales are not the demand.

    Args:
        sales: sales table, with categories or without.
        period: ``D`` for days, summed to weeks from Monday; ``W`` for weeks, taken as they are.
    """
    table = sales if CATEGORY in sales else sales.assign(**{CATEGORY: ""})
    into_week = pd.to_timedelta(table[DATE].dt.dayofweek * (period == "D"), unit="D")
    dates = table.groupby(SERIES)[DATE]
    table = table.assign(
        week=table[DATE] - into_week,
        amount=table[PRICE] * table[UNITS],
        begin=dates.transform("min"),
        end=dates.transform("max"),
        empty=(table[STOCK] == 0) if STOCK in table else False,
    )
    how = {
        CATEGORY: "first",
        UNITS: "sum",
        "amount": "sum",
        PRICE: "mean",
        "begin": "first",
        "end": "first",
        "empty": "any",
    }
    kept = [
        *promotions(table.columns),
        *(name for name in (UNIT_COST, COMPETITOR_PRICE, RANDOMISED) if name in table),
    ]
    weeks = table.groupby([*SERIES, WEEK], as_index=False).agg(how | dict.fromkeys(kept, "mean"))
    weeks[PRICE] = (weeks["amount"] / weeks[UNITS]).where(weeks[UNITS] > 0, weeks[PRICE])
    whole = (weeks["begin"] <= weeks[WEEK]) & (
        weeks[WEEK] + pd.Timedelta(days=6 * (period == "D")) <= weeks["end"]
    )
    return (
        weeks[whole & ~weeks["empty"]]
        .drop(columns=["amount", "begin", "end", "empty"])
        .reset_index(drop=True)
    )
