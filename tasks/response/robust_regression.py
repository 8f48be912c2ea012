"""Robust regressions of many series at once: what a few false rows say does not move them.

A regression of log units on the log price and other columns, by Tukey's biweight from a start of high
resistance (Yohai 1987, Ann. Stat. 15:642). False prices are leverage points, which no weight of residuals
alone withstands: rows far out in the price are no part of the fit, and its start takes the price slope out of
a grid, the slope that leaves the smallest median residual (Rousseeuw 1984, JASA 79:871), with the other
columns fitted by least absolute deviations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SLOPES = np.arange(-6.0, 0.5)  # price slopes that the start chooses from: elasticities as they are published
USUAL_SLOPE, SLOPE_SPREAD = -2.5, 0.5  # prior of the price slope
LEAST_SLOPE, MOST_SLOPE = (
    -5.0,
    -1.5,
)  # between which it is taken to lie: a far price needs a slope that is usual
WIDTH = 6.0  # of the biweight in scales: an efficiency of 98 % at normal residuals
ABSOLUTE_STEPS, BIWEIGHT_STEPS = 10, 8
NORMAL_MEDIAN = 0.6745  # median absolute value of a standard normal variable
LEAST_SCALE = 0.02  # least scale of residuals, in logs
RIDGE = 1e-6  # prior precision of everything but the price, per row
NEAR = 0.1  # scales below which absolute residuals weigh alike


class RobustFit(NamedTuple):
    """The robust regression of some series.

    Attributes:
        fitted: values of every row (series, T).
        usual: the same at a log price of 0 (series, T).
        scale: of the residuals of every series (series,).
    """

    fitted: np.ndarray
    usual: np.ndarray
    scale: np.ndarray


def robust_fit(y: np.ndarray, price: np.ndarray, x: np.ndarray, there: np.ndarray) -> RobustFit:
    """Return the robust regression of every series on its price and its other columns.

    Args:
        y: outcome (series, T).
        price: log price (series, T).
        x: other columns, a constant among them (series, T, columns).
        there: which rows the regression is fitted to (series, T), bool; the others may hold anything finite.
    """
    count = there.sum(axis=1)
    spare = np.sqrt(count / np.maximum(count - x.shape[2] - 1, count / 3))  # of the columns fitted
    best, scale = np.zeros_like(y), np.full(len(y), np.inf)
    for slope in SLOPES:
        rest = _least_absolute(y - slope * price, x, there)
        size = _scale(rest, there) * spare
        better = size < scale
        best[better], scale[better] = rest[better], size[better]
    scale = np.maximum(scale, LEAST_SCALE)
    columns, rest = np.concatenate([price[..., None], x], axis=2), best
    for _ in range(BIWEIGHT_STEPS):
        weight = there * _biweight(rest, scale)
        slope = np.clip(_solved(y, columns, weight, scale)[:, :1], LEAST_SLOPE, MOST_SLOPE)
        outcome = y - slope * price
        rest = outcome - (x @ _solved(outcome, x, weight)[..., None])[..., 0]
    return RobustFit(y - rest, y - rest - slope * price, scale)


def _biweight(rest: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return the weights of residuals by Tukey's biweight (series, T)."""
    reach = np.minimum(np.abs(rest) / (WIDTH * scale[:, None]), 1.0)
    return np.asarray((1 - reach**2) ** 2)


def _least_absolute(y: np.ndarray, x: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return the residuals of regressions by least absolute deviations, by weights (series, T)."""
    weight = there.astype(float)
    rest = y
    for _ in range(ABSOLUTE_STEPS):
        rest = y - (x @ _solved(y, x, weight)[..., None])[..., 0]
        size = np.abs(rest)
        near = NEAR * _scale(rest, there)[:, None] + LEAST_SCALE * NEAR
        weight = there / np.maximum(size, near) * near
    return rest


def _solved(y: np.ndarray, x: np.ndarray, weight: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
    """Return coefficients of weighted least squares (series, columns); with a scale the first has a prior."""
    weighted = (x * weight[..., None]).transpose(0, 2, 1)  # (series, columns, T)
    gram, cross = weighted @ x, weighted @ y[..., None]
    gram = gram + RIDGE * (1 + weight.sum(axis=1)[:, None, None]) * np.eye(x.shape[2])
    if scale is not None:
        prior = (scale / SLOPE_SPREAD) ** 2
        gram[:, 0, 0] += prior
        cross[:, 0, 0] += prior * USUAL_SLOPE
    return np.asarray(np.linalg.solve(gram, cross)[..., 0])


def _scale(rest: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return the standard deviation of normal residuals with the median size of every series (series,)."""
    size = np.sort(np.where(there, np.abs(rest), np.inf), axis=1)
    middle = np.maximum(there.sum(axis=1) - 1, 0) // 2
    return np.asarray(size[np.arange(len(size)), middle] / NORMAL_MEDIAN)
