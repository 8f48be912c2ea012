"""A forecast is a distribution; the point is a choice (Gneiting 2011, JASA 106:746)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expectations.columns import LEVELS


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


def mixed(weight: np.ndarray | float, first: Distribution, second: Distribution) -> Distribution:
    """Return ``weight * first + (1 - weight) * second``, quantile by quantile (Vincent averaging).

    Args:
        weight: weight of the first in 0..1, a number or one per series (series,).
    """
    w = np.broadcast_to(np.asarray(weight, float), first.mean.shape[:1])
    quantiles = w[:, None, None] * first.quantiles + (1 - w)[:, None, None] * second.quantiles
    return Distribution(w[:, None] * first.mean + (1 - w)[:, None] * second.mean, quantiles)
