"""Shops of slow movers whose demand is known: on most days, most products sell nothing.

    units_it ~ negative binomial with mean m_it and variance m_it + alpha_i m_it^2
    m_it = base_i * weekday_t * price_it^e_i

The base of a product is such that its expected share of days without a sale is as drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from expectations.columns import ALL_STORES, CATEGORY, DATE, PRICE, PRODUCT, STORE, UNITS

PRODUCTS, DAYS = 30, 364
START = "2025-01-06"  # a Monday
ZEROS = (0.80, 0.95)  # shares of days without a sale, of the shops
SPREAD = 0.04  # largest distance of a product's share from that of its shop
WEEKDAYS = np.array([0.8, 0.8, 0.9, 1.0, 1.1, 1.4, 1.0])  # units over those of a mean day, from Monday
ELASTICITY = (-2.5, -1.0)
DISPERSION = (0.0, 2.0)  # of alpha; 0: Poisson
DEPTHS = (0.1, 0.2, 0.3)  # reductions of the price
REDUCED, PRICE_WEEKS = 0.25, 2  # share of the spells at a reduced price, and their length (weeks)
LIST_PRICES = (1.0, 20.0)  # currency/unit
CATEGORIES = 5


@dataclass(frozen=True)
class SlowShop:
    """A shop of slow movers.

    Attributes:
        sales: its sales table, a row per product and day.
        mean: expected units of each row (units/day), in its order.
        dispersion: alpha of each row.
    """

    sales: pd.DataFrame
    mean: np.ndarray
    dispersion: np.ndarray

    @property
    def zeros(self) -> float:
        """Return the share of rows without a sale."""
        return float((self.sales[UNITS] == 0).mean())


def slow_shops(count: int, seed: int) -> list[SlowShop]:
    """Return shops from the least to the largest share of zeros in ``ZEROS``.

    Args:
        count: number of shops.
        seed: root of everything that is drawn.
    """
    shares = np.linspace(*ZEROS, count) if count > 1 else [float(np.mean(ZEROS))]
    return [slow_shop(float(share), np.random.default_rng([seed, i])) for i, share in enumerate(shares)]


def slow_shop(zeros: float, rng: np.random.Generator) -> SlowShop:
    """Return a shop, of whose product-days about this share is without a sale.

    Args:
        zeros: expected share of zeros, within ``ZEROS``.
        rng: source of everything that is drawn.
    """
    share = np.clip(zeros + rng.uniform(-SPREAD, SPREAD, PRODUCTS), *ZEROS)
    relative = _relative_prices(rng)  # (product, day)
    pull = np.tile(WEEKDAYS, DAYS // len(WEEKDAYS)) * relative ** rng.uniform(*ELASTICITY, (PRODUCTS, 1))
    dispersion = rng.uniform(*DISPERSION, PRODUCTS)
    base = [_base(*row) for row in zip(share, pull, dispersion, strict=True)]
    mean = np.array(base)[:, None] * pull
    units = rng.poisson(mean * _gamma(dispersion, mean.shape, rng))
    price = np.round(rng.uniform(*LIST_PRICES, (PRODUCTS, 1)) * relative, 2)
    names = [f"p{number:02d}" for number in range(PRODUCTS)]
    sales = pd.DataFrame(
        {
            DATE: np.tile(pd.date_range(START, periods=DAYS, unit="us"), PRODUCTS),
            PRODUCT: np.repeat(names, DAYS),
            STORE: ALL_STORES,
            CATEGORY: np.repeat([f"c{number % CATEGORIES}" for number in range(PRODUCTS)], DAYS),
            UNITS: units.ravel().astype(float),
            PRICE: price.ravel(),
        }
    )
    return SlowShop(sales, mean.ravel(), np.repeat(dispersion, DAYS))


def _relative_prices(rng: np.random.Generator) -> np.ndarray:
    """Return prices over the list price, which change after spells of weeks (product, day)."""
    days = PRICE_WEEKS * len(WEEKDAYS)
    shape = (PRODUCTS, DAYS // days)
    spells = np.where(rng.random(shape) < REDUCED, 1 - rng.choice(DEPTHS, shape), 1.0)
    return np.repeat(spells, days, axis=1)


def _base(share: float, pull: np.ndarray, dispersion: float) -> float:
    """Return the base at which the expected share of zeros over the days is as given.

    Args:
        share: of the days without a sale.
        pull: mean units over the base (days,).
        dispersion: alpha.
    """

    def excess(base: float) -> float:
        return float(_none(base * pull, dispersion).mean() - share)

    return float(brentq(excess, 1e-6, 1e3))


def _none(mean: np.ndarray, dispersion: float) -> np.ndarray:
    """Return the probability of no sale, (1 + alpha m)^(-1/alpha)."""
    return np.asarray(np.exp(-np.log1p(dispersion * mean) / dispersion if dispersion else -mean))


def _gamma(dispersion: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return factors of mean 1 and variance alpha (product, day)."""
    return rng.gamma(1 / dispersion[:, None], dispersion[:, None], shape)
