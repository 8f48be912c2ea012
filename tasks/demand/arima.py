"""Regressions with ARIMA errors, in two steps that suit many short series.

    log(1 + units_st) = x_st b_s + n_st,   n_s ~ ARIMA(p, d, q)

The slopes b_s of prices, promotions and calendar are shrunk towards those of all series together: alone, most series know too little
about a price (ridge towards a common mean, Lindley and Smith 1972, J. R. Stat. Soc. B 34:1). The errors n_s have an ARIMA each
(statsmodels, exact maximum likelihood). Its parameters are numbers, found once and filtered over new sales at every later origin.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from expectations.columns import LEVELS, PRODUCT
from tasks.demand.distribution import Distribution
from tasks.demand.features import RIVAL, TIMES_PRICE
from tasks.demand.panel import Panel

LARGEST = 3.0  # forecasts are at most this often the largest units seen
WIDEST = 2.0  # largest standard deviation of log(1 + units) that is believed
RECENT = 28  # periods whose mean stands in for an ARIMA that could not be fitted
POOLED_RIDGE = 1e-3  # keeps the common slopes finite where a feature hardly moves


@dataclass(frozen=True)
class Order:
    """Orders of the ARIMA, and what its regression reads and how far it trusts a few periods.

    Attributes:
        p, d, q: orders, the same for all series.
        shrinkage: weight of the product's slopes in those of a series, as if from this many more periods of it (periods).
        product_shrinkage: weight of the common slopes in those of a product (periods); 0 where a product is one series.
        shock: variance of what surprises every store of a product at once, over that of what surprises one series.
        rivals: whether prices and promotions of each other product of the store are regressors.
        promoted_price: whether promotions times price are.
    """

    p: int
    d: int
    q: int
    shrinkage: float
    product_shrinkage: float = 0.0
    shock: float = 0.0
    rivals: bool = False
    promoted_price: bool = False

    def regressors(self, names: tuple[str, ...]) -> np.ndarray:
        """Return which of the known features are read (features,)."""
        kept = [
            (self.rivals or not n.startswith(RIVAL)) and (self.promoted_price or not n.endswith(TIMES_PRICE))
            for n in names
        ]
        return np.array(kept, bool)


class Slopes(NamedTuple):
    """A fitted regression: the mean of each series' features (S, F), and the slopes (S, F)."""

    centre: np.ndarray
    slope: np.ndarray


class Errors(NamedTuple):
    """Forecast errors n of the regression: mean and standard deviation, log(1 + units) (series, steps)."""

    mean: np.ndarray
    deviation: np.ndarray


class Fitted(NamedTuple):
    """Parameters of the ARIMA of each series (series, parameters), nan where it was dropped, and why (series,)."""

    parameters: np.ndarray
    reasons: list[str]


def regress(panel: Panel, origin: int, order: Order) -> Slopes:
    """Fit the slopes on all periods up to the origin: common to all, of each product around them, of each series around its product's.

    Args:
        panel: sales and known features.
        origin: index of the last period that is looked at.
        order: the regressors and the shrinkages.
    """
    chosen = order.regressors(panel.known_names)
    y = np.log1p(panel.units[:, : origin + 1])
    x = panel.known[:, : origin + 1, chosen]
    there = np.isfinite(y) & np.isfinite(x).all(axis=-1)
    count = np.maximum(there.sum(axis=1), 1)
    x, y = np.where(there[..., None], x, 0.0), np.where(there, y, 0.0)
    centre = x.sum(axis=1) / count[:, None]
    x = np.where(there[..., None], x - centre[:, None], 0.0)
    y = np.where(there, y - (y.sum(axis=1) / count)[:, None], 0.0)
    spread = np.sqrt((x**2).sum(axis=(0, 1)) / there.sum()) + 1e-9
    x = x / spread
    products = panel.series[PRODUCT].factorize()[0]
    x, y = _less_shocks(np.concatenate([x, y[..., None]], axis=-1), there, products, order.shock)
    gram, moment = np.matmul(x.transpose(0, 2, 1), x), np.matmul(x.transpose(0, 2, 1), y[..., None])[..., 0]
    slope = _shrunk_slopes(gram, moment, products, order, POOLED_RIDGE * there.sum())
    full = np.zeros((2, len(y), len(chosen)))
    full[:, :, chosen] = centre, slope / spread
    return Slopes(full[0], full[1])


def _less_shocks(
    values: np.ndarray, there: np.ndarray, products: np.ndarray, shock: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return features and units less a share of their mean over the stores of a product, as generalised least squares weighs them.

    A hundred stores of one surprising week are not a hundred surprises (random effects of product and period, Balestra and Nerlove 1966,
    Econometrica 34:585).

    Args:
        values: features and log(1 + units), centred, 0 where missing (series, periods, features + 1).
        there: whether they are there (series, periods).
        products: number of each series' product (series,).
        shock: variance that the stores share, over that of one series.
    """
    size = products.max() + 1
    total, count = np.zeros((size, *values.shape[1:])), np.zeros((size, values.shape[1]))
    np.add.at(total, products, values)
    np.add.at(count, products, there)
    share = (1 - 1 / np.sqrt(1 + shock * count)) / np.maximum(count, 1)  # (product, period)
    values = np.where(there[..., None], values - (share[..., None] * total)[products], 0.0)
    return values[..., :-1], values[..., -1]


def _shrunk_slopes(
    gram: np.ndarray, moment: np.ndarray, products: np.ndarray, order: Order, ridge: float
) -> np.ndarray:
    """Return ridge slopes towards ridge slopes: series to product to all (series, features).

    Args:
        gram: x'x of each series (series, features, features).
        moment: x'y of each series (series, features).
        products: number of each series' product (series,).
        order: the shrinkages.
        ridge: keeps the common slopes finite.
    """
    identity = np.eye(gram.shape[-1])
    common = np.linalg.solve(gram.sum(axis=0) + ridge * identity, moment.sum(axis=0))
    centre = np.broadcast_to(common, moment.shape)
    if order.product_shrinkage:
        size = products.max() + 1
        of_product, right = np.zeros((size, *gram.shape[1:])), np.zeros((size, moment.shape[1]))
        np.add.at(of_product, products, gram)
        np.add.at(right, products, moment - gram @ common)
        centre = (
            centre
            + np.linalg.solve(of_product + order.product_shrinkage * identity, right[..., None])[
                products, :, 0
            ]
        )
    left = moment - np.einsum("sfg,sg->sf", gram, centre)
    return np.asarray(centre + np.linalg.solve(gram + order.shrinkage * identity, left[..., None])[..., 0])


def explained(slopes: Slopes, known: np.ndarray) -> np.ndarray:
    """Return x b (series, periods); a feature that is not known counts as its mean.

    Args:
        known: known features (series, periods, features).
    """
    x = known - slopes.centre[:, None]
    return np.einsum("stf,sf->st", np.where(np.isfinite(x), x, 0.0), slopes.slope)


def residuals(panel: Panel, slopes: Slopes, origin: int) -> np.ndarray:
    """Return n up to the origin, nan where sales are missing (series, periods)."""
    return np.log1p(panel.units[:, : origin + 1]) - explained(slopes, panel.known[:, : origin + 1])


def fit_errors(errors: np.ndarray, order: Order) -> Fitted:
    """Fit an ARIMA to the errors of every series; one that cannot be fitted is dropped with its reason.

    Args:
        errors: regression errors, nan where missing (series, periods).
        order: orders, the same for all.
    """
    size = len(_model(np.arange(10.0), order).param_names)
    parameters, reasons = np.full((len(errors), size), np.nan), [""] * len(errors)
    for row, series in enumerate(errors):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = np.asarray(
                    _model(series, order).fit(method_kwargs={"maxiter": 50}, cov_type="none").params
                )
        except (np.linalg.LinAlgError, ValueError, IndexError) as error:
            reasons[row] = f"{type(error).__name__}: {error}"
            continue
        if np.isfinite(found).all():
            parameters[row] = found
        else:
            reasons[row] = "parameters that are not finite"
    return Fitted(parameters, reasons)


def forecast_errors(errors: np.ndarray, parameters: np.ndarray, order: Order, steps: int) -> Errors:
    """Filter the errors with given parameters and forecast them; the recent mean and spread where there are none.

    Args:
        errors: regression errors up to the origin, nan where missing (series, periods).
        parameters: as ``fit_errors`` returns them (series, parameters).
        order: orders.
        steps: periods after the origin.
    """
    mean, deviation = np.empty((len(errors), steps)), np.empty((len(errors), steps))
    for row, series in enumerate(errors):
        ahead = (
            _filtered(series, order, parameters[row], steps) if np.isfinite(parameters[row]).all() else None
        )
        if ahead is None or not (np.isfinite(ahead.mean).all() and np.isfinite(ahead.deviation).all()):
            recent = series[np.isfinite(series)][-RECENT:]
            ahead = Errors(*((recent.mean(), recent.std()) if len(recent) else (0.0, WIDEST)))
        mean[row], deviation[row] = ahead
    return Errors(mean, deviation)


def _filtered(series: np.ndarray, order: Order, parameters: np.ndarray, steps: int) -> Errors:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ahead = _model(series, order).filter(parameters).get_forecast(steps)
    return Errors(np.asarray(ahead.predicted_mean), np.sqrt(np.asarray(ahead.var_pred_mean)))


def distribution(level: np.ndarray, deviation: np.ndarray, largest: np.ndarray) -> Distribution:
    """Return demand whose log(1 + units) is normal.

    Args:
        level: mean of log(1 + units) (series, horizon).
        deviation: its standard deviation (series, horizon).
        largest: largest units seen (series,); forecasts stay below ``LARGEST`` times it.
    """
    deviation = np.minimum(deviation, WIDEST)
    top = LARGEST * np.maximum(largest, 1.0)[:, None]
    z = stats.norm.ppf(LEVELS)
    bounded = np.minimum(level, np.log1p(top))
    quantiles = np.expm1(np.minimum(bounded[..., None] + z * deviation[..., None], np.log1p(top)[..., None]))
    mean = np.expm1(np.minimum(bounded + deviation**2 / 2, np.log1p(top)))
    return Distribution(np.maximum(mean, 0.0), np.maximum(quantiles, 0.0))


def largest_units(panel: Panel, origin: int) -> np.ndarray:
    """Return the largest units seen up to the origin, 0 where nothing was (series,)."""
    return np.asarray(np.nan_to_num(panel.units[:, : origin + 1]).max(axis=1))


def _model(series: np.ndarray, order: Order) -> Any:
    from statsmodels.tsa.arima.model import ARIMA

    return ARIMA(series, order=(order.p, order.d, order.q), trend="n" if order.d else "c")
