"""Linear panel estimators of one slope: within effects and controls, by an instrument, and cross-fitted.

    log units_st = a_s + e log price_st + controls_st b + error_st

Effects and controls are projected out first (Frisch, Waugh and Lovell), so that each estimator is a regression of one residual on another;
statsmodels does it, with the errors of Driscoll and Kraay (1998, Rev. Econ. Stat. 80:549): the stores of a chain move their prices
together, and what is unexplained this week is not independent of what was last week.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import statsmodels.api as sm
from scipy import stats

RIDGE, FOLDS = 1.0, 4  # penalty on standardised controls and number of folds of double machine learning
LAGS = 0.6  # square roots of the number of weeks up to which weeks may depend on each other
ALONE = 1e-4  # least share of the price's variance that the controls leave


class Estimate(NamedTuple):
    """A slope, its standard error, and the first-stage F of its instrument (nan without one)."""

    slope: float
    error: float
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
    columns = values if values.ndim == 2 else values[:, None]
    count = np.maximum(np.bincount(series), 1)
    means = np.stack([np.bincount(series, column) / count for column in columns.T], axis=1) if columns.size else columns
    return np.asarray((columns - means[series]).reshape(values.shape))


def left(values: np.ndarray, panel: Panel) -> np.ndarray:
    """Return what effects and controls leave of values (rows, ...)."""
    own, controls = within(values, panel.series), within(panel.controls, panel.series)
    gram = np.linalg.pinv(controls.T @ controls, rcond=1e-10, hermitian=True)
    return np.asarray(own - controls @ (gram @ (controls.T @ own)))


def fixed_effects(panel: Panel) -> Estimate:
    """Return the slope beside effects and controls."""
    price = left(panel.price, panel)
    if _lost(price, panel):
        return NOTHING
    fit = _clustered(left(panel.units, panel), price[:, None], panel)
    return Estimate(float(fit.params[0]), float(fit.bse[0]))


def two_stage(panel: Panel) -> Estimate:
    """Return the slope by two-stage least squares with one instrument, and the clustered F of its first stage.

    e = z'y / z'p with z, y, p the residuals; the error is that of z u / z'p, u = y - e p, not that of the naive second stage.
    """
    panel = panel.take(np.isfinite(panel.instrument))
    if len(panel.units) <= panel.controls.shape[1] + len(np.unique(panel.series)) + 2:
        return NOTHING
    y, p, z = (left(values, panel) for values in (panel.units, panel.price, panel.instrument))
    if _lost(p, panel) or _lost(z, panel):
        return NOTHING
    first = _clustered(p, z[:, None], panel)
    slope = float(z @ y / (z @ p))
    reduced = _clustered(y - slope * p, z[:, None], panel)  # coefficient 0 by construction; its error is that of z'u / z'z
    return Estimate(slope, float(reduced.bse[0] * (z @ z) / abs(z @ p)), float(first.tvalues[0] ** 2))


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
    fit = _clustered(rest[:, 0], rest[:, 1:], panel)
    return Estimate(float(fit.params[0]), float(fit.bse[0]))


def bends_up(panel: Panel, confidence: float) -> bool:
    """Return whether units clearly rise with the price in the lower or upper half of the prices: the ladder is not monotone there."""
    relative = within(panel.price, panel.series)
    above = np.maximum(relative - np.median(relative), 0.0)
    x = np.column_stack([left(relative, panel), left(above, panel)])
    if np.linalg.matrix_rank(x) < 2:
        return False
    fit = _clustered(left(panel.units, panel), x, panel)
    cov, z = np.asarray(fit.cov_params()), stats.norm.ppf(confidence)
    slopes = np.array([fit.params[0], fit.params.sum()])
    return bool((slopes > z * np.sqrt([cov[0, 0], cov.sum()])).any())


def by_store(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and standard error of every series, what the controls do being common to all (series,)."""
    y, p = left(panel.units, panel), left(panel.price, panel)
    power = np.bincount(panel.series, p**2)
    slope = np.bincount(panel.series, p * y) / np.maximum(power, 1e-12)
    rest = y - slope[panel.series] * p
    error = np.sqrt(np.bincount(panel.series, (p * rest) ** 2)) / np.maximum(power, 1e-12)
    enough = (np.bincount(panel.series) > 10) & (power > 1e-6) & (error > 0)
    return np.where(enough, slope, np.nan), np.where(enough, error, np.inf)


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


def _clustered(y: np.ndarray, x: np.ndarray, panel: Panel) -> sm.regression.linear_model.RegressionResultsWrapper:
    """Return least squares with the larger of two errors: of rows that depend within a week, or over weeks as well.

    The second alone is too small in a short history. The freedom that effects and controls have taken is given back.
    """
    order = np.argsort(panel.week, kind="stable")
    week = np.unique(panel.week[order], return_inverse=True)[1]
    lags = round(LAGS * float(np.sqrt(week[-1] + 1)))
    model = sm.OLS(y[order], x[order])
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": week, "use_correction": True})
    over = model.fit(cov_type="hac-groupsum", cov_kwds={"time": week, "maxlags": lags, "use_correction": False})
    if over.bse[0] > fit.bse[0]:
        fit = over
    taken = panel.controls.shape[1] + len(np.unique(panel.series))
    fit.cov_params_default = np.asarray(fit.cov_params()) * len(y) / max(1, len(y) - taken - x.shape[1])
    return fit


def _lost(price: np.ndarray, panel: Panel) -> bool:
    return bool(price.var() <= ALONE * max(float(within(panel.price, panel.series).var()), 1e-12))
