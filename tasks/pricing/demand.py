"""How buyers answer prices: expected demand, and what chance adds to it.

In a week a product with price in force p0 is sold at p = ratio * p0, and buyers take

    units ~ Poisson(mu * frailty)
    mu = base * exp(e * (p / p0 - 1) + reference_effect * log(remembered / p) + rival_cross * log rival)

where the frailty is Gamma with mean 1 and variance ``dispersion``: units are negative binomial. Rivals answer
last week's price: rival = (last / p0)^rival_reaction, relative to their price now.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.pricing.belief import draw_elasticities
from tasks.pricing.counts import poisson_quantile
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules

LEAST_DISPERSION = 1e-9  # keeps the shape of the gamma frailty finite where demand is Poisson


@dataclass(frozen=True)
class DemandDraws:
    """What chance decides in a season, at any prices: policies with the same draws meet the same buyers.

    Attributes:
        elasticity: hidden elasticity (B,).
        frailty: gamma factor on demand (weeks, B).
        uniform: quantile of the Poisson draw (weeks, B).
        rng: draws the buyers instead of ``uniform``. It is faster, for training, where no policies are
            compared.
    """

    elasticity: np.ndarray
    frailty: np.ndarray
    uniform: np.ndarray
    rng: np.random.Generator | None = None

    def buyers(self, week: int, expected: np.ndarray) -> np.ndarray:
        """Return how many buyers come in a week (B,).

        Args:
            week: of the season, from 0.
            expected: mean number of buyers, units/week (B,).
        """
        return self.rng.poisson(expected) if self.rng else poisson_quantile(self.uniform[week], expected)


def draw_demand(products: Products, weeks: int, rng: np.random.Generator) -> DemandDraws:
    """Draw the season of every product."""
    elasticity = draw_elasticities(products.elasticity, products.standard_error, rng.random(len(products)))
    shape = 1 / np.maximum(products.dispersion, LEAST_DISPERSION)
    size = (weeks, len(products))
    frailty = np.where(products.dispersion > 0, rng.gamma(shape, size=size) / shape, 1.0)
    return DemandDraws(elasticity, frailty, rng.random(size))


def pull(ratio: np.ndarray, remembered: np.ndarray, last: np.ndarray, rules: Rules) -> np.ndarray | float:
    """Return the change of log units by what buyers remember and rivals answered; the arguments broadcast.

    Args:
        ratio: price of this week, relative to the price in force.
        remembered: price that buyers remember, relative to the price in force.
        last: price of last week, relative to the price in force.
        rules: of the market.
    """
    change: np.ndarray | float = 0.0
    if rules.reference_effect:
        change = rules.reference_effect * np.log(remembered / ratio)
    if rules.rival_cross and rules.rival_reaction:
        change = change + rules.rival_cross * rules.rival_reaction * np.log(last)
    return change


def demand_ratio(ratio: np.ndarray, elasticity: np.ndarray, pull: np.ndarray | float = 0.0) -> np.ndarray:
    """Return expected units relative to those at the price in force; the arguments broadcast.

    Args:
        ratio: price relative to the price in force.
        elasticity: of own price.
        pull: change of log units by remembered prices and rivals.
    """
    return np.exp(elasticity * (ratio - 1) + pull)
