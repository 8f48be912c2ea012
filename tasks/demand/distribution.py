"""A forecast is a distribution; the point is a choice (Gneiting 2011, JASA 106:746)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from expectations.columns import LEVELS

FINE = np.linspace(0.01, 0.99, 99)  # probabilities between and beyond the levels
ROWS = 2000  # series whose fine quantiles are in memory together


def _interpolation() -> np.ndarray:
    """Return the matrix from log(1 + quantile) at ``LEVELS`` to that at ``FINE`` (level, fine).

    Between normal scores it draws lines, and prolongs the outer ones.
    """
    z, fine = np.asarray(stats.norm.ppf(LEVELS)), np.asarray(stats.norm.ppf(FINE))
    left = np.clip(np.searchsorted(z, fine) - 1, 0, len(z) - 2)
    share = (fine - z[left]) / (z[left + 1] - z[left])
    matrix = np.zeros((len(z), len(fine)))
    matrix[left, np.arange(len(fine))] = 1 - share
    matrix[left + 1, np.arange(len(fine))] += share
    return matrix


BETWEEN = _interpolation()  # (level, fine)


@dataclass(frozen=True)
class Distribution:
    """Demand of many series over a horizon, in units/period.

    Attributes:
        mean: expected units (series, horizon).
        quantiles: units at ``LEVELS``, never crossing (series, horizon, level).
    """

    mean: np.ndarray
    quantiles: np.ndarray

    @property
    def median(self) -> np.ndarray:
        """Return the point for absolute errors (series, horizon)."""
        return self.quantiles[..., LEVELS.index(0.5)]

    def within(self, most: np.ndarray) -> Distribution:
        """Return the demand with nothing below 0 or above the most units that are believed (series,)."""
        mean = np.clip(self.mean, 0.0, most[:, None])
        return Distribution(mean, np.clip(self.quantiles, 0.0, most[:, None, None]))

    @property
    def relative_median(self) -> np.ndarray:
        """Return the point for relative errors (series, horizon): the (-1)-median, that of density/units."""
        blocks = range(0, max(1, len(self.quantiles)), ROWS)
        return np.concatenate([_relative_median(self.quantiles[first : first + ROWS]) for first in blocks])


def _relative_median(quantiles: np.ndarray) -> np.ndarray:
    units = np.expm1(np.log1p(quantiles) @ BETWEEN)  # (series, horizon, fine)
    weight = np.cumsum(1 / np.maximum(units, 1.0), axis=-1)
    half = (weight >= weight[..., -1:] / 2).argmax(axis=-1)
    return np.asarray(np.take_along_axis(units, half[..., None], axis=-1)[..., 0])


def mixed(
    weight: np.ndarray | float, first: Distribution, second: Distribution, in_logs: bool = False
) -> Distribution:
    """Return ``weight * first + (1 - weight) * second``, quantile by quantile (Vincent averaging).

    Args:
        weight: weight of the first in 0..1, a number or of each series (series,).
        in_logs: average log(1 + units) instead of units at each level; the mean is always averaged in units.
    """
    w = np.broadcast_to(np.asarray(weight, float), first.mean.shape[:1])
    mean = w[:, None] * first.mean + (1 - w)[:, None] * second.mean
    w = w[:, None, None]
    if in_logs:
        return Distribution(
            mean, np.expm1(w * np.log1p(first.quantiles) + (1 - w) * np.log1p(second.quantiles))
        )
    return Distribution(mean, w * first.quantiles + (1 - w) * second.quantiles)


def joined(forecasts: Sequence[Distribution]) -> Distribution:
    """Put forecasts of the same series from several origins beside each other (series, origins * horizon)."""
    return Distribution(
        np.concatenate([f.mean for f in forecasts], axis=1),
        np.concatenate([f.quantiles for f in forecasts], axis=1),
    )


def stacked(forecasts: Sequence[Distribution]) -> Distribution:
    """Put forecasts of different series below each other (all series, horizon)."""
    return Distribution(
        np.concatenate([f.mean for f in forecasts]), np.concatenate([f.quantiles for f in forecasts])
    )
