"""The state of the shop at the start of a week, from its sales since the training.

Weeks have seven local days, the first one begins on the day after the training data. A week counts once its
last day has passed and the table reaches it; the rows of an unfinished week move the price in force and the
stock alone. Where rows are missing, a product keeps the price and what was remembered of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import (
    DAYS_A_WEEK,
    PRICE,
    STOCK,
    UNITS,
)
from tasks.pricing.learning import SoldWeeks
from tasks.pricing.market import SURPRISE_MEMORY
from tasks.pricing.new_sales import AMOUNT, DAYS, OUT, PROMOTED, REACHED, ROW, WEEK, Calendar, new_sales

Expected = Callable[[np.ndarray], np.ndarray]
"""Units/week expected at prices (T, n): (T, n)."""


@dataclass(frozen=True, kw_only=True)
class ShopState:
    """What a shop knows of n rows of the market after T whole weeks.

    Attributes:
        weeks: T, whole weeks since the training.
        season_week: weeks since the season opened, from 0.
        price: in force now: the last one charged without a promotion, currency/unit (n,).
        remembered: price that buyers remember, currency/unit (n,).
        surprise: smoothed units over what was expected, minus 1 (n,).
        stock: units on hand, infinite where unknown (n,).
        opening: price in force when the season opened, currency/unit (n,).
        index: mean log price now over that at the opening, weighted by the market's revenue.
        units: units/week, 0 where a product has no row (T, n).
        prices: paid per unit of the week, currency/unit; the price before where a product has no row (T, n).
        exposure: share of the week's days that have a row (T, n).
        present: weeks with rows, not sold out and without a promotion (T, n), bool.
        unknown: products and stores of the table that the market does not know.
        earlier, later: rows of the training's time, and of days after ``as_of``; they are left out.
    """

    weeks: int
    season_week: int
    price: np.ndarray
    remembered: np.ndarray
    surprise: np.ndarray
    stock: np.ndarray
    opening: np.ndarray
    index: float
    units: np.ndarray
    prices: np.ndarray
    exposure: np.ndarray
    present: np.ndarray
    unknown: tuple[str, ...]
    earlier: int
    later: int

    def sold(
        self, group: np.ndarray, change: np.ndarray, base_units: np.ndarray, dispersion: np.ndarray
    ) -> SoldWeeks:
        """Return the weeks as the slopes are learned from; days without a row sell nothing.

        Args:
            group: number of every row's group, from 0 (n,).
            change: curved change of ``prices`` from the base prices (T, n).
            base_units: expected at the base prices, units/week (n,) or (T, n).
            dispersion: variance of demand beyond Poisson's over its squared mean (n,).
        """
        return SoldWeeks(
            group=group,
            units=self.units,
            change=change,
            present=self.present,
            base_units=base_units * self.exposure,
            dispersion=dispersion,
        )


def state_of(
    market: pd.DataFrame,
    sales: pd.DataFrame,
    calendar: Calendar,
    memory: float,
    expected: Expected | None = None,
) -> ShopState:
    """Return the state of the shop by its sales since the training.

    Args:
        market: market table of the training: product, store, ``price`` in force at its end (currency/unit),
            ``units`` (units/week at it) and, if known, ``stock`` and ``arrivals``.
        sales: sales table of ``calendar.period``, optionally with stores, ``stock`` and promotions.
        calendar: dates of training and state.
        memory: weight of the past in the remembered price, 1/week.
        expected: what the surprise compares with; by default the market's units, whatever the price.

    Raises:
        SalesSinceError: the table is empty, ends with the training, has a row twice or a number that no sale
            has, or names no product of the market.
    """
    rows, left_out = new_sales(market, sales, calendar)
    start, usual = market[PRICE].to_numpy(float), market[UNITS].to_numpy(float)
    weekly = _weekly(rows, start, calendar.weeks)
    foreseen = usual if expected is None else expected(weekly.prices)
    price = _in_force(rows, start)
    opening = _in_force(rows[rows[WEEK] < calendar.weeks - calendar.season_week], start)
    revenue = start * usual
    return ShopState(
        weeks=calendar.weeks,
        season_week=calendar.season_week,
        price=price,
        remembered=_remembered(weekly, start, memory),
        surprise=_surprise(weekly, foreseen * weekly.exposure),
        stock=_stock(market, rows, calendar.days),
        opening=opening,
        index=float(np.log(price / opening) @ revenue / revenue.sum()),
        **weekly._asdict(),
        **left_out._asdict(),
    )


class _Weekly(NamedTuple):
    """What ``ShopState`` holds of every week (T, n)."""

    units: np.ndarray
    prices: np.ndarray
    exposure: np.ndarray
    present: np.ndarray


def _weekly(rows: pd.DataFrame, start: np.ndarray, weeks: int) -> _Weekly:
    """Return the whole weeks that the table reaches."""
    shape = (weeks, len(start))
    reached = rows[REACHED] & (rows[WEEK] < weeks)
    weekly = rows[reached].groupby([WEEK, ROW])
    sums = weekly[[UNITS, AMOUNT, DAYS]].sum().join(weekly[[PROMOTED, OUT]].any()).join(weekly[PRICE].mean())
    at = (sums.index.get_level_values(WEEK).to_numpy(), sums.index.get_level_values(ROW).to_numpy())

    def wide(values: pd.Series, fill: float) -> np.ndarray:
        table = np.full(shape, fill)
        table[at] = values.to_numpy(float)
        return table

    paid = (sums[AMOUNT] / sums[UNITS]).where(sums[UNITS] > 0, sums[PRICE])
    prices = pd.DataFrame(np.vstack([start, wide(paid, np.nan)])).ffill().to_numpy()[1:]
    exposure = np.minimum(wide(sums[DAYS], 0.0) / DAYS_A_WEEK, 1.0)
    present = wide(~(sums[PROMOTED] | sums[OUT]), 0.0) > 0
    return _Weekly(wide(sums[UNITS], 0.0), prices, exposure, present)


def _in_force(rows: pd.DataFrame, start: np.ndarray) -> np.ndarray:
    """Return the last price of every row of the market outside promotions, currency/unit (n,)."""
    last = rows[~rows[PROMOTED]].groupby(ROW)[PRICE].last()
    price = start.copy()
    price[last.index.to_numpy(int)] = last.to_numpy()
    return price


def _remembered(weekly: _Weekly, start: np.ndarray, memory: float) -> np.ndarray:
    """Return the smoothed price of the weeks in which something sold, currency/unit (n,)."""
    remembered = start
    for sold, price in zip(weekly.units, weekly.prices, strict=True):
        remembered = np.where(sold > 0, memory * remembered + (1 - memory) * price, remembered)
    return remembered


def _surprise(weekly: _Weekly, expected: np.ndarray) -> np.ndarray:
    """Return the smoothed units over the expected ones (T, n), minus 1 (n,)."""
    surprise = np.zeros(expected.shape[1])
    for sold, foreseen, there in zip(weekly.units, expected, weekly.present & (expected > 0), strict=True):
        news = np.divide(sold, foreseen, out=np.ones_like(surprise), where=there) - 1
        surprise = np.where(there, SURPRISE_MEMORY * surprise + (1 - SURPRISE_MEMORY) * news, surprise)
    return surprise


def _stock(market: pd.DataFrame, rows: pd.DataFrame, days: int) -> np.ndarray:
    """Return the units on hand (n,): the last stock less what it sold, infinite where unknown.

    Where the table has no stock, the market's stock and arrivals less all that was sold since.
    """
    stock = market[STOCK].to_numpy(float).copy() if STOCK in market else np.full(len(market), np.inf)
    if STOCK not in rows:
        arrived = market["arrivals"].to_numpy(float) * days / DAYS_A_WEEK if "arrivals" in market else 0.0
        sold = np.bincount(rows[ROW], weights=rows[UNITS], minlength=len(market))
        return np.maximum(stock + arrived - sold, 0.0)
    known = rows[rows[STOCK].notna()].groupby(ROW)[[STOCK, UNITS]].last()
    stock[known.index.to_numpy(int)] = np.maximum(known[STOCK] - known[UNITS], 0.0)
    return stock
