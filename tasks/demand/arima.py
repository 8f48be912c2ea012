"""ARIMA models of what a regression leaves over, one a series, and the demand that both forecast together.

    log(1 + units_st) = x_st b_s + n_st,   n_s ~ ARIMA(p, d, q)

The errors n_s have an ARIMA each (statsmodels, exact maximum likelihood). Its parameters are fitted at the
first origin, and filtered over new sales at every later one. A fit that did not converge, a series without
an ARIMA and a forecast out of bounds are marked, so that the caller can count them.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from expectations.columns import LEVELS
from tasks.demand.distribution import Distribution
from tasks.demand.regression import Order

LARGEST = 3.0  # forecasts are at most this many times the largest units seen
WIDEST = 2.0  # largest standard deviation of log(1 + units) that is believed
RECENT = 28  # periods whose mean stands in for an ARIMA that could not be fitted
ITERATIONS = 50  # of the optimiser, at most


class Errors(NamedTuple):
    """Forecast errors n of the regression.

    Attributes:
        mean: log(1 + units) (series, steps).
        deviation: standard deviation of log(1 + units) (series, steps).
        replaced: whether the recent mean stands in for the forecast of an ARIMA (series,).
    """

    mean: np.ndarray
    deviation: np.ndarray
    replaced: np.ndarray


class Fitted(NamedTuple):
    """ARIMA models of many series.

    Attributes:
        parameters: nan where the series was dropped (series, parameters).
        reasons: why it was dropped, else an empty text (series,).
        converged: whether the optimiser came to an end; parameters of an unfinished fit are used (series,).
    """

    parameters: np.ndarray
    reasons: list[str]
    converged: np.ndarray


def fit_errors(errors: np.ndarray, order: Order) -> Fitted:
    """Fit an ARIMA to the errors of all series; a series that cannot be fitted is dropped with its reason.

    Args:
        errors: regression errors, nan where missing (series, periods).
        order: orders, the same for all.
    """
    size = len(_model(np.arange(10.0), order).param_names)
    parameters, reasons = np.full((len(errors), size), np.nan), [""] * len(errors)
    converged = np.ones(len(errors), bool)
    for row, series in enumerate(errors):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it did not converge is in the result
                result = _model(series, order).fit(method_kwargs={"maxiter": ITERATIONS}, cov_type="none")
        except (np.linalg.LinAlgError, ValueError, IndexError) as error:
            reasons[row] = f"{type(error).__name__}: {error}"
            continue
        estimate = np.asarray(result.params)
        if np.isfinite(estimate).all():
            parameters[row], converged[row] = estimate, result.mle_retvals["converged"]
        else:
            reasons[row] = "parameters that are not finite"
    return Fitted(parameters, reasons, converged)


def forecast_errors(errors: np.ndarray, parameters: np.ndarray, order: Order, steps: int) -> Errors:
    """Filter the errors with given parameters and forecast them; where there are none, take the recent mean.

    Args:
        errors: regression errors up to the origin, nan where missing (series, periods).
        parameters: as ``fit_errors`` returns them (series, parameters).
        order: orders.
        steps: periods after the origin.
    """
    mean, deviation = np.empty((len(errors), steps)), np.empty((len(errors), steps))
    replaced = np.zeros(len(errors), bool)
    for row, series in enumerate(errors):
        ahead = (
            _filtered(series, order, parameters[row], steps) if np.isfinite(parameters[row]).all() else None
        )
        if ahead is None or not np.isfinite(ahead).all():
            recent = series[np.isfinite(series)][-RECENT:]
            mean[row], deviation[row] = (recent.mean(), recent.std()) if len(recent) else (0.0, WIDEST)
            replaced[row] = True
        else:
            mean[row], deviation[row] = ahead
    return Errors(mean, deviation, replaced)


def _filtered(series: np.ndarray, order: Order, parameters: np.ndarray, steps: int) -> np.ndarray:
    """Return mean and standard deviation of the periods ahead (2, steps)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ahead = _model(series, order).filter(parameters).get_forecast(steps)
        return np.stack([np.asarray(ahead.predicted_mean), np.sqrt(np.asarray(ahead.var_pred_mean))])


def distribution(level: np.ndarray, deviation: np.ndarray, largest: np.ndarray) -> Distribution:
    """Return demand whose log(1 + units) is normal.

    Args:
        level: mean of log(1 + units) (series, horizon).
        deviation: its standard deviation (series, horizon).
        largest: largest units seen (series,); forecasts stay below ``LARGEST`` times it.
    """
    deviation = np.minimum(deviation, WIDEST)
    top = _top(largest)
    z = stats.norm.ppf(LEVELS)
    bounded = np.minimum(level, np.log1p(top))
    quantiles = np.expm1(np.minimum(bounded[..., None] + z * deviation[..., None], np.log1p(top)[..., None]))
    mean = np.expm1(np.minimum(bounded + deviation**2 / 2, np.log1p(top)))
    return Distribution(np.maximum(mean, 0.0), np.maximum(quantiles, 0.0))


def out_of_bounds(level: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """Return the series whose median ``distribution`` replaces by the bound, at some target (series,).

    Args:
        level: mean of log(1 + units) (series, horizon).
        largest: largest units seen (series,).
    """
    return np.asarray((level > np.log1p(_top(largest))).any(axis=1))


def _top(largest: np.ndarray) -> np.ndarray:
    """Return the largest units that a forecast may have (series, 1)."""
    return np.asarray(LARGEST * np.maximum(largest, 1.0)[:, None])


def _model(series: np.ndarray, order: Order) -> Any:
    from statsmodels.tsa.arima.model import ARIMA

    return ARIMA(series, order=(order.p, order.d, order.q), trend="n" if order.d else "c")
