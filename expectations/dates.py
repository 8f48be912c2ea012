"""The rules of dates against the length of a period."""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import DATE, DAYS_A_WEEK
from expectations.refusals import Breach, broken

LEAST_DATES = 3  # dates from which their distance shows the period
USUAL = 0.5  # share of the rows on one weekday below which the dates are days


def wrong_period(lines: pd.DataFrame, period: str) -> list[Breach]:
    """Return what is wrong with the dates of a table in days (``D``) or weeks (``W``).

    Args:
        lines: rows of the sales table with ``file`` and ``row``.
        period: ``D`` or ``W``; weeks begin on any weekday, all of them on the same.
    """
    dates = lines[DATE].dropna()
    if dates.empty:
        return []
    return _weekly(lines, dates) if period == "W" else _daily(dates)


def _daily(dates: pd.Series) -> list[Breach]:
    """Refuse days that all lie whole weeks apart."""
    days = pd.DatetimeIndex(np.sort(dates.unique()))
    if len(days) < LEAST_DATES or ((days - days[0]).days % DAYS_A_WEEK != 0).any():
        return []
    problem = f"dates lie {DAYS_A_WEEK} days apart: set source.period=W ({_first(days)}, ...)"
    return [_of_all(problem, "day", "W")]


def _weekly(lines: pd.DataFrame, dates: pd.Series) -> list[Breach]:
    """Refuse dates that lie on another weekday than most, or on any weekday."""
    days = lines[DATE].dt.day_name()
    shares = days.value_counts(normalize=True)
    usual = days.mode().iloc[0]
    if len(shares) > 1 and shares.iloc[0] < USUAL:
        first = _first(pd.DatetimeIndex(np.sort(dates.unique())))
        problem = f"dates lie on {len(shares)} weekdays: set source.period=D ({first}, ...)"
        return [_of_all(problem, "week", "D")]
    rule = f"weekly dates are the first day of the period and lie on one weekday (here most are a {usual})"
    remedy = "mend the date, or set source.period=D with --set source.period=D"
    shown = lines[DATE].dt.strftime("%Y-%m-%d") + " (" + days + ")"
    return broken(lines, days.notna() & (days != usual), DATE, rule, remedy, shown=shown)


def _first(days: pd.DatetimeIndex) -> str:
    return ", ".join(days[:LEAST_DATES].strftime("%Y-%m-%d"))


def _of_all(problem: str, period: str, right: str) -> Breach:
    return Breach(
        column=DATE,
        rule=f"a row is a {period} of sales, as source.period says",
        remedy=f"--set source.period={right}",
        cells=(("the table", problem),),
        count=1,
    )
