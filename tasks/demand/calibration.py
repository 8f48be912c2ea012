"""Quantiles that cover what they claim: spread by what they missed on the folds.

Conformalised quantiles (Romano, Patterson and Candes 2019, NeurIPS) in log(1 + units), so that small and
large series may share a correction; all models are calibrated alike, so that their comparison is fair. A
correction counts only as far as it stands out from its scatter over the periods of the folds (James and
Stein 1961), since all shops of a week share its surprises. The median is not corrected: a few periods say
more of a spread than of a level. The mean is corrected only beyond two standard errors: a great promotion
must not move all later means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expectations.columns import LEVELS
from tasks.demand.distribution import Distribution

MIDDLE = LEVELS.index(0.5)
SIGNIFICANT = 2.0  # standard errors beyond which the mean is corrected
MEAN_BOUNDS = (0.5, 2.0)  # least and largest correction of the mean that is believed


@dataclass(frozen=True)
class Calibration:
    """What is added to the quantiles, and what the mean is multiplied by.

    Attributes:
        shift: change of log(1 + units) at each level (level,).
        factor: of the mean.
    """

    shift: np.ndarray
    factor: float

    def __call__(self, forecast: Distribution) -> Distribution:
        """Return the corrected forecast, its quantiles in order and not below 0."""
        quantiles = np.maximum(np.expm1(np.log1p(forecast.quantiles) + self.shift), 0.0)
        return Distribution(forecast.mean * self.factor, np.sort(quantiles, axis=-1))


def calibrate(units: np.ndarray, forecast: Distribution) -> Calibration:
    """Return the correction under which the forecasts of the folds would have been right.

    Args:
        units: what sold, nan where missing (series, horizon).
        forecast: what was forecast, out of fold, of the same shape.
    """
    there = np.isfinite(units).any(axis=0)
    units, quantiles, mean = units[:, there], forecast.quantiles[:, there], forecast.mean[:, there]
    sold = np.isfinite(units)
    error = np.where(sold[..., None], np.log1p(units)[..., None] - np.log1p(quantiles), np.nan)
    shift = _spread(np.array([np.nanquantile(error[..., k], level) for k, level in enumerate(LEVELS)]))
    by_period = _spread(
        np.stack([np.nanquantile(error[..., k], level, axis=0) for k, level in enumerate(LEVELS)])
    )  # (level, period)
    believed = _believed(shift, by_period.std(axis=1) / np.sqrt(by_period.shape[1]))
    expected, actual = np.where(sold, mean, 0.0).sum(axis=0), np.nansum(units, axis=0)  # (period,)
    if expected.sum() <= 0:
        return Calibration(believed, 1.0)
    factor = np.clip(actual.sum() / expected.sum(), *MEAN_BOUNDS)
    scatter = np.sqrt(((actual - factor * expected) ** 2).sum()) / expected.sum()
    return Calibration(believed, float(1 + _believed(factor - 1, SIGNIFICANT * scatter)))


def _spread(shift: np.ndarray) -> np.ndarray:
    """Return shifts of the levels against that of the median (level, ...)."""
    return np.asarray(shift - shift[MIDDLE])


def _believed(correction: np.ndarray, scatter: np.ndarray) -> np.ndarray:
    """Return the positive part of the James-Stein estimate of a correction, given its standard error."""
    return np.asarray(
        correction * np.maximum(0.0, 1 - (scatter / np.where(correction == 0, np.inf, correction)) ** 2)
    )
