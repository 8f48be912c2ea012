"""The blend ``lambda * ARIMA + (1 - lambda) * LSTM``: its weight is fitted on forecasts made out of fold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.demand.distribution import Distribution, mixed
from tasks.demand.metrics import wape


@dataclass(frozen=True)
class Blend:
    """Weights of ARIMA, and how the score answers them.

    Attributes:
        weight: for all series together, 0..1.
        by_category: of each category, pulled towards ``weight``.
        grid: weights that were tried (weights,).
        curve: WAPE on the folds at each of them (weights,).
    """

    weight: float
    by_category: dict[str, float]
    grid: np.ndarray
    curve: np.ndarray

    def weights(self, categories: np.ndarray) -> np.ndarray:
        """Return the weight of every series; an unknown category has the common one (series,)."""
        return np.array([self.by_category.get(category, self.weight) for category in categories])


def fit_blend(units: np.ndarray, arima: Distribution, lstm: Distribution, categories: np.ndarray, grid: int, shrinkage: float) -> Blend:
    """Return the weights of the least WAPE, global and by category.

    A category of n forecasts has (n * own + shrinkage * global) / (n + shrinkage).

    Args:
        units: what sold, nan where missing (series, targets).
        arima: its forecasts out of fold (series, targets).
        lstm: its forecasts out of fold (series, targets).
        categories: of each series (series,).
        grid: number of weights tried between 0 and 1.
        shrinkage: pull towards the global weight (forecasts).
    """
    weights = np.linspace(0, 1, grid)
    points = np.stack([mixed(weight, arima, lstm).median for weight in weights])  # (W, S, T)
    curve = np.array([wape(units, point) for point in points])
    best = float(weights[curve.argmin()])
    error = np.nan_to_num(np.abs(units - points)).sum(axis=2)  # (W, S)
    count = np.isfinite(units).sum(axis=1)
    by_category = {}
    for category in sorted(set(categories)):
        rows = categories == category
        own, n = weights[error[:, rows].sum(axis=1).argmin()], count[rows].sum()
        by_category[str(category)] = float((n * own + shrinkage * best) / (n + shrinkage))
    return Blend(best, by_category, weights, curve)
