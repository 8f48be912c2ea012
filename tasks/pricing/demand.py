"""How buyers answer prices: expected demand of substitute groups, and what chance adds to it.

With r the price over the price in force p0, c = p0 over the price at which the slopes hold, and s_j a
member's share of what its group sells at the prices in force:

    x_i = c_i^k (r_i^k - 1) / k                  (k = 0: ln r_i)
    w_i = exp(-b x_i + pull_i),  mu_i = base_i w_i exp((b - eta) X_g)

    X_g = -ln(sum_j s_j w_j) / b              where buyers of a group who switch buy as many units
    X_g = -ln(sum_j v_j r_j w_j) / (b - 1)    where they spend as much money, v_j shares of revenue

Members compete by the within slope b; the group as a whole answers its price index X by -eta. The first index
is that of a nested logit, the second that of constant elasticity of substitution (CES); a year of sales does
not tell which, so half of the draws have either. Groups that are linked answer each other's index, too: mu is
multiplied by exp(zeta X_h), X_h the first index of the other group.

    units_i ~ Poisson(mu_i * frailty_i)

The frailty is Gamma with mean 1 and variance ``dispersion``: units are negative binomial. The pull is that
of a remembered price and of rivals:

    pull = reference_effect * log(remembered / r) + rival_cross * rival_reaction * log(last r)
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tasks.pricing.counts import LEAST_DISPERSION, poisson_quantile
from tasks.pricing.links import received
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.slopes import CURVES

LEAST_SUBSTITUTION = 0.2  # b - 1 at least: below it no money would be kept


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How B products answer prices.

    Attributes:
        within: b (B,).
        whole: eta of each product's group (B,).
        curve: weights of ``CURVES``, for all (K,) or for each product (B, K).
        by_revenue: weight of the index in which money is kept, against that in which units are (B,).
        cross: zeta of every link of ``SlopeDraws`` (B or 1, links).
    """

    within: np.ndarray
    whole: np.ndarray
    curve: np.ndarray
    by_revenue: np.ndarray | float = 0.0
    cross: np.ndarray = field(default_factory=lambda: np.empty((1, 0)))

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

    def terms(
        self, products: Products, ratio: np.ndarray, attraction: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return s w and v r w, the terms of the sums of both indices (B, ...), (B, ...)."""
        shape = (-1,) + (1,) * (ratio.ndim - 1)
        share, revenue = products.share.reshape(shape), products.revenue_share.reshape(shape)
        return share * attraction, revenue * ratio * attraction

    def powers(self, products: Products) -> tuple[np.ndarray, np.ndarray]:
        """Return the powers of the sums of both indices by which their groups' units change (B,), (B,)."""
        within = products.group_sum(products.share * self.within)  # where beliefs about members differ
        by_revenue = np.where(products.alone, 0.0, self.by_revenue)
        beyond = self.whole - within
        return (
            (1 - by_revenue) * beyond / within,
            by_revenue * beyond / np.maximum(within - 1, LEAST_SUBSTITUTION),
        )

    def index(self, products: Products, total: np.ndarray) -> np.ndarray:
        """Return the first price index of each product's group, by the sum in it (B, ...)."""
        within = products.group_sum(products.share * self.within)
        return np.asarray(-np.log(total) / within.reshape((-1,) + (1,) * (total.ndim - 1)))

    def links(self, products: Products, total: np.ndarray) -> np.ndarray | float:
        """Return the factor on units by the indices of linked groups (B,); 1 without links.

        Args:
            products: of the market.
            total: sum in the first index of each product's group (B,).
        """
        if not self.cross.size:
            return 1.0
        return np.exp(received(products, self.index(products, total), self.cross))

    def units(self, products: Products, ratio: np.ndarray, pull: np.ndarray | float = 0.0) -> np.ndarray:
        """Return the expected units/week mu (B,) at prices relative to those in force (B,)."""
        attraction = self.attraction(products, ratio, pull)
        totals = [products.group_sum(term) for term in self.terms(products, ratio, attraction)]
        by_units, by_money = (
            total**power for total, power in zip(totals, self.powers(products), strict=True)
        )
        beyond = self.links(products, totals[0])
        return np.asarray(products.units * attraction * by_units * by_money * beyond)


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
        within=slopes.within[draw, group],
        whole=slopes.whole[draw, group],
        curve=curve.astype(float),
        by_revenue=slopes.by_revenue[draw],
        cross=slopes.cross[draw],
    )


def pull(
    ratio: np.ndarray, remembered: np.ndarray | float, last: np.ndarray | float, rules: Rules
) -> np.ndarray | float:
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
