"""Sparse demand is a count: the blend's quantiles of series that often sell nothing are whole numbers.

    units ~ negative binomial of mean m and variance m + alpha m^2,
    m = factor * (weight * ARIMA + (1 - weight) * LSTM), of the members' means

A density in log(1 + units) has no atom at 0: its 10 % quantile lies a little above 0 where half of the days
sell nothing, and no such day is inside the interval. A negative binomial (a Poisson whose mean is gamma
distributed) has that atom; alpha = 0 is the Poisson distribution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import stats

from expectations.columns import LEVELS
from tasks.demand.distribution import Distribution

PREFIX = "counts."
LEAST_MEAN = 1e-3  # units/period; a mean of 0 would make any sale impossible
LEAST_DISPERSION = 1e-3  # stands for a Poisson distribution


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Which series are counts, and how their means and dispersions follow from the members.

    Attributes:
        counted: whether the series is one (series,), bool.
        weight: of ARIMA in the mean (series,).
        factor: what the mean of the members is multiplied by (series,).
        dispersion: alpha (series,).
    """

    counted: np.ndarray
    weight: np.ndarray
    factor: np.ndarray
    dispersion: np.ndarray

    def __call__(self, blend: Distribution, arima: Distribution, lstm: Distribution) -> Distribution:
        """Return the blend with whole quantiles, and the mean that belongs to them, where series are counts.

        Args:
            blend: calibrated, of the same series as ``counted``.
            arima, lstm: the calibrated members.
        """
        rows = self.counted
        if not rows.any():
            return blend
        weight, factor = self.weight[rows, None], self.factor[rows, None]
        expected = factor * (weight * arima.mean[rows] + (1 - weight) * lstm.mean[rows])
        expected = np.maximum(expected, LEAST_MEAN)
        mean, quantiles = blend.mean.copy(), blend.quantiles.copy()
        mean[rows] = expected
        quantiles[rows] = quantiles_of(expected, self.dispersion[rows, None])
        return Distribution(mean, quantiles)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by the names under which they are registered."""
        return {f"{PREFIX}{field.name}": getattr(self, field.name) for field in fields(self)}


def none_counted(series: int) -> Counts:
    """Return the record under which the blend of so many series stays as it is."""
    return Counts(
        counted=np.zeros(series, bool),
        weight=np.zeros(series),
        factor=np.ones(series),
        dispersion=np.zeros(series),
    )


def counts_of(arrays: Mapping[str, np.ndarray], series: int) -> Counts:
    """Return what ``Counts.arrays`` wrote; models that were registered without it have no counts."""
    names = [field.name for field in fields(Counts)]
    if any(f"{PREFIX}{name}" not in arrays for name in names):
        return none_counted(series)
    return Counts(**{name: arrays[f"{PREFIX}{name}"] for name in names})


def quantiles_of(mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    """Return the least whole units whose probability reaches each of ``LEVELS`` (..., level).

    Args:
        mean: expected units/period, above 0 (...,).
        dispersion: alpha, of a shape that broadcasts to it.
    """
    return np.asarray(_negative_binomial(mean[..., None], dispersion[..., None]).ppf(LEVELS))


def probability_up_to(units: np.ndarray, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    """Return the probability of at most so many units (...,).

    Args:
        units: whole units/period; below 0 the probability is 0 (...,).
        mean: expected units/period, above 0 (...,).
        dispersion: alpha, of a shape that broadcasts to it.
    """
    return np.asarray(_negative_binomial(mean, dispersion).cdf(units))


def _negative_binomial(mean: np.ndarray, dispersion: np.ndarray) -> Any:
    alpha = np.maximum(dispersion, LEAST_DISPERSION)
    return stats.nbinom(1 / alpha, 1 / (1 + alpha * mean))
