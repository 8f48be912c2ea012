"""Products without a past: their level comes from price, category and store, the rest from the network.

    level_s = a + category + store + b (log price_s - mean),   ridge regression over the series that have a
    past

The ridge is the best for products left out, and what it misses on them widens the forecast. The network
then reads a history in which nothing stands out, the row of its embedding that stands for unknown products,
and the planned prices and promotions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from expectations.columns import CATEGORY, LEVELS, PRODUCT, STORE
from tasks.demand import recurrent
from tasks.demand.distribution import Distribution
from tasks.demand.explanation import AGAINST_OTHERS
from tasks.demand.features import LOG_PRICE
from tasks.demand.panel import Panel
from tasks.demand.splits import Fold

RIDGES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
LEVEL_OF_SERIES = (LOG_PRICE, "discount", *AGAINST_OTHERS)
"""Features whose mean is that of the series, not that of the shop."""


class Levels(NamedTuple):
    """Mean log(1 + units) of series without a past (series,), and the standard deviation of its error."""

    level: np.ndarray
    deviation: float


def levels(
    known: pd.DataFrame, level: np.ndarray, price: np.ndarray, new: pd.DataFrame, new_price: np.ndarray
) -> Levels:
    """Return the level of new series from that of those with a past.

    Args:
        known: product, store and category of series with a past.
        level: their mean log(1 + units) (series,).
        price: their mean log price (series,).
        new: product, store and category of series without a past.
        new_price: their planned mean log price (new series,).
    """
    names = pd.concat([known, new], ignore_index=True)
    groups = [pd.get_dummies(names[column], dtype=float).to_numpy() for column in (CATEGORY, STORE)]
    x = np.column_stack([*groups, np.concatenate([price, new_price]) - price.mean()])
    x, new_x, y = x[: len(known)], x[len(known) :], level - level.mean()
    products = known[PRODUCT].factorize()[0]
    missed = [_missed(x, y, products, ridge) for ridge in RIDGES]
    best = int(np.argmin(missed))
    return Levels(level.mean() + new_x @ _ridge(x.T @ x, x.T @ y, RIDGES[best]), float(np.sqrt(missed[best])))


def _missed(x: np.ndarray, y: np.ndarray, products: np.ndarray, ridge: float) -> float:
    """Return the mean squared error on products that are left out, one after the other."""
    gram, moment, squares = x.T @ x, x.T @ y, 0.0
    for product in range(products.max() + 1):
        rows = products == product
        slope = _ridge(gram - x[rows].T @ x[rows], moment - x[rows].T @ y[rows], ridge)
        squares += ((y[rows] - x[rows] @ slope) ** 2).sum()
    return float(squares / len(y))


def _ridge(gram: np.ndarray, moment: np.ndarray, ridge: float) -> np.ndarray:
    return np.asarray(np.linalg.solve(gram + ridge * np.eye(len(gram)), moment))


def scaling_of_new(
    new: Panel, targets: slice, trained: recurrent.Scaling, estimate: Levels
) -> recurrent.Scaling:
    """Return the scaling of series without a past: usual features are the shop's, usual prices the plan's."""
    planned = np.nanmean(new.known[:, targets], axis=1)
    of_series = np.isin(new.known_names, LEVEL_OF_SERIES)
    usual = np.where(of_series, planned, trained.known_mean.mean(axis=0))
    return replace(
        trained,
        level=estimate.level,
        past_mean=np.repeat(trained.past_mean.mean(axis=0)[None], len(planned), 0),
        known_mean=usual,
    )


def forecast_new(
    weights: recurrent.Weights,
    new: Panel,
    fold: Fold,
    window: int,
    scaling: recurrent.Scaling,
) -> Distribution:
    """Return a network's forecast of series without a past, as if their level were known.

    Args:
        weights: of the network.
        new: panel of the series; nothing of it is known up to the origin.
        fold: last known period, and periods to forecast.
        window: periods of history that the encoder reads.
        scaling: as ``scaling_of_new`` returns it.
    """
    history = scaling.history(new)[:, fold.origin + 1 - window : fold.origin + 1]
    # Hardly any period is missing in training: a new series is shown as present, at its level.
    history[..., new.past.shape[-1]] = 1.0
    unknown = np.full(len(new.series), len(weights["embedding.table"]) - 1)
    return recurrent.decode(
        weights,
        recurrent.encode(weights, history),
        scaling.known(new.known)[:, fold.targets],
        scaling.level,
        unknown,
    )


def widened(forecast: Distribution, deviation: float) -> Distribution:
    """Return a forecast whose level is itself uncertain, by a normal error of its logs."""
    logs = np.log1p(forecast.quantiles)
    middle = logs[..., LEVELS.index(0.5), None]
    z = stats.norm.ppf(LEVELS)
    wide = middle + np.sign(z) * np.sqrt((logs - middle) ** 2 + (z * deviation) ** 2)
    return Distribution(forecast.mean * np.exp(deviation**2 / 2), np.maximum(np.expm1(wide), 0.0))


def category_mean(units: np.ndarray, known: pd.DataFrame, new: pd.DataFrame, horizon: int) -> Distribution:
    """Return what the category sold in the store, else what it sold in all stores, else what the store sold.

    Args:
        units: of series with a past, the latest periods, nan where missing (series, periods).
        known, new: product, store and category of series with and without a past.
        horizon: targets.
    """
    mean, quantiles = np.empty(len(new)), np.empty((len(new), len(LEVELS)))
    category, store = known[CATEGORY].to_numpy(), known[STORE].to_numpy()
    for row, (new_category, new_store) in enumerate(zip(new[CATEGORY], new[STORE], strict=True)):
        circles = (
            (category == new_category) & (store == new_store),
            category == new_category,
            store == new_store,
            np.ones(len(known), bool),
        )
        sold = next(values for circle in circles if np.isfinite(values := units[circle]).any())
        mean[row], quantiles[row] = np.nanmean(sold), np.nanquantile(sold, LEVELS)
    return Distribution(np.repeat(mean[:, None], horizon, 1), np.repeat(quantiles[:, None], horizon, 1))
