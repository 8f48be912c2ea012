"""The rows of a sales table since the training: which of them count, and which tables are refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import (
    ALL_STORES,
    DATE,
    DAYS_A_WEEK,
    KEY,
    PERIOD_DAYS,
    PRICE,
    PRODUCT,
    SERIES,
    STOCK,
    STORE,
    UNITS,
    promotions,
)
from expectations.ids import likeness

ROW, WEEK = "row_of_market", "week"  # row of the market table, week since the training, both from 0
AMOUNT, DAYS = "amount", "days"  # paid in the period, currency; its length, days
PROMOTED, OUT = "promoted", "sold_out"  # whether the period had a promotion, or sold its whole stock
REACHED = "reached"  # whether the table reaches the end of the period's week


class SalesSinceError(ValueError):
    """A table of sales that tells nothing, or nothing true, of the time since the training."""


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The dates that place a state in its season.

    Attributes:
        trained: last date of the training data; with weekly periods the first day of its last week.
        as_of: last day whose sales are known.
        period: length of a period of the sales table, ``D`` or ``W``.
        decisions: weeks of a season.
    """

    trained: pd.Timestamp
    as_of: pd.Timestamp
    period: str
    decisions: int

    @property
    def first_day(self) -> pd.Timestamp:
        """Return the day after the training data."""
        return self.trained + pd.Timedelta(days=PERIOD_DAYS[self.period])

    @property
    def days(self) -> int:
        """Return the days since the training."""
        return int((self.as_of - self.first_day).days) + 1

    @property
    def weeks(self) -> int:
        """Return the whole weeks since the training."""
        return self.days // DAYS_A_WEEK

    @property
    def season_week(self) -> int:
        """Return the weeks since the season opened; after the last one a new season opens."""
        return self.weeks % self.decisions


class LeftOut(NamedTuple):
    """What does not count.

    Attributes:
        unknown: products and stores that the market does not know, with an id like it that it knows.
        earlier: rows of the training's time.
        later: rows of days after the state.
    """

    unknown: tuple[str, ...]
    earlier: int
    later: int


def new_sales(market: pd.DataFrame, sales: pd.DataFrame, calendar: Calendar) -> tuple[pd.DataFrame, LeftOut]:
    """Return the rows since the training in the order of their dates, and what was left out.

    Args:
        market: product and store of every row.
        sales: sales table; a period that ends after ``calendar.as_of`` is left out.
        calendar: dates of training and state.

    Raises:
        SalesSinceError: the table is refused.
    """
    _refuse_what_is_no_sale(sales)
    table = sales if STORE in sales else sales.assign(**{STORE: ALL_STORES})
    table = table.assign(**{name: table[name].astype(str) for name in SERIES})
    _refuse_duplicates(table)
    earlier = table[DATE] < calendar.first_day
    later = table[DATE] + pd.Timedelta(days=PERIOD_DAYS[calendar.period] - 1) > calendar.as_of
    since = table[~earlier & ~later].sort_values(DATE, kind="stable", ignore_index=True)
    _refuse_another_time(since, table, calendar)
    names = pd.MultiIndex.from_frame(market[SERIES].astype(str))
    rows = names.get_indexer(pd.MultiIndex.from_frame(since[SERIES]))
    unknown = _names(since.loc[rows < 0, SERIES].drop_duplicates(), market)
    if (rows < 0).all():
        raise SalesSinceError(
            "sales since the training: at least one product and store must be of the training. Received: "
            f"{', '.join(unknown[:3])}. Take the sales of the same shop, with the same ids."
        )
    return _marked(since, rows, calendar), LeftOut(unknown, int(earlier.sum()), int(later.sum()))


def _marked(since: pd.DataFrame, rows: np.ndarray, calendar: Calendar) -> pd.DataFrame:
    """Return the rows of the market with their week, amount, promotion and whether they sold out.

    Args:
        since: rows since the training.
        rows: of the market, -1 where there is none.
        calendar: dates of training and state.
    """
    days = PERIOD_DAYS[calendar.period]
    week = (since[DATE] - calendar.first_day).dt.days // DAYS_A_WEEK
    reach = (since[DATE].max() - calendar.first_day).days + days
    kinds = promotions(since.columns)
    marked = since.assign(
        **{
            ROW: rows,
            WEEK: week,
            AMOUNT: since[UNITS] * since[PRICE],
            DAYS: days,
            PROMOTED: (since[kinds].fillna(0) > 0).any(axis=1) if kinds else False,
            OUT: (since[UNITS] >= np.floor(since[STOCK])) if STOCK in since else False,
            REACHED: week < reach // DAYS_A_WEEK,
        }
    )
    return marked[marked[ROW] >= 0]


def _refuse_another_time(since: pd.DataFrame, table: pd.DataFrame, calendar: Calendar) -> None:
    """Refuse a table that has no row of the time since the training."""
    if since.empty:
        raise SalesSinceError(
            f"sales since the training: the table needs rows from {calendar.first_day:%Y-%m-%d} to "
            f"{calendar.as_of:%Y-%m-%d}. Received: {len(table):,} rows from {table[DATE].min():%Y-%m-%d} to "
            f"{table[DATE].max():%Y-%m-%d}. Give newer sales, or none."
        )


def _refuse_what_is_no_sale(sales: pd.DataFrame) -> None:
    """Refuse a table without rows or columns, and numbers and dates that no sale has."""
    missing = [name for name in (DATE, PRODUCT, UNITS, PRICE) if name not in sales]
    if missing:
        raise SalesSinceError(
            f"sales since the training: the table needs `{DATE}`, `{PRODUCT}`, `{UNITS}` and `{PRICE}`. "
            f"Missing: {', '.join(missing)}. Rename the columns."
        )
    if sales.empty:
        raise SalesSinceError(
            "sales since the training: the table needs rows. Received: none. Give a newer table, or none."
        )
    if not pd.api.types.is_datetime64_dtype(sales[DATE]) or sales[DATE].isna().any():
        raise SalesSinceError(
            f"sales since the training: `{DATE}` must be a local date in every row. "
            f"Received: {sales[DATE].dtype}, {int(sales[DATE].isna().sum())} empty. Convert it, or fill it."
        )
    for name, rule, holds in (
        (UNITS, "0 or above", sales[UNITS] >= 0),
        (PRICE, "above 0", sales[PRICE] > 0),
    ):
        wrong = np.flatnonzero(~(holds & np.isfinite(sales[name])))
        if wrong.size:
            row = sales.iloc[wrong[0]]
            raise SalesSinceError(
                f"sales since the training: `{name}` must be finite and {rule}. Received: {row[name]} of "
                f"{row[PRODUCT]!r} on {row[DATE]:%Y-%m-%d} ({wrong.size} such rows). Correct the rows."
            )


def _refuse_duplicates(table: pd.DataFrame) -> None:
    """Refuse two rows of one product, store and date."""
    twice = table[table.duplicated(KEY)]
    if len(twice):
        row = twice.iloc[0]
        raise SalesSinceError(
            "sales since the training: one row per date, product and store. Received: "
            f"{row[PRODUCT]!r} in {row[STORE]!r} on {row[DATE]:%Y-%m-%d} twice "
            f"({len(twice)} such rows). Keep one."
        )


def _names(unknown: pd.DataFrame, market: pd.DataFrame) -> tuple[str, ...]:
    """Return the names of products and stores, beside an id like it that the market knows."""
    similar = {likeness(product): product for product in market[PRODUCT].astype(str).unique()}
    return tuple(
        f"{product!r} in {store!r}"
        + (
            f" (known: {similar[likeness(product)]!r})"
            if similar.get(likeness(product), product) != product
            else ""
        )
        for product, store in unknown.itertuples(index=False)
    )
