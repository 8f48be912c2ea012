"""Periods of a trial: their names, and those that are missing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import DAYS_A_WEEK


def days_of_period(dates: pd.Series) -> int:
    """Return the days of a period: 7 where dates lie seven days apart or more, else 1."""
    gaps = np.diff(np.sort(dates.unique()))
    return DAYS_A_WEEK if len(gaps) and gaps.min() >= np.timedelta64(DAYS_A_WEEK, "D") else 1


def period_name(value: object) -> str:
    """Return a period as it is shown: a date without its time."""
    return str(value)[:10] if isinstance(value, np.datetime64) else str(value)


def listed(names: list[str], most: int = 5) -> str:
    """Return the first names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def lost_periods(values: np.ndarray, numbered: bool) -> list[str]:
    """Return the names of the periods that are missing between the first and the last.

    Args:
        values: distinct periods, rising: dates, or numbers (periods,).
        numbered: whether numbers count periods without a gap, as they do where blocks switch.
    """
    if len(values) < 3:
        return []
    if np.issubdtype(values.dtype, np.integer):
        if not numbered:
            return []
        return [str(value) for value in np.setdiff1d(np.arange(values[0], values[-1] + 1), values)]
    if not np.issubdtype(values.dtype, np.datetime64):
        try:
            values = pd.to_datetime(pd.Series(values), format="%Y-%m-%d").to_numpy()
        except (ValueError, TypeError):
            return []
    return [f"{day:%Y-%m-%d}" for day in missing_dates(pd.DatetimeIndex(values))]


def missing_dates(dates: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the dates that are missing between the first and the last, at the smallest step between them.

    Nothing is missing where that step is not the usual one. A weekday on which a daily table never has a
    row is a day on which the shop is closed.
    """
    dates = dates.sort_values()
    steps = np.diff(dates.to_numpy())
    if not len(steps):
        return dates[:0]
    step = steps.min()
    if step < np.timedelta64(1, "D") or np.mean(steps == step) < 0.5:
        return dates[:0]
    lost = pd.date_range(dates[0], dates[-1], freq=pd.Timedelta(step)).difference(dates)
    return lost[np.isin(lost.dayofweek, dates.dayofweek)] if len(dates) > 7 else lost
