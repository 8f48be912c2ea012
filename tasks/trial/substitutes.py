"""Substitute groups from cross elasticities: which products take sales from each other.

Weekly changes of log units are regressed on the change of the product's log price and, rival by rival, on
that of the rival's. Changes hold no seasons and hardly any slow shocks. A rival whose price moves units up
beyond chance is a substitute; who is linked shares a group.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse, stats

from tasks.trial.corrections import holm
from tasks.trial.errors import TrialError

ALPHA = 0.05  # probability of any false link; such a link joins two groups, which only costs precision
LEAST_CROSS = 0.1  # cross elasticity from which products count as substitutes
LARGEST_HIDDEN = 0.5  # cross elasticity that a history must be able to show
MANY = 20  # products from which the change of all the others stands for what moves the whole shop


class Groups(NamedTuple):
    """Substitute groups.

    Attributes:
        group: number of each product's group (products,).
        links: ``(product, product, mean cross elasticity)`` of the pairs that are linked.
        visible: least mean cross elasticity that shows in half of the pairs.
    """

    group: np.ndarray
    links: list[tuple[int, int, float]]
    visible: float


def groups_of(units: np.ndarray, price: np.ndarray) -> Groups:
    """Return the groups of products whose cross elasticities link them.

    Args:
        units: units/week, nan where unknown (stores, weeks, products).
        price: currency/unit, nan where unknown (stores, weeks, products).

    Raises:
        TrialError: the history is too short or its prices too still to show a substitute.
    """
    slope, error = cross_elasticities(units, price)
    i, j = np.triu_indices(len(slope), 1)
    # Substitution goes both ways.
    mean, spread = (slope[i, j] + slope[j, i]) / 2, np.hypot(error[i, j], error[j, i]) / 2
    known = np.isfinite(spread)
    weeks = max(units.shape[1] - 2, 1)  # degrees of freedom of errors clustered by week
    p = stats.t.sf(mean[known] / spread[known], weeks)
    significant = np.zeros(len(mean), bool)
    significant[known] = holm(p) < ALPHA
    bound = float(stats.t.isf(ALPHA / max(1, len(p)), weeks))
    visible = bound * float(np.median(spread[known])) if known.sum() > len(mean) / 2 else np.inf
    if len(mean) and visible > LARGEST_HIDDEN:
        raise TrialError(
            "design: the history must be able to show substitutes. "
            f"Received: one in which a cross elasticity below {visible:.2g} stays unseen. "
            "Bring a longer history, or a `category` per product and `--groups category`."
        )
    linked = significant & (mean > LEAST_CROSS)
    graph = sparse.coo_array((np.ones(linked.sum()), (i[linked], j[linked])), shape=slope.shape)
    _, group = sparse.csgraph.connected_components(graph, directed=False)
    links = zip(i[linked].tolist(), j[linked].tolist(), mean[linked].tolist(), strict=True)
    return Groups(group, list(links), visible)


def cross_elasticities(units: np.ndarray, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the elasticity of every product's units to other prices, and its error (products, products).

    Errors are clustered by week.

    Args:
        units, price: as ``groups_of`` takes them.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        moved_units = np.diff(np.log(np.where(units > 0, units, np.nan)), axis=1)
        moved_price = np.diff(np.log(price), axis=1)
    count = units.shape[2]
    week = np.broadcast_to(np.arange(moved_units.shape[1])[None, :], moved_units.shape[:2]).ravel()
    y, p = moved_units.reshape(-1, count), np.nan_to_num(moved_price.reshape(-1, count))
    common = _others(y) if count >= MANY else None
    slope, error = np.full((count, count), np.nan), np.full((count, count), np.nan)
    for i in range(count):
        seen = np.isfinite(y[:, i])
        controls = [np.ones(seen.sum()), p[seen, i]] + ([common[seen, i]] if common is not None else [])
        if seen.sum() > 10 + len(controls):
            slope[i], error[i] = _slopes(y[seen, i], p[seen], np.column_stack(controls), week[seen])
    return slope, error


def _slopes(
    y: np.ndarray, x: np.ndarray, controls: np.ndarray, week: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and error of each column of x beside the controls (columns,).

    Controls are partialled out (Frisch and Waugh 1933, Econometrica). Changes of independent weeks are
    correlated with those of the week before: the error counts one lag (Hansen and Hodrick 1980, JPE).
    """
    q = np.linalg.qr(controls)[0]
    y, rest = y - q @ (q.T @ y), x - q @ (q.T @ x)
    spread = (rest**2).sum(axis=0)
    moves = spread > 1e-9 * np.maximum((x**2).sum(axis=0), 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(moves, rest.T @ y / spread, np.nan)
        score = rest * (y[:, None] - rest * np.nan_to_num(slope))
        by_week = np.zeros((week.max() + 1, x.shape[1]))
        np.add.at(by_week, week, score)
        squares, lagged = (by_week**2).sum(axis=0), (by_week[1:] * by_week[:-1]).sum(axis=0)
        error = np.where(moves, np.sqrt(np.maximum(squares + 2 * lagged, squares / 2)) / spread, np.nan)
    return slope, error


def _others(y: np.ndarray) -> np.ndarray:
    """Return the mean over all other products, row by row (rows, products)."""
    known = np.isfinite(y)
    total, count = np.where(known, y, 0.0).sum(axis=1, keepdims=True), known.sum(axis=1, keepdims=True)
    return np.asarray((total - np.where(known, y, 0.0)) / np.maximum(count - known, 1))
