"""Regressions of log sales on prices, promotions and calendar, for many short series.

    log(1 + units_st) = x_st b_s + n_st

Alone, most series know too little about a price. So the slopes b_s of a series are shrunk towards those of
its product, and these towards those of all (ridge towards a common mean, Lindley and Smith 1972, J. R.
Stat. Soc. B 34:1). What is left, n_s, is forecast by ``arima``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from expectations.columns import PRODUCT
from tasks.demand.features import RIVAL, TIMES_PRICE
from tasks.demand.panel import Panel

POOLED_RIDGE = 1e-3  # keeps the common slopes finite where a feature hardly moves


@dataclass(frozen=True)
class Order:
    """Orders of the ARIMA, and what its regression reads and how far it trusts a few periods.

    Attributes:
        p, d, q: orders, the same for all series.
        shrinkage: weight of the product's slopes in those of a series, as if from so many more periods
            (periods).
        product_shrinkage: weight of the common slopes in those of a product (periods); 0 where a product is
            one series.
        shock: variance of what surprises all stores of a product at once, over that of one series' surprises.
        rivals: whether prices and promotions of the other products of the store are regressors.
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


def regress(panel: Panel, origin: int, order: Order) -> Slopes:
    """Fit the slopes on all periods up to the origin: the common ones, those of products, those of series.

    Args:
        panel: sales and known features.
        origin: index of the last period that is read.
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
    """Return features and units less a share of their mean over the stores of a product, for GLS.

    A surprising week in a hundred stores is not a hundred surprises (random effects of product and period,
    Balestra and Nerlove 1966, Econometrica 34:585).

    Args:
        values: features and log(1 + units), centred, 0 where missing (series, periods, features + 1).
        there: whether they are there (series, periods).
        products: number of the product of a series (series,).
        shock: variance of the surprises that the stores share, over that of one series' surprises.
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
        gram: x'x of a series (series, features, features).
        moment: x'y of a series (series, features).
        products: number of the product of a series (series,).
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


def largest_units(panel: Panel, origin: int) -> np.ndarray:
    """Return the largest units seen up to the origin, 0 where nothing was (series,)."""
    return np.asarray(np.nan_to_num(panel.units[:, : origin + 1]).max(axis=1))
