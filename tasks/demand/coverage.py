"""Whether intervals cover what they claim, for counts too (Czado, Gneiting and Held 2009, Biometrics 65:1254).

Of a count, an interval from the 10 % to the 90 % quantile covers more than 80 %, for its ends have
probability themselves. The randomised probability integral transform

    u = F(units - 1) + v (F(units) - F(units - 1)),   v uniform on (0, 1)

is uniform if the forecast F is right, of counts and of densities alike. The share of v for which u lies in
0.1..0.9 is the expectation of the randomised coverage, so that nothing need be drawn at random.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from typing_extensions import TypedDict

from expectations.columns import LEVELS
from tasks.demand.counts import Counts, probability_up_to
from tasks.demand.distribution import Distribution

CENTRAL = (0.1, 0.9)  # ends of the interval that is scored
CLASS_NAMES = {"all": "all series", "slow": "slow movers (half of the periods without a sale)", "rest": "the rest"}
NORMAL_95 = 1.96  # standard errors to either side of a 95 % interval


class Coverage(TypedDict):
    """Randomised coverage of the 80 % interval of a class of series.

    ``value`` is a share of the held-out periods, with its 95 % sampling interval ``low`` to ``high``;
    ``periods`` are the held-out periods of all series of the class.
    """

    value: float
    low: float
    high: float
    periods: int


def randomised_coverage(
    units: np.ndarray, forecast: Distribution, counts: Counts, slow: np.ndarray
) -> dict[str, Coverage]:
    """Return the randomised coverage of all series, of slow movers and of the rest; empty classes are left out.

    Args:
        units: what sold, nan where missing (series, horizon).
        forecast: of the blend, of the same shape.
        counts: which series are counts, and their dispersion.
        slow: whether the series is a slow mover (series,).
    """
    inside = inside_share(*transform(units, forecast, counts))
    inside = np.where(np.isfinite(units), inside, np.nan)
    classes = {"all": np.ones_like(slow), "slow": slow, "rest": ~slow}
    return {
        name: _coverage(inside[rows]) for name, rows in classes.items() if np.isfinite(inside[rows]).any()
    }


def flat_coverage(coverage: Mapping[str, Coverage], prefix: str = "") -> dict[str, float]:
    """Return coverage and the ends of its interval by metric name, such as ``coverage_randomised.slow.low``."""
    return {
        f"{prefix}coverage_randomised.{name}{end}": row[key]
        for name, row in coverage.items()
        for end, key in (("", "value"), (".low", "low"), (".high", "high"))
    }


def coverage_sentences(coverage: Mapping[str, Coverage]) -> list[str]:
    """Return a sentence for each class of series."""
    return [
        f"Randomised coverage of the blend's 80 % interval, {CLASS_NAMES[name]}: {row['value']:.3f} "
        f"({row['low']:.3f} to {row['high']:.3f}; {row['periods']:,} held-out periods)."
        for name, row in coverage.items()
    ]


def transform(units: np.ndarray, forecast: Distribution, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the probability integral transform, F(units - 1) and F(units) (series, horizon).

    Between the levels of a density F is linear, beyond them it is 0 or 1. Expected demand of a sold-out
    period is rounded to whole units where the series is a count.

    Args:
        units: what sold, nan where missing (series, horizon).
        forecast: of the same shape.
        counts: which series are counts, and their dispersion.
    """
    low, high = _from_quantiles(units, forecast.quantiles)
    rows = counts.counted
    if rows.any():
        sold, mean = np.rint(units[rows]), forecast.mean[rows]
        dispersion = counts.dispersion[rows, None]
        low[rows] = probability_up_to(sold - 1, mean, dispersion)
        high[rows] = probability_up_to(sold, mean, dispersion)
    return low, high


def inside_share(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return which share of the transforms between both ends lies in ``CENTRAL``, of shape (...,)."""
    overlap = np.minimum(high, CENTRAL[1]) - np.maximum(low, CENTRAL[0])
    width = high - low
    at_point = (CENTRAL[0] <= low) & (high <= CENTRAL[1])
    return np.where(width > 0, np.maximum(overlap, 0.0) / np.where(width > 0, width, 1.0), at_point)


def _from_quantiles(units: np.ndarray, quantiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return P(demand < units) and P(demand <= units), which differ where levels share a quantile (...,).

    Args:
        units: what sold, nan where missing (...,).
        quantiles: units at ``LEVELS`` (..., level).
    """
    sold = units[..., None]
    passed = (quantiles < sold).sum(axis=-1), (quantiles <= sold).sum(axis=-1)
    low, high = (_probability(units, quantiles, levels) for levels in passed)
    return low, high


def _probability(units: np.ndarray, quantiles: np.ndarray, passed: np.ndarray) -> np.ndarray:
    """Return the probability on the line between the last level that is passed and the next one (...,).

    Args:
        units: what sold (...,).
        quantiles: units at ``LEVELS`` (..., level).
        passed: number of levels below or at the units (...,); before the first it is 0, past the last 1.
    """
    last = len(LEVELS) - 1
    left, right = np.clip(passed - 1, 0, last), np.clip(passed, 0, last)
    below, above = (np.take_along_axis(quantiles, k[..., None], axis=-1)[..., 0] for k in (left, right))
    step = np.where(above > below, above - below, 1.0)
    levels = np.asarray(LEVELS)
    between = levels[left] + (levels[right] - levels[left]) * (units - below) / step
    return np.where(passed == 0, 0.0, np.where(passed > last, 1.0, between))


def _coverage(inside: np.ndarray) -> Coverage:
    """Return the mean over series and periods, with an interval for errors that either share.

    The variance is clustered by series and by period (Cameron, Gelbach and Miller 2011, J. Bus. Econ. Stat.
    29:238).

    Args:
        inside: share inside the interval, nan where missing (series, horizon).
    """
    known = np.isfinite(inside)
    count, value = known.sum(), float(np.nanmean(inside))
    error = np.where(known, inside - value, 0.0)
    by_series, by_period = (float((error.sum(axis=axis) ** 2).sum()) for axis in (1, 0))
    alone = float((error**2).sum())
    spread = NORMAL_95 * np.sqrt(max(by_series + by_period - alone, alone)) / count
    return Coverage(
        value=value,
        low=float(max(0.0, value - spread)),
        high=float(min(1.0, value + spread)),
        periods=int(count),
    )
