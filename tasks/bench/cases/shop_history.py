"""What moves in a simulated shop from week to week: prices, announced promotions, costs, moods, and counts.

A mood is what demand does by itself (log units): a slow season and shocks of the category, shocks of the
product. It is drawn for the history and for the weeks after it at once, so that lists meet the same weeks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expectations.columns import DAYS_A_WEEK

HISTORY_WEEKS, SEASON_WEEKS = 52, 13
WEEKDAYS = np.array([0.85, 0.85, 0.9, 1.0, 1.15, 1.3, 0.95])  # units over those of a mean day, from Monday
PROMOTED, DEPTHS = 0.18, (0.1, 0.15, 0.2, 0.25, 0.3)  # share of product-weeks; reductions of the price
ANNOUNCED = 0.25  # pull of an announcement, log units
QUIET_WEEKS = 2  # without promotions before the history ends, so that the prices in force are list prices
LIST_CHANGE, LIST_SPREAD = 0.1, 0.08  # probability a week; standard deviation of log list prices
YEAR_AMPLITUDE = 0.15  # of a category's season, log units
GROUP_SHOCK, GROUP_MEMORY = (
    0.15,
    0.9,
)  # standard deviation (log units) and memory (1/day) of a category's shocks
SHOCK, MEMORY = 0.15, 0.6  # the same of a product's shocks
PEAKS, PEAK, PEAK_WEEKS = 4, 0.5, 2  # demand peaks of a category a year, their height (log units) and length
PROMOTED_IN_PEAKS = (
    0.7  # share of the product-weeks of a peak that are promoted, where promotions follow peaks
)
UNSEEN, UNSEEN_MEMORY = 0.3, 0.7  # shocks that move the price too: deviation (log units) and memory (1/week)
UNSEEN_IN_PRICE = 0.5  # change of the log price per unit of such a shock
COST_SPREAD = 0.12  # standard deviation of log costs that pass into the price
DISPERSION = 6.0  # shape of the gamma that a day's mean units vary by


@dataclass(frozen=True, kw_only=True)
class Course:
    """The course of a shop, in weeks of the history and, for moods, of the season after it.

    Attributes:
        price: price that buyers pay, over the base price (weeks, products).
        list_price: price before promotion, over the base price (weeks, products).
        promoted: whether a promotion is announced (weeks, products), bool.
        cost: unit cost over its base (weeks, products).
        mood: log units around the usual demand (weeks of history and season, 7, products).
    """

    price: np.ndarray
    list_price: np.ndarray
    promoted: np.ndarray
    cost: np.ndarray
    mood: np.ndarray


def course_of(
    group: np.ndarray, rng: np.random.Generator, *, promotions: bool, peaks: bool, confounded: bool
) -> Course:
    """Return the course of a shop.

    Args:
        group: number of each product's group, from 0 (products,).
        rng: source of all draws.
        promotions: whether there are announced promotions.
        peaks: whether promotions are placed where demand peaks.
        confounded: whether shocks that no table shows move demand and price, and costs pass into the price.
    """
    weeks, products = HISTORY_WEEKS + SEASON_WEEKS, len(group)
    peak = _peaks(group, rng) if peaks else np.zeros((weeks, products))
    unseen = UNSEEN * remembering((weeks, products), UNSEEN_MEMORY, rng) * confounded
    cost = COST_SPREAD * remembering((HISTORY_WEEKS, products), UNSEEN_MEMORY, rng) * confounded
    listed = _list_prices(products, rng) + UNSEEN_IN_PRICE * unseen[:HISTORY_WEEKS] + cost
    share = np.where(peak[:HISTORY_WEEKS] > 0, PROMOTED_IN_PEAKS, _off_peak(peak, peaks)) * promotions
    promoted = rng.random((HISTORY_WEEKS, products)) < share
    promoted[-QUIET_WEEKS:] = False
    depth = rng.choice(DEPTHS, (HISTORY_WEEKS, products)) * promoted
    return Course(
        price=np.exp(listed) * (1 - depth),
        list_price=np.exp(listed),
        promoted=promoted,
        cost=np.exp(cost),
        mood=_moods(group, rng) + (peak + unseen)[:, None, :],
    )


def counts(mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return Poisson-gamma counts with the given means."""
    return rng.poisson(rng.gamma(DISPERSION, mean / DISPERSION)).astype(float)


def remembering(shape: tuple[int, int], memory: float, rng: np.random.Generator) -> np.ndarray:
    """Return standard normal series that remember the period before (periods, series)."""
    series = rng.normal(size=shape)
    for t in range(1, shape[0]):
        series[t] = memory * series[t - 1] + np.sqrt(1 - memory**2) * series[t]
    return series


def _list_prices(products: int, rng: np.random.Generator) -> np.ndarray:
    """Return log list prices over the base, which change in some weeks only (weeks, products)."""
    shape = (HISTORY_WEEKS, products)
    changed = rng.random(shape) < LIST_CHANGE
    changed[0] = True
    since = np.maximum.accumulate(np.where(changed, np.arange(HISTORY_WEEKS)[:, None], 0), axis=0)
    return np.take_along_axis(rng.normal(0, LIST_SPREAD, shape), since, axis=0)


def _moods(group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return season, weekdays and shocks of categories and products (weeks, 7, products)."""
    groups, weeks = group.max() + 1, HISTORY_WEEKS + SEASON_WEEKS
    days = weeks * DAYS_A_WEEK
    year = 2 * np.pi * (np.arange(days)[:, None] / 365 + rng.random(groups))
    of_group = YEAR_AMPLITUDE * np.sin(year) + GROUP_SHOCK * remembering((days, groups), GROUP_MEMORY, rng)
    of_product = SHOCK * remembering((days, len(group)), MEMORY, rng)
    mood = (of_group[:, group] + of_product).reshape(weeks, DAYS_A_WEEK, -1)
    return np.asarray(mood + np.log(WEEKDAYS)[:, None])


def _peaks(group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the height of the demand peaks of each product's category, log units (weeks, products)."""
    weeks, height = HISTORY_WEEKS + SEASON_WEEKS, np.zeros((HISTORY_WEEKS + SEASON_WEEKS, group.max() + 1))
    for category in range(height.shape[1]):
        for start in rng.choice(weeks - PEAK_WEEKS, PEAKS, replace=False):
            height[start : start + PEAK_WEEKS, category] = PEAK
    return np.asarray(height[:, group])


def _off_peak(peak: np.ndarray, peaks: bool) -> float:
    """Return the share of promotions outside peaks that leaves the usual share of all product-weeks."""
    if not peaks:
        return PROMOTED
    inside = float((peak[:HISTORY_WEEKS] > 0).mean())
    return max(0.0, (PROMOTED - PROMOTED_IN_PEAKS * inside) / (1 - inside))
