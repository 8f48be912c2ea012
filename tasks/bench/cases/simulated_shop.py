"""Shops whose elasticities are known, so that estimates of the price response can be compared with the truth.

    log price = base + 0.3 season + 0.5 shock + log cost + variation
    log units = level + elasticity (log price - base) + season + shock + noise

The season moves price and demand of every product together, and can be seen in the table. The shock does
the same to a single product, and cannot: with it, only an instrument (the cost) separates the effect of the
price from the reason for the price.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import ALL_STORES, DATE, PRICE, PRODUCT, STOCK, STORE, UNIT_COST, UNITS

MEAN, SPREAD = -2.0, 0.5  # elasticities of the products
SEASON, NOISE, VARIATION, COST, SHOCK = (
    0.4,
    0.2,
    0.08,
    0.12,
    0.3,
)  # amplitude and standard deviations, in logs
STOCK_SPREAD = 0.3  # standard deviation of log stock from week to week
SEASON_IN_PRICE, SHOCK_IN_PRICE = 0.3, 0.5  # change of log price per unit of season and of shock
LEVEL, LEVEL_SPREAD = 5.0, 0.5  # mean and standard deviation of log units/week over the products
BASE, BASE_SPREAD = 1.0, 0.3  # mean and standard deviation of log price over the products
COST_SHARE = 0.6  # unit cost over the base price
WEEKS_A_YEAR = 52
PERSISTENCE = 0.7  # of shocks, costs and price variation from week to week


class Shop(NamedTuple):
    """A simulated shop.

    Attributes:
        sales: weekly sales table.
        truth: true elasticity by product (products,).
        demand: what buyers wanted in each row of the table, units/week (rows,).
    """

    sales: pd.DataFrame
    truth: pd.Series
    demand: np.ndarray


def simulated_shop(
    rng: np.random.Generator,
    *,
    products: int = 40,
    weeks: int = 156,
    shocks: bool = False,
    costs: bool = False,
    cover: float | None = None,
) -> Shop:
    """Return a shop of one store.

    Args:
        rng: source of all draws.
        products: number of products.
        weeks: number of weeks.
        shocks: whether unobserved demand shocks move the price.
        costs: whether the table has the unit cost.
        cover: stock of a week over the usual demand, in the median. The table then has the stock, and no
            more than that is sold. None: all demand is sold.
    """
    names = [f"p{i:03d}" for i in range(products)]
    truth = rng.normal(MEAN, SPREAD, products)
    season = SEASON * np.sin(2 * np.pi * np.arange(weeks) / WEEKS_A_YEAR)  # (weeks,)
    shape = (products, weeks)
    shock = SHOCK * _persistent(shape, rng) * shocks
    cost, variation = COST * _persistent(shape, rng), VARIATION * _persistent(shape, rng)
    relative = SEASON_IN_PRICE * season + SHOCK_IN_PRICE * shock + cost + variation
    level = rng.normal(LEVEL, LEVEL_SPREAD, (products, 1))
    mean = np.exp(level + truth[:, None] * relative + season + shock + NOISE * rng.normal(size=shape))
    base = np.exp(rng.normal(BASE, BASE_SPREAD, (products, 1)))
    demand = rng.poisson(mean).ravel().astype(float)
    table = _weekly_table(names, demand, base * np.exp(relative))
    if costs:
        table[UNIT_COST] = (COST_SHARE * base * np.exp(cost)).ravel()
    if cover is not None:
        table[STOCK] = np.round(cover * np.exp(level + STOCK_SPREAD * rng.normal(size=shape))).ravel()
        table[UNITS] = table[[UNITS, STOCK]].min(axis=1)
    return Shop(table, pd.Series(truth, names), demand)


def _weekly_table(names: list[str], units: np.ndarray, prices: np.ndarray) -> pd.DataFrame:
    """Return the sales table, from units (products * weeks,) and prices (products, weeks)."""
    products, weeks = prices.shape
    table = pd.DataFrame(
        {
            DATE: np.tile(pd.date_range("2020-01-06", periods=weeks, freq="7D", unit="us"), products),
            PRODUCT: pd.Series(np.repeat(names, weeks), dtype="str"),
            UNITS: units,
            PRICE: prices.ravel(),
        }
    )
    table[STORE] = ALL_STORES
    return table


def _persistent(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return standard normal series that remember the week before (series, weeks)."""
    news = rng.normal(size=shape)
    for t in range(1, shape[1]):
        news[:, t] = PERSISTENCE * news[:, t - 1] + np.sqrt(1 - PERSISTENCE**2) * news[:, t]
    return news
