"""Scores of forecasts, with the point that suits the score (Gneiting 2011, JASA 106:746).

Absolute errors are of the median, the bias is that of the mean, and the relative error takes the
(-1)-median. Missing actuals are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from typing_extensions import TypedDict

from expectations.columns import LEVELS
from tasks.demand.distribution import Distribution


@dataclass(frozen=True)
class Criterion:
    """The error that counts in search and blend.

    Attributes:
        errors: ``units``, the WAPE of the median; ``logs``, the MAPE of the (-1)-median.
        mape_units: least units that enter the MAPE (units/period).
    """

    errors: Literal["units", "logs"]
    mape_units: float

    def error(self, units: np.ndarray, forecast: Distribution) -> float:
        """Return the error of a forecast, nan where no units are large enough.

        Args:
            units: what sold, nan where missing (series, horizon).
            forecast: what was forecast, of the same shape.
        """
        if self.errors == "units":
            return wape(units, forecast.median)
        error = mape(units, forecast.relative_median, self.mape_units)
        return float("nan") if error is None else error


class Scores(TypedDict):
    """Scores of one model.

    ``wape``: sum of absolute errors over the sum of units (1). ``mase``: mean absolute error over that of the
    seasonal naive forecast in training (1). ``bias``: sum of mean forecast minus units, over the sum of
    units (1).
    ``pinball``: mean pinball loss over all levels (units). ``coverage_80``: share of units inside the 10 %
        and 90 %
    quantiles (share). ``mape``: mean absolute error over units, where units are large enough; none where
    they never are (1).
    """

    wape: float
    mase: float
    bias: float
    pinball: float
    coverage_80: float
    mape: float | None


def scores(units: np.ndarray, forecast: Distribution, scale: np.ndarray, mape_units: float) -> Scores:
    """Return every score.

    Args:
        units: what sold, nan where missing (series, horizon).
        forecast: what was forecast, of the same shape.
        scale: mean absolute error of the seasonal naive forecast in training (series,).
        mape_units: least units that enter the relative error (units/period).
    """
    there = np.isfinite(units)
    total = units[there].sum()
    error = np.abs(units - forecast.median)
    scaled = error / scale[:, None]
    low, high = (forecast.quantiles[..., LEVELS.index(level)] for level in (0.1, 0.9))
    return Scores(
        wape=float(error[there].sum() / total),
        mase=float(scaled[there & np.isfinite(scaled)].mean()),
        bias=float((forecast.mean - units)[there].sum() / total),
        pinball=float(pinball(units, forecast.quantiles)[there].mean()),
        coverage_80=float(((low <= units) & (units <= high))[there].mean()),
        mape=mape(units, forecast.relative_median, mape_units),
    )


def wape(units: np.ndarray, point: np.ndarray) -> float:
    """Return the sum of absolute errors over the sum of units, both of one shape."""
    there = np.isfinite(units)
    return float(np.abs(units - point)[there].sum() / units[there].sum())


def pinball(units: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Return the mean over all levels of max(level * (units - q), (level - 1) * (units - q)) (...,).

    Args:
        units: what sold (...,).
        quantiles: forecast at ``LEVELS`` (..., level).
    """
    error = units[..., None] - quantiles
    levels = np.asarray(LEVELS)
    return np.asarray(np.maximum(levels * error, (levels - 1) * error).mean(axis=-1))


def mape(units: np.ndarray, point: np.ndarray, least: float) -> float | None:
    """Return the mean of absolute error over units, where at least ``least`` units sold; none: nowhere."""
    large = np.isfinite(units) & (units >= max(least, np.finfo(float).tiny))
    return float((np.abs(units - point)[large] / units[large]).mean()) if large.any() else None
