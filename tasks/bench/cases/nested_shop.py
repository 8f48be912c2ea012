"""A simulated shop of substitute groups whose two slopes are known: nested logit in log prices.

    log weight_j = level_j - b_g (log price_j - base_j) + announcement_j + mood_j
    units of a group = exp(season + mood_g) (sum of its weights)^theta,   shared by the members' weights

so that a group answers a common change of its prices by eta = theta b. Prices fall while they are announced,
and move for good at random; nothing else moves them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import ALL_STORES, CATEGORY, DATE, DAYS_A_WEEK, PRICE, PRODUCT, STORE, UNITS
from tasks.bench.cases.shop_history import remembering
from tasks.bench.cases.true_demand import Assortment, NestedLogit

WITHIN = (2.2, 3.4)  # least and largest within slope
ANNOUNCED = 0.18  # share of product-weeks
CUT = (0.1, 0.25)  # least and largest cut of an announced week, in logs
ANNOUNCEMENT, ANNOUNCEMENT_SPREAD = 0.4, 0.1  # what an announcement adds to the log weight
CHANGES, CHANGE = (
    1 / 5,
    0.08,
)  # probability of a list change in a week; standard deviation of the list, in logs
SEASON, WEEKDAY = 0.15, 0.2  # amplitudes of the year and of the week, in logs
GROUP_MOOD, PRODUCT_MOOD, PERSISTENCE = 0.12, 0.12, 0.8  # daily moods: standard deviations in logs
DISPERSION = 0.1  # of daily counts beyond Poisson's
LEVEL, LEVEL_SPREAD = 2.0, 0.5  # of log units a day


@dataclass(frozen=True, kw_only=True)
class NestedShop:
    """A history and the demand behind it.

    Attributes:
        sales: daily sales table.
        demand: units a day at prices, without announcements, moods apart.
        b: within slope (groups,).
    """

    sales: pd.DataFrame
    demand: NestedLogit
    b: np.ndarray

    @property
    def eta(self) -> np.ndarray:
        """Return how every group answers a common change of its prices (groups,)."""
        return self.demand.theta * self.b


def nested_shop(
    rng: np.random.Generator, *, theta: float, groups: int = 16, size: int = 4, days: int = 365
) -> NestedShop:
    """Return a shop of ``groups`` groups of ``size`` substitutes each, with a history of some days."""
    products, group = groups * size, np.arange(groups).repeat(size)
    level = np.exp(rng.normal(LEVEL, LEVEL_SPREAD, products))
    goods = Assortment(group=group, level=level, price=np.exp(rng.normal(1.0, 0.3, products)))
    b = rng.uniform(*WITHIN, groups)
    demand = NestedLogit(goods=goods, within=b[group], theta=theta)
    weeks, day = days // DAYS_A_WEEK + 1, np.arange(days)
    announced = (rng.random((weeks, products)) < ANNOUNCED)[day // DAYS_A_WEEK]
    cut = rng.uniform(*CUT, (weeks, products))[day // DAYS_A_WEEK]
    relative = _lists(rng, weeks, products)[day // DAYS_A_WEEK] - announced * cut
    effect = rng.normal(ANNOUNCEMENT, ANNOUNCEMENT_SPREAD, products)
    mood = PRODUCT_MOOD * remembering((days, products), PERSISTENCE, rng)
    season = SEASON * np.sin(2 * np.pi * (day / 364 + rng.random())) + WEEKDAY * (day % DAYS_A_WEEK >= 5)
    common = season[:, None] + GROUP_MOOD * remembering((days, groups), PERSISTENCE, rng)[:, group]
    prices = goods.price * np.exp(relative)
    mean = demand.units(prices, announced * effect + mood) * np.exp(common)
    units = rng.poisson(mean * rng.gamma(1 / DISPERSION, DISPERSION, mean.shape))
    sales = pd.DataFrame(
        {
            DATE: np.repeat(pd.date_range("2024-01-01", periods=days, unit="us"), products),
            PRODUCT: np.tile([f"p{i:03d}" for i in range(products)], days),
            CATEGORY: np.tile([f"c{g:02d}" for g in group], days),
            STORE: ALL_STORES,
            UNITS: units.ravel().astype(float),
            PRICE: prices.round(2).ravel(),
            "promotion_deal": announced.ravel().astype(float),
        }
    ).sort_values([PRODUCT, DATE], ignore_index=True)
    return NestedShop(sales=sales, demand=demand, b=b)


def _lists(rng: np.random.Generator, weeks: int, products: int) -> np.ndarray:
    """Return log list prices, drawn anew in a week at random (weeks, products)."""
    moved = rng.random((weeks, products)) < CHANGES
    since = np.maximum.accumulate(np.where(moved, np.arange(weeks)[:, None], 0), axis=0)
    return np.take_along_axis(rng.normal(0.0, CHANGE, (weeks, products)), since, axis=0)
