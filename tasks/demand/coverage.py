"""Whether intervals cover what they claim, of counts too (Czado, Gneiting, Held 2009, Biometrics 65:1254).

Of a count, an interval from the 10 % to the 90 % quantile covers more than 80 %, for its ends have
probability themselves. The randomised probability integral transform

    u = F(units - 1) + v (F(units) - F(units - 1)),   v uniform on (0, 1)

is uniform if the forecast F is right, of counts and of densities alike. The share of v for which u lies in
0.1..0.9 is the expectation of the randomised coverage, so that nothing need be drawn at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import TypedDict

from expectations.columns import LEVELS
from tasks.demand.counts import Counts, probability_up_to
from tasks.demand.distribution import Distribution

CENTRAL = (0.1, 0.9)  # ends of the interval that is scored
NORMAL_95 = 1.96  # standard errors to either side of a 95 % interval
CLASS_NAMES = {
    "all": "all series",
    "slow": "slow movers, which sell nothing in half of their periods",
    "rest": "the rest",
}


class Coverage(TypedDict):
    """Randomised coverage of the 80 % interval of a class of series.

    ``value`` is a share of the held-out periods, with its 95 % sampling interval ``low`` to ``high``;
    ``periods`` are the held-out periods of all series of the class.
    """

    value: float
    low: float
    high: float
    periods: int


@dataclass(frozen=True, kw_only=True)
class Transforms:
    """Probability integral transforms of what sold.

    Attributes:
        low, high: F(units - 1) and F(units), nan where units are missing (series, horizon).
        slow: whether the series is a slow mover (series,), bool.
    """

    low: np.ndarray
    high: np.ndarray
    slow: np.ndarray

    def shares(self, start: float, end: float) -> dict[str, np.ndarray]:
        """Return by class the share of each randomised transform between two ends, nan where missing.

        Classes without any units are left out.
        """
        share = share_between(self.low, self.high, start, end)
        share = np.where(np.isfinite(self.low), share, np.nan)
        classes = {"all": np.ones_like(self.slow), "slow": self.slow, "rest": ~self.slow}
        return {name: share[rows] for name, rows in classes.items() if np.isfinite(share[rows]).any()}


def transforms_of(units: np.ndarray, forecast: Distribution, counts: Counts, slow: np.ndarray) -> Transforms:
    """Return the transforms of what sold under a forecast.

    Between the levels of a density F is linear, beyond them it is 0 or 1. The expected demand of a sold-out
    period is rounded to whole units where the series is a count.

    Args:
        units: what sold, nan where missing (series, horizon).
        forecast: of the same shape.
        counts: which series are counts, and their dispersion.
        slow: whether the series is a slow mover (series,), bool.
    """
    low, high = _from_quantiles(units, forecast.quantiles)
    rows = counts.counted
    if rows.any():
        sold, mean, dispersion = np.rint(units[rows]), forecast.mean[rows], counts.dispersion[rows, None]
        low[rows] = probability_up_to(sold - 1, mean, dispersion)
        high[rows] = probability_up_to(sold, mean, dispersion)
    missing = ~np.isfinite(units)
    return Transforms(low=np.where(missing, np.nan, low), high=np.where(missing, np.nan, high), slow=slow)


def share_between(low: np.ndarray, high: np.ndarray, start: float, end: float) -> np.ndarray:
    """Return which share of the numbers from ``low`` to ``high`` lies between two ends (...,).

    Where ``low`` equals ``high`` it is 1 or 0; the ends belong to what lies between them.
    """
    width, overlap = high - low, np.minimum(high, end) - np.maximum(low, start)
    at_point = (start <= low) & (high <= end)
    return np.where(width > 0, np.maximum(overlap, 0.0) / np.where(width > 0, width, 1.0), at_point)


def randomised_coverage(transforms: Transforms) -> dict[str, Coverage]:
    """Return the randomised coverage of all series, of slow movers and of the rest, by class."""
    return {name: _coverage(inside) for name, inside in transforms.shares(*CENTRAL).items()}


def coverage_metrics(coverage: Mapping[str, Coverage], prefix: str = "") -> dict[str, float]:
    """Return coverage and the ends of its interval by name, such as ``coverage_randomised.slow.low``."""
    return {
        f"{prefix}coverage_randomised.{name}{end}": value
        for name, row in coverage.items()
        for end, value in (("", row["value"]), (".low", row["low"]), (".high", row["high"]))
    }


def coverage_sentences(coverage: Mapping[str, Coverage]) -> list[str]:
    """Return a sentence for all series, and one for each class if there are several."""
    return [
        f"Randomised coverage of the blend's 80 % interval, {CLASS_NAMES[name]}: {row['value']:.3f} "
        f"({row['low']:.3f} to {row['high']:.3f}; {row['periods']:,} held-out periods)."
        for name, row in coverage.items()
        if name == "all" or row["periods"] < coverage["all"]["periods"]
    ]


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
    spread = float(NORMAL_95 * np.sqrt(max(by_series + by_period - alone, alone)) / count)
    low, high = max(0.0, value - spread), min(1.0, value + spread)
    return Coverage(value=value, low=low, high=high, periods=int(count))
