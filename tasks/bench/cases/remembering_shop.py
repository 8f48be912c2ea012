"""Shops whose buyers remember prices, or do not: every elasticity is -2 beside what is remembered."""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import ALL_STORES, CATEGORY, DATE, PRICE, PRODUCT, STORE, UNITS

PRODUCTS, DAYS, WEEK = 12, 240, 7
ELASTICITY, DEAL_SHARE, DEAL, CUT = -2.0, 1 / 8, 0.4, 0.15
STEP, DISPERSION = 0.07, 0.1  # of weekly log prices; of daily counts beyond Poisson's
MEMORY = 0.7  # weight of the past in the remembered price, 1/week


def remembering_shop(seed: int, effect: float, products: int = PRODUCTS, days: int = DAYS) -> pd.DataFrame:
    """Return daily sales of a shop whose prices change every Saturday.

    Args:
        seed: of the shop.
        effect: change of log units per unit of log(remembered price / price).
        products, days: size of the table.
    """
    rng, week = np.random.default_rng(seed), np.arange(days) // WEEK
    deal = (rng.random((week[-1] + 1, products)) < DEAL_SHARE)[week].astype(float)
    relative = (STEP * rng.normal(size=(week[-1] + 1, products)))[week] - CUT * deal
    remembered, weight = np.empty_like(relative), MEMORY ** (1 / WEEK)
    level = np.exp(relative[0])
    for day in range(days):
        remembered[day] = np.log(level)
        level = weight * level + (1 - weight) * np.exp(relative[day])
    weekday = 0.15 * np.sin(2 * np.pi * np.arange(days) / WEEK)[:, None]
    mean = np.exp(
        rng.normal(2.0, 0.4, products)
        + ELASTICITY * relative
        + effect * (remembered - relative)
        + DEAL * deal
        + weekday
    )
    units = rng.poisson(mean * rng.gamma(1 / DISPERSION, DISPERSION, mean.shape)).astype(float)
    names = [f"P{number:03d}" for number in range(products)]
    return pd.DataFrame(
        {
            DATE: np.repeat(pd.date_range("2025-03-01", periods=days, unit="us"), products),
            PRODUCT: np.tile(names, days),
            STORE: ALL_STORES,
            CATEGORY: np.tile([f"C{number % 4}" for number in range(products)], days),
            UNITS: units.ravel(),
            PRICE: (rng.uniform(4, 12, products) * np.exp(relative)).round(2).ravel(),
            "promotion_deal": deal.ravel(),
        }
    ).sort_values([PRODUCT, DATE], ignore_index=True)
