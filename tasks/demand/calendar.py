"""Days of the calendar that figures name, because sales on them surprise: Christmas, closed or nearly so.

No setting says in which country a shop is, so only the day that most shops share is named.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from expectations.columns import DAYS_A_WEEK
from expectations.palette import DARK

CHRISTMAS = "Christmas"
TITLE_PAD = 16  # points between axes and title, where the name of a day stands between them
PERIODS = {1: "day", DAYS_A_WEEK: "week"}  # days between two dates -> what a period is called


def period_days(dates: pd.Series) -> int:
    """Return the days of a period: the least distance of two dates, one day if there is one date."""
    days = np.diff(np.sort(pd.to_datetime(dates).unique()))
    return int(days.min() / np.timedelta64(1, "D")) if len(days) else 1


def period_word(dates: pd.Series) -> str:
    """Return what a period is called: day, week, or period."""
    return PERIODS.get(period_days(dates), "period")


def christmas(dates: pd.Series) -> list[pd.Timestamp]:
    """Return the dates whose period holds 25 December, in their order.

    Args:
        dates: first days of periods.
    """
    length = pd.Timedelta(days=period_days(dates))
    distinct = pd.DatetimeIndex(sorted(pd.to_datetime(dates).unique()))
    return [
        date for date in distinct if date <= pd.Timestamp(year=date.year, month=12, day=25) < date + length
    ]


def mark(axis: Axes, place: object, text: str = CHRISTMAS) -> None:
    """Draw a dotted line at a place of the x-axis, with its name above the axes; titles need ``TITLE_PAD``.

    Args:
        axis: of the figure.
        place: on the x-axis.
        text: what is there.
    """
    axis.axvline(place, color=DARK, lw=0.9, ls=":", zorder=1)  # type: ignore[arg-type]
    axis.annotate(
        text,
        (place, 1),  # type: ignore[arg-type]
        xycoords=("data", "axes fraction"),
        xytext=(0, 2),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=9,
        color=DARK,
    )
