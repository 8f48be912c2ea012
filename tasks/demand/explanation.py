"""Why a forecast: what season, prices, promotions and rivals add to it, and what is left without them.

Exact Shapley values (Shapley 1953; Lundberg and Lee 2017, arXiv:1705.07874) on log(1 + units): a part of
the known features is either as planned or as usual, and the forecast is made for all 16 combinations. A
part adds the mean of what it changes over all orders in which the parts may come. The parts add up to the
forecast; in a regression, a part adds its coefficients times its features.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb

import numpy as np

from expectations.columns import PROMOTION_PREFIX
from tasks.demand.features import LOG_PRICE, RIVAL, WEEKDAYS

LEVEL = "level"
PARTS = ("season", "price", "promotion", "rivals")
CALENDAR = (*WEEKDAYS, "month_sin", "month_cos", "year_sin", "year_cos")
AGAINST_OTHERS = ("price_to_rivals", "price_to_cheapest", "price_to_competitor")
"""The product's price over that of others: two parts move it."""

Point = Callable[[np.ndarray], np.ndarray]
"""Forecasts of log(1 + units) (..., series, horizon), given known features (series, horizon, features)."""


def part_of(name: str) -> str:
    """Return the part that a known feature belongs to."""
    if name in CALENDAR:
        return "season"
    if name.startswith(RIVAL) or name in AGAINST_OTHERS:
        return "rivals"
    return "promotion" if name.startswith(PROMOTION_PREFIX) else "price"


def moves(known: np.ndarray, usual: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Return how a part moves the features from usual to planned (part, series, horizon, features).

    The part ``price`` moves a price over that of others as far as the product's price moves; ``rivals``
    moves the rest.

    Args:
        known: planned known features, nan where unknown (series, horizon, features).
        usual: those of the baseline (series, features).
        names: of the known features.
    """
    away = np.nan_to_num(known - usual[:, None])
    by_part = np.zeros((len(PARTS), *known.shape))
    for column, name in enumerate(names):
        by_part[PARTS.index(part_of(name)), ..., column] = away[..., column]
        if name in AGAINST_OTHERS:
            others = known[..., column] != 0  # 0 where there is nobody else
            by_price = np.where(others, away[..., names.index(LOG_PRICE)], 0.0)
            by_part[PARTS.index("price"), ..., column] = by_price
            by_part[PARTS.index("rivals"), ..., column] -= by_price
    return by_part


def shares(point: Point, known: np.ndarray, usual: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Return the baseline, then what the parts add (1 + parts, ..., series, horizon), in log(1 + units).

    Args:
        point: the forecast.
        known: planned known features, nan where unknown (series, horizon, features).
        usual: those of the baseline (series, features).
        names: of the known features.
    """
    parts = moves(known, usual, names)
    moving = [part for part in range(len(PARTS)) if parts[part].any()]
    coalitions = [
        frozenset(chosen) for size in range(len(moving) + 1) for chosen in combinations(moving, size)
    ]
    start = known - parts.sum(axis=0)
    value = {chosen: point(start + parts[sorted(chosen)].sum(axis=0)) for chosen in coalitions}
    added = np.zeros((1 + len(PARTS), *value[frozenset()].shape))
    added[0] = value[frozenset()]
    for chosen in coalitions:
        weight = 1 / (len(moving) * comb(len(moving) - 1, len(chosen))) if len(chosen) < len(moving) else 0.0
        for part in set(moving) - chosen:
            added[1 + part] += weight * (value[chosen | {part}] - value[chosen])
    return added
