"""What substitute groups learn from each other, as posterior draws: the error of their common mean is common.

    slope_g ~ N(m x_g, A),   estimate_g ~ N(slope_g, s_g^2)

with x_g = 1, or what a slope is known to go with. Every draw draws A, then m once for all groups, then the
groups around it. Drawn group by group, the error that all groups share would average away over the shop.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from tasks.response.pooling import GRID, LEAST, MOST, moderated, winsorised


class Slopes(NamedTuple):
    """Slopes of the groups of a shop.

    Attributes:
        estimate: of every group, nan where it has none (groups,).
        error: standard errors, infinite where there is none (groups,).
        without: estimates without each block of weeks (groups, blocks).
    """

    estimate: np.ndarray
    error: np.ndarray
    without: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Return which groups have an estimate of their own (groups,), bool."""
        return np.asarray(np.isfinite(self.error) & (self.error > 0))

    def only(self, groups: np.ndarray) -> Slopes:
        """Return the slopes with only some groups known (groups,), bool."""
        return Slopes(
            np.where(groups, self.estimate, np.nan), np.where(groups, self.error, np.inf), self.without
        )


def pooled_draws(
    slopes: Slopes, draws: int, rng: np.random.Generator, scale: np.ndarray | None = None
) -> np.ndarray | None:
    """Return posterior draws of every group's slope (draws, groups); none where no group has an estimate.

    A group without an estimate takes the common mean with the spread of the groups around it.

    Args:
        slopes: of the groups alone.
        draws: number of draws.
        rng: source of them.
        scale: x of every group, above 0 (groups,); by default 1.
    """
    known = slopes.known
    if not known.any():
        return None
    scale = np.ones(len(known)) if scale is None else scale
    x = scale[known]
    value, without = slopes.estimate[known], slopes.without[known]
    freedom = without.shape[1] - 1
    error = moderated(slopes.error[known], np.full(len(value), freedom))
    pooled = winsorised(value, error)
    grid, weight = _spreads(pooled, error, x)
    between = rng.choice(grid, draws, p=weight)[:, None]  # (draws, 1)
    precision = 1 / (error**2 + between)  # (draws, known groups)
    total = precision @ x**2
    mean = precision @ (x * pooled) / total
    variance = np.maximum(1 / total, _common_variance(precision * x, x, without))
    centre = (mean + np.sqrt(variance) * rng.normal(size=draws))[:, None] * scale
    drawn = centre + np.sqrt(between) * rng.normal(size=(draws, len(known)))
    trust = between * precision
    spread = np.sqrt(trust) * error * rng.normal(size=trust.shape)
    drawn[:, known] = centre[:, known] + trust * (value - centre[:, known]) + spread
    return np.asarray(drawn)


def _spreads(value: np.ndarray, error: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values of A and their posterior probabilities; before the data A is uniform (Morris 1983)."""
    scatter = max(float(value.var()), float((error**2).min()))
    grid = scatter * np.geomspace(LEAST, MOST, GRID)
    precision = 1 / (error**2 + grid[:, None])  # (GRID, groups)
    total = precision @ x**2
    mean = precision @ (x * value) / total
    apart = (precision * (value - mean[:, None] * x) ** 2).sum(axis=1)
    log = 0.5 * (np.log(precision).sum(axis=1) - np.log(total) - apart) + np.log(grid)
    weight = np.exp(log - log.max())
    return grid, weight / weight.sum()


def _common_variance(weight: np.ndarray, x: np.ndarray, without: np.ndarray) -> np.ndarray:
    """Return the jackknife variance of the weighted mean over the shop's blocks of weeks (draws,).

    It holds what all groups have in common: surprises of the whole shop that go with its prices. Few blocks
    make it uncertain itself, so it is widened as Student's t is.

    Args:
        weight: of the groups (draws, groups).
        x: what the mean is multiplied by (groups,).
        without: estimates of the groups without each block (groups, blocks).
    """
    blocks = without.shape[1]
    means = weight @ without / (weight @ x)[:, None]
    apart = means - means.mean(axis=1, keepdims=True)
    wider = stats.t.ppf(0.975, blocks - 1) / stats.norm.ppf(0.975)
    return np.asarray((1 - 1 / blocks) * (apart**2).sum(axis=1) * wider**2)
