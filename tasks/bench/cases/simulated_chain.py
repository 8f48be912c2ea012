"""A chain of simulated stores, made store by store: a store does not depend on the chain around it.

    log mean units = product + store + elasticity * (log price - base) + 0.5 deal + season + walk

The walk of a series is slow. Prices move in steps that last some weeks; a product is on deal in one week of
six.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import CATEGORY, DATE, PRICE, PRODUCT, STORE, UNITS

PRODUCTS, CATEGORIES = 100, 10  # of every store
DEAL_SHARE, DEAL = 1 / 6, 0.5  # share of weeks on deal; what a deal adds to log units
STEP_WEEKS = 6  # weeks that a price lasts, in the mean
WALK = 0.03  # standard deviation of a weekly step of the level, in logs


def simulated_stores(first: int, last: int, weeks: int, seed: int) -> pd.DataFrame:
    """Return the weekly sales table of stores ``first`` to ``last - 1``, sorted by store, product and date.

    Args:
        first, last: numbers of stores, the last one not included.
        weeks: weeks of every series.
        seed: root of the chain.
    """
    parts = [_store(number, weeks, seed) for number in range(first, last)]
    return pd.concat(parts, ignore_index=True)


def _store(number: int, weeks: int, seed: int) -> pd.DataFrame:
    common, of_store = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1, number])
    level, base = common.normal(2.5, 0.8, (PRODUCTS, 1)), common.normal(1.0, 0.4, (PRODUCTS, 1))
    elasticity = common.normal(-2.0, 0.4, (PRODUCTS, 1))
    season = 0.25 * np.sin(2 * np.pi * (np.arange(weeks) / 52 + common.random((PRODUCTS, 1))))
    moved = of_store.random((PRODUCTS, weeks)) < 1 / STEP_WEEKS
    moved[:, 0] = True
    since = np.maximum.accumulate(np.where(moved, np.arange(weeks), 0), axis=1)
    deal = of_store.random((PRODUCTS, weeks)) < DEAL_SHARE
    relative = np.take_along_axis(of_store.normal(0, 0.15, (PRODUCTS, weeks)), since, axis=1) - 0.15 * deal
    walk = np.cumsum(of_store.normal(0, WALK, (PRODUCTS, weeks)), axis=1)
    mean = np.exp(level + of_store.normal(0, 0.4) + elasticity * relative + DEAL * deal + season + walk)
    products = np.array([f"p{i:03d}" for i in range(PRODUCTS)])
    return pd.DataFrame(
        {
            DATE: np.tile(pd.date_range("2022-01-03", periods=weeks, freq="7D", unit="us"), PRODUCTS),
            PRODUCT: pd.Series(np.repeat(products, weeks), dtype="str"),
            STORE: pd.Series(f"s{number:05d}", index=range(PRODUCTS * weeks), dtype="str"),
            CATEGORY: pd.Series(
                np.repeat([f"c{i % CATEGORIES}" for i in range(PRODUCTS)], weeks), dtype="str"
            ),
            UNITS: of_store.poisson(mean).ravel().astype(float),
            PRICE: np.round(np.exp(base + relative), 2).clip(0.05).ravel(),
            "promotion_deal": deal.ravel().astype(float),
        }
    )
