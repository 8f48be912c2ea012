"""The blend ``lambda * ARIMA + (1 - lambda) * LSTM``: its weight is fitted on forecasts made out of fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tasks.demand.distribution import Distribution, mixed
from tasks.demand.metrics import Criterion

RESAMPLES = 1000  # of the origins, for the interval of the weight
INTERVAL = (0.05, 0.95)

Cost = Callable[[np.ndarray, Distribution], np.ndarray]
"""What a forecast costs, given units: an error per series and target, 0 where nothing counts."""


@dataclass(frozen=True, kw_only=True)
class Blend:
    """Weights of ARIMA, and how the cost answers them.

    Attributes:
        weight: for all series together, 0..1.
        low, high: 90 % interval of it, by a bootstrap over the origins.
        in_logs: whether log(1 + units) is averaged instead of units: whichever cost less on the folds.
        by_category: of each category, pulled towards ``weight``.
        grid: the weights (weights,).
        curve: cost on the folds at each of them (weights,).
    """

    weight: float
    low: float
    high: float
    in_logs: bool
    by_category: dict[str, float]
    grid: np.ndarray
    curve: np.ndarray

    def weights(self, categories: np.ndarray) -> np.ndarray:
        """Return the weight of every series; an unknown category has the common one (series,)."""
        return np.array([self.by_category.get(category, self.weight) for category in categories])


def absolute_cost(units: np.ndarray, forecast: Distribution) -> np.ndarray:
    """Return each target's share of the WAPE of the median (series, targets)."""
    return np.nan_to_num(np.abs(units - forecast.median)) / np.nansum(units)


def relative_cost(least: float) -> Cost:
    """Return the cost that adds up to the MAPE of the (-1)-median, over targets of at least so many units."""

    def cost(units: np.ndarray, forecast: Distribution) -> np.ndarray:
        large = np.isfinite(units) & (units >= max(least, np.finfo(float).tiny))
        return np.where(
            large, np.abs(units - forecast.relative_median) / np.where(large, units, 1.0), 0.0
        ) / max(1, large.sum())

    return cost


@dataclass(frozen=True)
class Weighting:
    """How the weights are fitted.

    Attributes:
        grid: number of weights between 0 and 1 that are compared.
        shrinkage: pull of a category towards the global weight (forecasts).
        cost: what is minimised.
    """

    grid: int
    shrinkage: float
    cost: Cost


def cost_of(criterion: Criterion) -> Cost:
    """Return the cost that adds up to the error that counts."""
    return absolute_cost if criterion.errors == "units" else relative_cost(criterion.mape_units)


def fit_blend(
    units: np.ndarray,
    members: tuple[Distribution, Distribution],
    weighting: Weighting,
    *,
    categories: np.ndarray,
    origins: np.ndarray,
) -> Blend:
    """Return the weights of the least cost, global and by category.

    A category of n forecasts, whose least cost is at w, has (n * w + shrinkage * global) / (n + shrinkage).

    Args:
        units: what sold, nan where missing (series, targets).
        members: forecasts out of fold of ARIMA and of the LSTM (series, targets).
        weighting: grid, shrinkage and cost.
        categories: of each series (series,).
        origins: number of each target's origin (targets,).
    """
    weights, shrinkage = np.linspace(0, 1, weighting.grid), weighting.shrinkage
    in_logs, costs = _cheaper(units, members, weights, weighting.cost)  # (W, S, T)
    curve, count = costs.sum(axis=(1, 2)), np.isfinite(units).sum(axis=1)
    best = float(weights[curve.argmin()])
    by_category = {}
    for category in sorted(set(categories)):
        rows = categories == category
        cheapest, n = weights[costs[:, rows].sum(axis=(1, 2)).argmin()], count[rows].sum()
        by_category[str(category)] = float((n * cheapest + shrinkage * best) / (n + shrinkage))
    low, high = _interval(costs.sum(axis=1), origins, weights)
    return Blend(
        weight=best,
        low=low,
        high=high,
        in_logs=in_logs,
        by_category=by_category,
        grid=weights,
        curve=curve,
    )


def _cheaper(
    units: np.ndarray, members: tuple[Distribution, Distribution], weights: np.ndarray, cost: Cost
) -> tuple[bool, np.ndarray]:
    """Return whether averaging logs costs less than averaging units, and its costs (weights, series, T)."""
    in_units, in_logs = (
        np.stack([cost(units, mixed(weight, *members, logs)) for weight in weights]) for logs in (False, True)
    )
    if in_logs.sum(axis=(1, 2)).min() < in_units.sum(axis=(1, 2)).min():
        return True, in_logs
    return False, in_units


def _interval(costs: np.ndarray, origins: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return the interval of the best weight over resampled origins; an origin is drawn with all its targets.

    Args:
        costs: cost of each weight at each target (weights, targets).
        origins: number of each target's origin (targets,).
        weights: of the costs (weights,).
    """
    by_origin = np.stack(
        [costs[:, origins == origin].sum(axis=1) for origin in np.unique(origins)], axis=1
    )  # (W, O)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(
        by_origin.shape[1], np.full(by_origin.shape[1], 1 / by_origin.shape[1]), size=RESAMPLES
    )  # (R, O)
    best = weights[(by_origin @ drawn.T).argmin(axis=0)]
    low, high = np.quantile(best, INTERVAL)
    return float(low), float(high)
