"""What linked groups do to each other: substitutes or complements beyond a group (``SlopeDraws.link``)."""

from __future__ import annotations

import numpy as np

from tasks.pricing.products import Products


def received(products: Products, index: np.ndarray, cross: np.ndarray) -> np.ndarray:
    """Return the change of log units by the prices of the linked groups of the season (B,).

    Args:
        products: of the market.
        index: log price index of each product's group (B,).
        cross: answer of each product's group to the other group of every link (B or 1, links).
    """
    link = products.slopes.link
    return _carried(products, index, cross, to=link[0], start=link[1])


def caused(products: Products, earned: np.ndarray, cross: np.ndarray) -> np.ndarray:
    """Return what a unit of a group's log price index changes of what linked groups earn (B,).

    Args:
        products: of the market.
        earned: by each product's group, currency/week (B,).
        cross: as for ``received``.
    """
    link = products.slopes.link
    return _carried(products, earned, cross, to=link[1], start=link[0])


def _carried(
    products: Products, values: np.ndarray, cross: np.ndarray, *, to: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Return the sum over links of cross times the value of the group at the start, for those at its end."""
    of_season = np.zeros((products.season.max() + 1, products.slopes.within.shape[1]))
    of_season[products.season, products.group] = values
    if len(cross) == 1:  # for all products alike
        sums = np.zeros_like(of_season)
        np.add.at(sums.T, to, (cross * of_season[:, start]).T)
        return sums[products.season, products.group]
    carried = np.zeros(len(products))
    for number, (end, other) in enumerate(zip(to, start, strict=True)):
        rows = np.flatnonzero(products.group == end)
        strength = np.broadcast_to(cross[:, number], len(products))[rows]
        carried[rows] += strength * of_season[products.season[rows], other]
    return carried
