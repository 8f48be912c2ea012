"""Baselines beside which every forecast is shown: the seasonal naive forecast and exponential smoothing."""

from __future__ import annotations

import numpy as np

from expectations.columns import LEVELS
from tasks.demand.distribution import Distribution

WEEK, YEAR = 7, 52  # seasons of daily and of weekly sales (periods)
LEVEL_WEIGHTS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)  # alpha
SEASON_WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.2)  # gamma


def season_of(period: str, periods: int) -> int:
    """Return the season (periods): a week of days; a year of weeks where two years are known, else 1."""
    if period == "D":
        return WEEK
    return YEAR if periods >= 2 * YEAR else 1


def naive_scale(units: np.ndarray, season: int) -> np.ndarray:
    """Return the mean absolute error of the seasonal naive forecast in training (series,); nan: 0 or unknown.

    Args:
        units: units/period, nan where missing (series, periods).
        season: length of the season (periods).
    """
    change = np.abs(units[:, season:] - units[:, :-season])
    there = np.isfinite(change)
    mean = np.where(there, change, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return np.where(mean > 0, mean, np.nan)


def seasonal_naive(units: np.ndarray, season: int, gap: int, horizon: int) -> Distribution:
    """Repeat the last season; every quantile is the point, until it is calibrated.

    Args:
        units: units/period up to the origin, nan where missing (series, periods).
        season: length of the season (periods).
        gap: periods between the origin and the first target.
        horizon: targets.
    """
    last = _filled(units)[:, -season:]
    ahead = (gap + np.arange(horizon)) % season
    return _certain(last[:, ahead])


def ets(units: np.ndarray, season: int, gap: int, horizon: int) -> Distribution:
    """Forecast by additive exponential smoothing without trend: ETS(A,N,A); ETS(A,N,N) where the season is 1.

        forecast_t = l_(t-1) + s_(t-m),   e_t = y_t - forecast_t
        l_t = l_(t-1) + alpha e_t,        s_t = s_(t-m) + gamma e_t

    (Hyndman, Koehler, Ord and Snyder 2008, eq. 2.) A series takes the alpha and gamma of its least squared
    error. A missing period changes nothing. All series and all weights are smoothed together.

    Args:
        units: units/period up to the origin, nan where missing (series, periods).
        season: length of the season (periods).
        gap: periods between the origin and the first target.
        horizon: targets.
    """
    gammas = SEASON_WEIGHTS if season > 1 else (0.0,)
    weights = np.array([(alpha, gamma) for alpha in LEVEL_WEIGHTS for gamma in gammas])  # (W, 2)
    level, seasons, squares = smooth(units, season, weights[:, 0], weights[:, 1])
    best = squares.argmin(axis=1)
    rows = np.arange(len(units))
    ahead = (units.shape[1] + gap + np.arange(horizon)) % season
    return _certain(np.maximum(level[rows, best][:, None] + seasons[rows, best][:, ahead], 0.0))


def smooth(
    units: np.ndarray, season: int, alpha: np.ndarray, gamma: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Smooth all series with all pairs of weights.

    Args:
        units: units/period, nan where missing (series, periods).
        season: length of the season m (periods).
        alpha: weights of the level (weights,).
        gamma: weights of the season (weights,).

    Returns:
        last level (series, weights), seasons by t mod m (series, weights, m), sum of squared errors
        (series, weights).
    """
    head = units[:, : 2 * season]
    mean = _nan_mean(head)
    start = np.stack([_nan_mean(head[:, phase::season]) - mean for phase in range(season)], axis=1)  # (S, m)
    level = np.repeat(mean[:, None], len(alpha), axis=1)
    seasons = np.repeat(np.where(np.isfinite(start), start, 0.0)[:, None, :], len(alpha), axis=1)
    squares = np.zeros_like(level)
    for t in range(units.shape[1]):
        error = units[:, t, None] - level - seasons[..., t % season]
        error = np.where(np.isfinite(error), error, 0.0)
        level = level + alpha * error
        seasons[..., t % season] += gamma * error
        squares += error**2
    return level, seasons, squares


def _certain(point: np.ndarray) -> Distribution:
    return Distribution(point, np.repeat(point[..., None], len(LEVELS), axis=-1))


def _filled(units: np.ndarray) -> np.ndarray:
    """Carry the last units forward; 0 before the first."""
    index = np.where(np.isfinite(units), np.arange(units.shape[1]), -1)
    last = np.maximum.accumulate(index, axis=1)
    return np.where(last >= 0, np.take_along_axis(units, np.maximum(last, 0), axis=1), 0.0)


def _nan_mean(values: np.ndarray) -> np.ndarray:
    there = np.isfinite(values)
    return np.where(there, values, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
