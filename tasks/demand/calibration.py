"""Quantiles that cover what they claim: shifted by what they missed on the folds (conformalised quantiles, Romano et al. 2019).

In log(1 + units), so that small and large series may share a shift. The same for every model, so that none is flattered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expectations.columns import LEVELS
from tasks.demand.distribution import Distribution

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
    there = np.isfinite(units)
    error = np.log1p(units)[there][:, None] - np.log1p(forecast.quantiles[there])
    shift = np.array([np.quantile(error[:, k], level) for k, level in enumerate(LEVELS)])
    expected = forecast.mean[there].sum()
    factor = units[there].sum() / expected if expected > 0 else 1.0
    return Calibration(shift, float(np.clip(factor, *MEAN_BOUNDS)))
