"""Which of two forecasters errs less on the same held-out periods, with the doubt about the difference.

    d = sum_s D_s / sum_s U_s,    var(d) = n / (n - 1) sum_s (D_s - d U_s)^2 / (sum_s U_s)^2

with D_s the absolute errors of the one less those of the other, summed over the periods of series s, and U_s
its units: the linearised variance of a ratio of sums over n series, because errors of one series go together
(Cochran 1977, Sampling Techniques, 6.3).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from expectations.columns import DATE, ORIGIN, PRODUCT, STORE, UNITS, quantile_name

MEDIAN = quantile_name(0.5)
PERIODS = [ORIGIN, DATE, PRODUCT, STORE]
COLUMNS = [*PERIODS, UNITS, MEDIAN]
"""Columns of held-out forecasts: period and series, units that sold and their median forecast."""
LEAST_SERIES = 2  # from which a spread between series can be seen


class ErrorDifference(TypedDict):
    """WAPE less that of another forecaster on the same periods, with its interval; below 0 it is better."""

    value: float
    low: float
    high: float
    periods: int


def error_difference(
    forecast: pd.DataFrame, other: pd.DataFrame, confidence: float
) -> ErrorDifference | None:
    """Return how much more a forecaster errs than another one, none where they share too few periods.

    Periods count where both forecast from the same origin, and the same units sold.

    Args:
        forecast: ``COLUMNS``, a row per period and series.
        other: the same of the other one.
        confidence: probability of the interval.
    """
    from scipy import stats

    pairs = forecast[COLUMNS].merge(other[COLUMNS], on=[*PERIODS, UNITS], suffixes=("", "_other")).dropna()
    more = (pairs[UNITS] - pairs[MEDIAN]).abs() - (pairs[UNITS] - pairs[f"{MEDIAN}_other"]).abs()
    sums = pairs.assign(more=more).groupby([PRODUCT, STORE])[["more", UNITS]].sum()
    count, total = len(sums), float(sums[UNITS].sum())
    if count < LEAST_SERIES or total <= 0:
        return None
    value = float(sums["more"].sum()) / total
    residual = (sums["more"] - value * sums[UNITS]).to_numpy()
    error = float(np.sqrt(count / (count - 1) * (residual**2).sum())) / total
    half = float(stats.t.ppf(0.5 + confidence / 2, count - 1)) * error
    return ErrorDifference(value=value, low=value - half, high=value + half, periods=len(pairs))
