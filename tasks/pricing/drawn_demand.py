"""Expected demand of a list in every posterior draw of the slopes at once: the formula of ``demand``.

``demand`` answers for products of which each meets one draw, week after week; a list asks once for all draws.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from tasks.pricing.demand import LEAST_SUBSTITUTION
from tasks.pricing.products import Products
from tasks.pricing.slopes import LEAST_GROUP, LEAST_SLOPE, SlopeDraws


class Belief(NamedTuple):
    """What is believed of every product's slopes now: b within the group, eta of the whole (n,)."""

    within: np.ndarray
    within_variance: np.ndarray
    whole: np.ndarray
    whole_variance: np.ndarray

    def at(self, rows: np.ndarray) -> Self:
        """Return the belief about some products."""
        return self._replace(**{name: values[rows] for name, values in self._asdict().items()})


class ProductDraws(NamedTuple):
    """Draws of every product's slopes (D, n)."""

    within: np.ndarray
    whole: np.ndarray


def product_draws(products: Products, belief: Belief | None = None) -> ProductDraws:
    """Return the draws of every product's slopes.

    With a belief, the draws of the training are moved to its mean and narrowed to its variance, so that what
    errors have in common stays common.

    Args:
        products: of the market.
        belief: after the sales since the training; none: that of the training.
    """
    slopes, group = products.slopes, products.group
    if belief is None:
        return ProductDraws(slopes.within[:, group], slopes.whole[:, group])
    within = _moved(slopes.within[:, group], belief.within, belief.within_variance)
    whole = _moved(slopes.whole[:, group], belief.whole, belief.whole_variance)
    return ProductDraws(np.maximum(within, LEAST_SLOPE), np.maximum(whole, LEAST_GROUP))


def _moved(draws: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return draws of another mean and variance (D, n)."""
    centre, spread = draws.mean(axis=0), draws.std(axis=0)
    scale = np.divide(np.sqrt(variance), spread, out=np.zeros_like(spread), where=spread > 0)
    return np.asarray(mean + (draws - centre) * scale)


def drawn_units(products: Products, draws: ProductDraws, ratio: np.ndarray) -> np.ndarray:
    """Return the expected units/week of every product in every draw (D, n).

    Args:
        products: of the market, one season (n,).
        draws: of their slopes.
        ratio: prices relative to the prices in force at the end of the training (n,).
    """
    units = np.repeat(products.units[None], len(products.slopes), axis=0)
    rows = np.flatnonzero(_answering(products, ratio))
    if not rows.size:
        return units
    rows = rows[np.argsort(products.group[rows], kind="stable")]
    some = products.take(rows)
    units[:, rows] *= _factors(some, ProductDraws(*(values[:, rows] for values in draws)), ratio[rows])
    return units


def _answering(products: Products, ratio: np.ndarray) -> np.ndarray:
    """Return the products whose group, or one that is linked to it, has a price that moved (n,), bool."""
    receiver, start = products.slopes.link
    moved = np.zeros(products.slopes.within.shape[1], bool)
    moved[products.group[ratio != 1]] = True
    answering = moved.copy()
    answering[receiver[moved[start]]] = True
    return answering[products.group]


def _factors(products: Products, draws: ProductDraws, ratio: np.ndarray) -> np.ndarray:
    """Return units relative to those at the prices in force, of products that stand by group (D, n)."""
    slopes, first = products.slopes, np.flatnonzero(np.diff(products.group, prepend=-1))
    size = np.diff(np.append(first, len(products)))
    attraction = np.exp(-draws.within * _change(products, ratio))
    by_money = (slopes.by_revenue[:, None] > 0) & ~products.alone
    part = np.where(by_money, products.revenue_share * ratio, products.share)
    total = np.add.reduceat(part * attraction, first, axis=1)
    within = np.add.reduceat(products.share * draws.within, first, axis=1)
    root = np.where(by_money[:, first], np.maximum(within - 1, LEAST_SUBSTITUTION), within)
    log = np.log(total) * (draws.whole[:, first] - within) / root
    if slopes.link.size:
        by_units = np.add.reduceat(products.share * attraction, first, axis=1)
        log += _received(slopes, products.group[first], -np.log(by_units) / within)
    return np.asarray(attraction * np.repeat(np.exp(log), size, axis=1))


def _change(products: Products, ratio: np.ndarray) -> np.ndarray:
    """Return x of every product by the curve of every draw (D, n)."""
    curve = products.slopes.curve
    curves, which = np.unique(curve, return_inverse=True)
    changes = [products.anchor**k * (np.log(ratio) if k == 0 else (ratio**k - 1) / k) for k in curves]
    return np.stack(changes)[which]


def _received(slopes: SlopeDraws, group: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return the change of log units of every group by the indices of those linked to it (D, groups).

    Args:
        slopes: with the links.
        group: numbers of the groups, in order (groups,).
        index: their first log price indices (D, groups).
    """
    place = np.full(slopes.within.shape[1], -1)
    place[group] = np.arange(len(group))
    change, ends = np.zeros_like(index), place[slopes.link]
    for number in np.flatnonzero((ends >= 0).all(axis=0)):
        receiver, start = ends[:, number]
        change[:, receiver] += slopes.cross[:, number] * index[:, start]
    return change
