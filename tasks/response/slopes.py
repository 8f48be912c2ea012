"""Linear panel estimators of one slope: within effects and controls, by an instrument, and cross-fitted.

    log units_st = a_s + e log price_st + controls_st b + error_st

Effects and controls are projected out first (Frisch, Waugh and Lovell), so that each estimator is a regression of one residual on another;
statsmodels does it. The errors are those of the jackknife that leaves out a block of adjacent weeks, all stores of it, at a time and
estimates anew, controls included (Quenouille 1949; MacKinnon, Nielsen and Webb 2023, J. Appl. Econometrics 38:671): the stores of a chain
move their prices together, and what is unexplained this week is not independent of what was last week. Sandwich errors (clustered by week,
or over weeks as well) were a fifth too small on simulated shops: controls that move as slowly as the price hide how long surprises last.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import statsmodels.api as sm
from scipy import stats

RIDGE, FOLDS = 1.0, 4  # penalty on standardised controls and number of folds of double machine learning
BLOCK = 0.6  # weeks of a block, in square roots of the number of weeks
LITTLE = 1e-9  # ridge a row, on standardised columns: a control may be constant without a block
ALONE = 1e-4  # least share of the price's variance that the controls leave


class Estimate(NamedTuple):
    """A slope, its standard error with its degrees of freedom, and the first-stage F of its instrument (nan without one)."""

    slope: float
    error: float
    freedom: int = 1
    first_stage_f: float = float("nan")


NOTHING = Estimate(float("nan"), float("inf"))


class Panel(NamedTuple):
    """Rows of one product.

    Attributes:
        units: log units (rows,).
        price: log price (rows,).
        controls: what moves price and demand together (rows, controls).
        series: number of the row's store (rows,).
        week: number of the row's week (rows,).
        instrument: log cost or randomised price, nan where there is none (rows,).
    """

    units: np.ndarray
    price: np.ndarray
    controls: np.ndarray
    series: np.ndarray
    week: np.ndarray
    instrument: np.ndarray

    def take(self, rows: np.ndarray) -> Panel:
        """Return some rows."""
        return Panel(*(values[rows] for values in self))


def within(values: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Return values less the mean of their series (rows, ...)."""
    if not series.any():
        return np.asarray(values - values.mean(axis=0))
    columns = values if values.ndim == 2 else values[:, None]
    count = np.maximum(np.bincount(series), 1)
    means = (
        np.stack([np.bincount(series, column) / count for column in columns.T], axis=1)
        if columns.size
        else columns
    )
    return np.asarray((columns - means[series]).reshape(values.shape))


def left(values: np.ndarray, panel: Panel) -> np.ndarray:
    """Return what effects and controls leave of values (rows, ...)."""
    own, controls = within(values, panel.series), within(panel.controls, panel.series)
    gram = np.linalg.pinv(controls.T @ controls, rcond=1e-10, hermitian=True)
    return np.asarray(own - controls @ (gram @ (controls.T @ own)))


def fixed_effects(panel: Panel) -> Estimate:
    """Return the slope beside effects and controls."""
    units, price = left(np.column_stack([panel.units, panel.price]), panel).T
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
    y, p, z = left(np.column_stack([panel.units, panel.price, panel.instrument]), panel).T
    if _lost(p, panel) or _lost(z, panel):
        return NOTHING
    first = _estimate(_slope(p, z), panel.price, panel.instrument, panel.instrument, panel)
    second = _estimate(_slope(y, z) / first.slope, panel.units, panel.price, panel.instrument, panel)
    return second._replace(first_stage_f=(first.slope / first.error) ** 2)


def double_ml(panel: Panel) -> Estimate:
    """Return the slope of cross-fitted residuals (Chernozhukov et al. 2018, Econometrics Journal 21:C1): a check, by another road.

    Controls, their squares and products with the first one predict units and price by ridge regression. Folds take weeks in turn, so
    that every season occurs in every training.
    """
    controls = np.column_stack([panel.controls, panel.controls**2])
    x = within(controls, panel.series)
    x = x / np.maximum(x.std(axis=0), 1e-9)
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
    """Return whether units clearly rise with the price in the lower or upper half of the prices: the ladder is not monotone there."""
    relative = within(panel.price, panel.series)
    both = np.column_stack([relative, np.maximum(relative - np.median(relative), 0.0)])
    x = left(both, panel)
    if np.linalg.matrix_rank(x) < 2:
        return False
    cov, z = _covariance(panel.units, both, both, panel), stats.norm.ppf(confidence)
    lower, bend = sm.OLS(left(panel.units, panel), x).fit().params
    return bool((np.array([lower, lower + bend]) > z * np.sqrt([cov[0, 0], cov.sum()])).any())


def by_store(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and standard error of every series, what the controls do being common to all (series,)."""
    y, p = left(panel.units, panel), left(panel.price, panel)
    power = np.bincount(panel.series, p**2)
    slope = np.bincount(panel.series, p * y) / np.maximum(power, 1e-12)
    rest = y - slope[panel.series] * p
    error = np.sqrt(np.bincount(panel.series, (p * rest) ** 2)) / np.maximum(power, 1e-12)
    enough = (np.bincount(panel.series) > 10) & (power > 1e-6) & (error > 0)
    return np.where(enough, slope, np.nan), np.where(enough, error, np.inf)


def beside(panel: Panel, column: np.ndarray, outcome: np.ndarray) -> Estimate:
    """Return the slope of an outcome on a column, beside effects, controls and the own price.

    Args:
        column: what explains (rows,).
        outcome: what is explained (rows,).
    """
    wider = panel._replace(controls=np.column_stack([panel.controls, panel.price]), price=column)
    rest = left(column, wider)
    return (
        NOTHING
        if _lost(rest, wider)
        else _estimate(_slope(left(outcome, wider), rest), outcome, column, column, wider)
    )


def leaning(panel: Panel, column: np.ndarray) -> float:
    """Return the slope of a column on the price beside effects and controls: left out, it adds so much of its slope to the price's."""
    return _slope(left(column, panel), left(panel.price, panel))


def overdispersion(panel: Panel, slope: float) -> float:
    """Return the variance of demand beyond Poisson's, relative to its squared mean: Var[units] = mean + dispersion mean^2."""
    units, rest = np.exp(panel.units), left(panel.units - slope * panel.price, panel)
    mean = np.exp(panel.units - rest)
    mean *= (np.bincount(panel.series, units) / np.maximum(np.bincount(panel.series, mean), 1e-12))[
        panel.series
    ]
    spare = len(units) / max(1, len(units) - panel.controls.shape[1] - len(np.unique(panel.series)) - 1)
    return max(0.0, float((((units - mean) ** 2) * spare - mean).sum() / (mean**2).sum()))


def follows_demand(panel: Panel, slope: float) -> tuple[float, float]:
    """Return how this week's price goes with last week's unexplained demand, and the variance of that under independence.

    A price that answers demand nobody else sees carries last week's surprise too, if surprises last. Those of a week, and those that last
    just as long as everything else in the price, stay hidden.
    """
    price, rest = left(panel.price, panel), left(panel.units - slope * panel.price, panel)
    order = np.lexsort((panel.week, panel.series))
    price, rest, series, week = price[order], rest[order], panel.series[order], panel.week[order]
    next_ = (series[1:] == series[:-1]) & (week[1:] == week[:-1] + 1)
    product = (price[1:] * rest[:-1])[next_] / max(float(price.std() * rest.std()), 1e-12)
    sums = np.bincount(week[1:][next_], product)
    return float(sums.sum()), float(sums @ sums)


def _slope(y: np.ndarray, x: np.ndarray) -> float:
    return float(sm.OLS(y, x).fit().params[0])


def _estimate(slope: float, y: np.ndarray, x: np.ndarray, instrument: np.ndarray, panel: Panel) -> Estimate:
    """Return a slope of y on x with its jackknife error."""
    return Estimate(
        slope, float(np.sqrt(_covariance(y, x, instrument, panel)[0, 0])), int(_blocks(panel.week).max())
    )


def _covariance(y: np.ndarray, x: np.ndarray, instruments: np.ndarray, panel: Panel) -> np.ndarray:
    """Return the covariance of the slopes of y on x, beside effects and controls, by the jackknife over blocks of weeks.

    With b_g the slopes without block g of G and b their mean, it is (G - 1) / G sum_g (b_g - b)(b_g - b)'. Store means are not taken anew,
    the mean of all is.

    Args:
        y: what is explained (rows,).
        x: what explains it (rows,) or (rows, slopes).
        instruments: of the same shape; x itself for least squares.
    """
    slopes = 1 if x.ndim == 1 else x.shape[1]
    columns = within(np.column_stack([x, instruments, y, panel.controls]), panel.series)
    scale = np.maximum(columns.std(axis=0), 1e-12)
    columns = np.column_stack([columns / scale, np.ones(len(y))])
    beside = np.r_[2 * slopes + 1 : columns.shape[1]]  # controls and the mean
    w = np.r_[slopes : 2 * slopes, beside]  # instruments stand for what they explain
    v = np.r_[:slopes, beside, 2 * slopes]  # and the outcome comes last
    block = _blocks(panel.week)
    order, ends = np.argsort(block, kind="stable"), np.cumsum(np.bincount(block))[:-1]
    parts = np.stack([part[:, w].T @ part[:, v] for part in np.split(columns[order], ends)])  # (G, w, v)
    rest = parts.sum(axis=0) - parts  # without each block
    gram = rest[..., :-1] + LITTLE * len(y) * np.eye(len(w))
    without = (
        np.linalg.solve(gram, rest[..., -1:])[:, :slopes, 0] * scale[2 * slopes] / scale[:slopes]
    )  # (G, slopes)
    apart = without - without.mean(axis=0)
    return np.asarray((1 - 1 / len(parts)) * apart.T @ apart)


def _blocks(week: np.ndarray) -> np.ndarray:
    """Return the number of each row's block of adjacent weeks, from 0; two of them at least (rows,)."""
    number = np.unique(week, return_inverse=True)[1]
    weeks = int(number.max()) + 1
    blocks = max(2, round(np.sqrt(weeks) / BLOCK))
    return np.asarray(number * min(blocks, weeks) // weeks)


def _lost(price: np.ndarray, panel: Panel) -> bool:
    return bool(price.var() <= ALONE * max(float(within(panel.price, panel.series).var()), 1e-12))
