"""How buyers answer prices: expected demand of substitute groups, and what chance adds to it.

With r the price over the price in force p0, c = p0 over the price at which the slopes hold, and s_j a
member's share of what its group sells at the prices in force:

    x_i = c_i^k (r_i^k - 1) / k                  (k = 0: ln r_i)
    w_i = exp(-b x_i + pull_i),  S_g = sum_j s_j w_j
    mu_i = base_i w_i S_g^(eta / b - 1)
    units_i ~ Poisson(mu_i * frailty_i)

Members compete by the within slope b; the group as a whole answers its price index -ln(S) / b by -eta. The
frailty is Gamma with mean 1 and variance ``dispersion``: units are negative binomial. The pull is that of a
remembered price and of rivals:

    pull = reference_effect * log(remembered / r) + rival_cross * rival_reaction * log(last r)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.pricing.counts import LEAST_DISPERSION, poisson_quantile
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.slopes import CURVES


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How B products answer prices.

    Attributes:
        within: b (B,).
        whole: eta of each product's group (B,).
        curve: weights of ``CURVES``, for all (K,) or for each product (B, K).
    """

    within: np.ndarray
    whole: np.ndarray
    curve: np.ndarray

    def attraction(self, products: Products, ratio: np.ndarray, pull: np.ndarray | float = 0.0) -> np.ndarray:
        """Return w of the products (B, ...), at prices relative to those in force (B, ...)."""
        within = self.within.reshape((-1,) + (1,) * (ratio.ndim - 1))
        return np.exp(pull - within * self.change(products, ratio))

    def change(self, products: Products, ratio: np.ndarray) -> np.ndarray:
        """Return x of the products (B, ...), at prices relative to those in force (B, ...)."""
        shape = (-1,) + (1,) * (ratio.ndim - 1)
        curve, total = np.atleast_2d(self.curve), np.zeros(ratio.shape)
        for place, k in enumerate(CURVES):
            weight = curve[:, place]
            if weight.any():
                scale = (weight * products.anchor**k).reshape(shape)
                total += scale * (np.log(ratio) if k == 0 else (ratio**k - 1) / k)
        return total

    def power(self, products: Products) -> np.ndarray:
        """Return eta / b - 1 of each product's group (B,)."""
        mean = products.group_sum(products.share * self.within)  # where beliefs about members differ
        return np.asarray(self.whole / mean - 1)

    def units(self, products: Products, ratio: np.ndarray, pull: np.ndarray | float = 0.0) -> np.ndarray:
        """Return the expected units/week mu (B,) at prices relative to those in force (B,)."""
        attraction = self.attraction(products, ratio, pull)
        inclusive = products.group_sum(products.share * attraction)  # S
        return np.asarray(products.units * attraction * inclusive ** self.power(products))


@dataclass(frozen=True, kw_only=True)
class DemandDraws:
    """What chance decides in a season, at any prices: policies with the same draws meet the same buyers.

    Attributes:
        answer: hidden slopes of the products (B,).
        frailty: gamma factor on demand (weeks, B).
        uniform: quantile of the Poisson draw (weeks, B).
        rng: draws the buyers instead of ``uniform``. It is faster, for training, where no policies are
            compared.
    """

    answer: Answer
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


def draw_demand(
    products: Products, weeks: int, rng: np.random.Generator, draw: np.ndarray | None = None
) -> DemandDraws:
    """Draw the season of every product.

    Args:
        products: of the market.
        weeks: of the season.
        rng: source of the draws.
        draw: which draw of the slopes holds for each product (B,); none: each season of the shop meets one.
    """
    shape = 1 / np.maximum(products.dispersion, LEAST_DISPERSION)
    size = (weeks, len(products))
    if draw is None:
        seasons, count = int(products.season.max()) + 1, len(products.slopes)
        draw = np.resize(rng.permutation(count), seasons)[products.season]
    frailty = np.where(products.dispersion > 0, rng.gamma(shape, size=size) / shape, 1.0)
    return DemandDraws(answer=answer_of(products, draw), frailty=frailty, uniform=rng.random(size))


def answer_of(products: Products, draw: np.ndarray) -> Answer:
    """Return the slopes of one draw for each product (B,)."""
    slopes, group = products.slopes, products.group
    curve = slopes.curve[draw, None] == np.array(CURVES)
    return Answer(
        within=slopes.within[draw, group], whole=slopes.whole[draw, group], curve=curve.astype(float)
    )


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


def own_elasticities(products: Products) -> np.ndarray:
    """Return the own elasticity at the prices in force in every draw, -(b (1 - s) + eta s) c^k (draws, B)."""
    slopes, share = products.slopes, products.share
    slope = slopes.within[:, products.group] * (1 - share) + slopes.whole[:, products.group] * share
    return np.asarray(-slope * products.anchor ** slopes.curve[:, None])
