"""What the history of shelf prices says to the rules of a shop: slow reference prices, and recent extremes.

A price holds until the next row: days without a row carry the price of the day before. Days are dates of the
shop's calendar, not spans of 24 hours: a change of the clock makes none longer or shorter.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import DATE, DAYS_A_WEEK, PERIOD_DAYS, PRICE, SERIES, promotions
from tasks.governance.guard import Guard, GuardError

SLOW_REFERENCE = "slow_reference"  # currency/unit
RECENT_LOW, RECENT_HIGH = "recent_low", "recent_high"  # currency/unit
WEEK_PRICE, SEASON_PRICE = "week_price", "season_price"  # regular when each began, currency/unit
PRIOR_PRICE = "prior_price"  # currency/unit
PRIOR_UNKNOWN = "prior_unknown"  # whether it is needed for an announcement and not known
PRIOR_DAYS = 30  # Directive 98/6/EC, article 6a: at least so many before the reduction (days)
WEEKS_A_YEAR = 52


def slow_references(sales: pd.DataFrame, guard: Guard, period: str = "D") -> pd.DataFrame:
    """Return product, store and ``slow_reference`` (currency/unit) at the end of a history (series, 3).

    The reference r follows the median m of the shelf prices of the last n = ``reference_weeks`` weeks, but
    moves by at most y = ``reference_year`` a year. Its first value is the median of the first n weeks of the
    product in the store, of fewer where there are fewer. Week by week from there:

        r_t = min(max(m_t, r_{t-1} (1 - y / 52)), r_{t-1} (1 + y / 52))

    The median alone would be no anchor: prices that rise to the end of the band take it along, and the band
    with it. Rows that are added later change no reference of a week after the first n.

    Args:
        sales: product, store, date and price; promoted rows count where a product has no others.
        guard: ``reference_weeks`` and ``reference_year``.
        period: that a row holds for, ``D`` or ``W``.

    Raises:
        GuardError: there is no price, or one is not finite and above 0.
    """
    days = _daily(regular_rows(_priced(sales)), sales[DATE], period)
    window = guard.reference_weeks * DAYS_A_WEEK
    medians = days.rolling(window, min_periods=1).median().to_numpy()  # (days, series)
    last = len(medians) - 1
    begun = np.minimum(days.notna().to_numpy().argmax(axis=0) + window - 1, last)  # (series,)
    reference = _braked(medians, begun, guard.reference_year / WEEKS_A_YEAR)
    table = days.columns.to_frame(index=False).assign(**{SLOW_REFERENCE: reference})
    return table.sort_values(SERIES, ignore_index=True)


def recent_range(sales: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return product, store, ``recent_low`` and ``recent_high`` (currency/unit) of seven days (series, 4).

    The days are ``as_of`` and the six local days before it. The price that was in force when they began
    counts as well, however old its row. Promoted prices count, because they were charged; pass
    ``regular_rows`` to leave them out. A product without a row until ``as_of`` is not in the table.

    Args:
        sales: product, store, date and price.
        as_of: last of the days, a local date.

    Raises:
        GuardError: there is no price, or one is not finite and above 0.
    """
    rows = _priced(sales).sort_values(DATE, kind="stable")
    begin = _local_date(as_of) - pd.Timedelta(days=DAYS_A_WEEK - 1)
    before = rows[rows[DATE] <= begin].drop_duplicates(SERIES, keep="last")
    since = rows[(rows[DATE] > begin) & (rows[DATE] <= _local_date(as_of))]
    charged = pd.concat([before, since]).groupby(SERIES)[PRICE]
    return charged.agg(["min", "max"]).set_axis([RECENT_LOW, RECENT_HIGH], axis=1).reset_index()


def prior_prices(sales: pd.DataFrame, starts: pd.DataFrame) -> pd.DataFrame:
    """Return product, store and ``prior_price``: the lowest of the 30 days before a reduction (series, 3).

    The price that was in force when these days began counts as well. Promoted prices count, because they were
    charged. A store keeps its own: what another one charged does not count.

    Args:
        sales: product, store, date and price.
        starts: product, store and ``start``, the first local date of the reduction.

    Raises:
        GuardError: there is no price, or one is not finite and above 0.
    """
    rows = _priced(sales).merge(starts, on=SERIES).sort_values(DATE, kind="stable")
    begin = rows["start"] - pd.Timedelta(days=PRIOR_DAYS)
    before = rows[rows[DATE] <= begin].drop_duplicates(SERIES, keep="last")
    during = rows[(rows[DATE] > begin) & (rows[DATE] < rows["start"])]
    lowest = pd.concat([before, during]).groupby(SERIES)[PRICE].min()
    return lowest.rename(PRIOR_PRICE).reset_index()


def regular_rows(sales: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without a promotion, and all rows of a product and store that has no others."""
    promoted = (sales[promotions(sales.columns)] > 0).any(axis=1)
    never_regular = promoted.groupby([sales[name] for name in SERIES]).transform("all")
    return sales[~promoted | never_regular]


def _braked(medians: np.ndarray, begun: np.ndarray, weekly: float) -> np.ndarray:
    """Return the last medians, having followed them by at most a share a week (series,).

    Args:
        medians: trailing medians, currency/unit (days, series).
        begun: first day of the walk of a series (series,).
        weekly: most that the reference moves in a week (share).
    """
    days, series = len(medians), np.arange(medians.shape[1])
    reference = medians[begun, series]
    for elapsed in range(DAYS_A_WEEK, days - begun.min(), DAYS_A_WEEK):
        today = begun + elapsed
        median = medians[np.minimum(today, days - 1), series]
        followed = np.clip(median, reference * (1 - weekly), reference * (1 + weekly))
        reference = np.where(today < days, followed, reference)
    return reference


def _daily(rows: pd.DataFrame, dates: pd.Series, period: str) -> pd.DataFrame:
    """Return the price in force of every day from the first row on, nan before it (days, series)."""
    prices = rows.groupby([DATE, *SERIES])[PRICE].last().unstack(SERIES)
    end = _local_dates(dates).max() + pd.Timedelta(days=PERIOD_DAYS[period] - 1)
    return prices.reindex(pd.date_range(prices.index.min(), end)).ffill()


def _priced(sales: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have a price, with local dates; a price that cannot be one is refused."""
    rows = sales[sales[PRICE].notna()]
    if rows.empty:
        raise GuardError(f"`{PRICE}` is known in no row of the history. Give a table with shelf prices.")
    wrong = ~(np.isfinite(rows[PRICE]) & (rows[PRICE] > 0))
    if wrong.any():
        first = rows[wrong].iloc[0]
        raise GuardError(
            f"`{PRICE}` must be finite and above 0. Received: {first[PRICE]} of {first[SERIES[0]]} in "
            f"{first[SERIES[1]]} on {first[DATE]:%Y-%m-%d} ({wrong.sum()} of {len(rows)} rows). "
            "Correct the row, or take it out."
        )
    return rows.assign(**{DATE: _local_dates(rows[DATE])})


def _local_dates(dates: pd.Series) -> pd.Series:
    """Return the dates that the clock of the shop showed; a time of day and a zone are dropped."""
    return dates.dt.tz_localize(None).dt.normalize()


def _local_date(stamp: pd.Timestamp) -> pd.Timestamp:
    return stamp.tz_localize(None).normalize()
