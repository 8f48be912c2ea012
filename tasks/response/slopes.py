"""Linear panel estimators of one slope: within effects and controls, by an instrument, and cross-fitted.

    log units_st = a_s + e log price_st + controls_st b + error_st

Effects and controls are projected out first (Frisch, Waugh and Lovell), so that each estimator is a
regression of one residual on another; statsmodels does it. The errors are those of the jackknife over
blocks of weeks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import statsmodels.api as sm
from scipy import stats

from tasks.response.jackknife import blocks, covariance
from tasks.response.panel import Panel, residuals, within

RIDGE, FOLDS = 1.0, 4  # penalty on standardised controls and number of folds of double machine learning
LEAST_VARIANCE = 1e-4  # least share of the price's variance that the controls must leave
STORE_ROWS, STORE_POWER = 10, 1e-6  # a store has a slope with more rows, and more squared price residuals
LEAST_SCALE = 1e-9  # least standard deviation by which a control is divided
TINY = 1e-12  # keeps a division by 0 finite


class Estimate(NamedTuple):
    """A slope with its uncertainty.

    Attributes:
        slope: log units per log price, or as the estimator says.
        error: standard error of the slope; infinite where there is no estimate.
        freedom: degrees of freedom of the standard error.
        first_stage_f: F of the instrument's first stage; nan without an instrument.
    """

    slope: float
    error: float
    freedom: int = 1
    first_stage_f: float = float("nan")


NOTHING = Estimate(float("nan"), float("inf"))


def fixed_effects(panel: Panel) -> Estimate:
    """Return the slope beside effects and controls."""
    units, price = residuals(np.column_stack([panel.units, panel.price]), panel).T
    if _lost(price, panel):
        return NOTHING
    return _estimate(_slope(units, price), panel.units, panel.price, panel.price, panel)


def two_stage(panel: Panel) -> Estimate:
    """Return the slope by two-stage least squares with one instrument, and the F of its first stage.

    e = z'y / z'p with z, y, p the residuals: the reduced form over the first stage.
    """
    panel = panel.take(np.isfinite(panel.instrument))
    if len(panel.units) <= panel.controls.shape[1] + len(np.unique(panel.series)) + 2:
        return NOTHING
    y, p, z = residuals(np.column_stack([panel.units, panel.price, panel.instrument]), panel).T
    if _lost(p, panel) or _lost(z, panel):
        return NOTHING
    first = _estimate(_slope(p, z), panel.price, panel.instrument, panel.instrument, panel)
    second = _estimate(_slope(y, z) / first.slope, panel.units, panel.price, panel.instrument, panel)
    return second._replace(first_stage_f=(first.slope / first.error) ** 2)


def double_ml(panel: Panel) -> Estimate:
    """Return the slope of cross-fitted residuals (Chernozhukov et al. 2018, Econometrics Journal 21:C1).

    It checks the other estimators by a different method. Controls and their squares predict units and price
    by ridge regression. Folds take weeks in turn, so that every season occurs in every training.
    """
    controls = np.column_stack([panel.controls, panel.controls**2])
    x = within(controls, panel.series)
    x = x / np.maximum(x.std(axis=0), LEAST_SCALE)
    both = within(np.column_stack([panel.units, panel.price]), panel.series)
    fold, rest = panel.week % FOLDS, np.empty_like(both)
    for k in range(FOLDS):
        train, test = fold != k, fold == k
        gram = x[train].T @ x[train] + RIDGE * np.eye(x.shape[1])
        rest[test] = both[test] - x[test] @ np.linalg.solve(gram, x[train].T @ both[train])
    if _lost(rest[:, 1], panel):
        return NOTHING
    alone = panel._replace(controls=np.empty((len(rest), 0)))
    return _estimate(_slope(rest[:, 0], rest[:, 1]), rest[:, 0], rest[:, 1], rest[:, 1], alone)


def bends_up(panel: Panel, confidence: float) -> bool:
    """Return whether units clearly rise with the price in the lower or the upper half of the prices.

    Args:
        panel: rows of a product.
        confidence: one-sided confidence of the claim that they rise.
    """
    relative = within(panel.price, panel.series)
    both = np.column_stack([relative, np.maximum(relative - np.median(relative), 0.0)])
    x = residuals(both, panel)
    if np.linalg.matrix_rank(x) < 2:
        return False
    cov, z = covariance(panel.units, both, both, panel), stats.norm.ppf(confidence)
    lower, bend = sm.OLS(residuals(panel.units, panel), x).fit().params
    return bool((np.array([lower, lower + bend]) > z * np.sqrt([cov[0, 0], cov.sum()])).any())


def by_store(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and standard error of every series (series,); the controls act alike in all of them."""
    y, p = residuals(panel.units, panel), residuals(panel.price, panel)
    power = np.bincount(panel.series, p**2)
    slope = np.bincount(panel.series, p * y) / np.maximum(power, TINY)
    rest = y - slope[panel.series] * p
    error = np.sqrt(np.bincount(panel.series, (p * rest) ** 2)) / np.maximum(power, TINY)
    enough = (np.bincount(panel.series) > STORE_ROWS) & (power > STORE_POWER) & (error > 0)
    return np.where(enough, slope, np.nan), np.where(enough, error, np.inf)


def beside(panel: Panel, column: np.ndarray, outcome: np.ndarray) -> Estimate:
    """Return the slope of an outcome on a column, beside effects, controls and the own price.

    Args:
        panel: rows of a product.
        column: regressor (rows,).
        outcome: what the column explains (rows,).
    """
    wider = panel._replace(controls=np.column_stack([panel.controls, panel.price]), price=column)
    rest = residuals(column, wider)
    if _lost(rest, wider):
        return NOTHING
    return _estimate(_slope(residuals(outcome, wider), rest), outcome, column, column, wider)


def omission(panel: Panel, column: np.ndarray) -> float:
    """Return the slope of a column on the price beside effects and controls (1).

    Leaving the column out adds this much of the column's slope to that of the price (omitted-variable bias).
    """
    return _slope(residuals(column, panel), residuals(panel.price, panel))


def overdispersion(panel: Panel, slope: float) -> float:
    """Return the dispersion of demand beyond Poisson's: Var[units] = mean + dispersion mean^2."""
    units, rest = np.exp(panel.units), residuals(panel.units - slope * panel.price, panel)
    mean = np.exp(panel.units - rest)
    mean *= (np.bincount(panel.series, units) / np.maximum(np.bincount(panel.series, mean), TINY))[
        panel.series
    ]
    spare = len(units) / max(1, len(units) - panel.controls.shape[1] - len(np.unique(panel.series)) - 1)
    return max(0.0, float((((units - mean) ** 2) * spare - mean).sum() / (mean**2).sum()))


def follows_demand(panel: Panel, slope: float) -> tuple[float, float]:
    """Return the covariance of this week's price with last week's unexplained demand, and its variance.

    The variance is that under independence. A price that answers demand that is not in the table also goes
    with last week's surprise, if surprises last. Surprises of a single week, and those that last just as
    long as everything else in the price, stay hidden.
    """
    price, rest = residuals(panel.price, panel), residuals(panel.units - slope * panel.price, panel)
    order = np.lexsort((panel.week, panel.series))
    price, rest, series, week = price[order], rest[order], panel.series[order], panel.week[order]
    adjacent = (series[1:] == series[:-1]) & (week[1:] == week[:-1] + 1)
    product = (price[1:] * rest[:-1])[adjacent] / max(float(price.std() * rest.std()), TINY)
    sums = np.bincount(week[1:][adjacent], product)
    return float(sums.sum()), float(sums @ sums)


def _slope(y: np.ndarray, x: np.ndarray) -> float:
    """Return the least-squares slope of y on x, without a constant: both are residuals."""
    return float(sm.OLS(y, x).fit().params[0])


def _estimate(slope: float, y: np.ndarray, x: np.ndarray, instrument: np.ndarray, panel: Panel) -> Estimate:
    """Return a slope of y on x with its jackknife error."""
    error = float(np.sqrt(covariance(y, x, instrument, panel)[0, 0]))
    return Estimate(slope, error, int(blocks(panel.week).max()))


def _lost(price: np.ndarray, panel: Panel) -> bool:
    """Return whether the controls leave too little of the price to estimate its slope."""
    return bool(price.var() <= LEAST_VARIANCE * max(float(within(panel.price, panel.series).var()), TINY))
