"""A week of the market: many products stepped together in NumPy.

A season has a fixed number of weekly decisions. Demand is that of ``demand``; the elasticity is drawn once a
season. The shop does not know it, and learns about it only from what it sells. The remembered price is
smoothed, and moves only by prices at which something sold: a price that nobody paid anchors nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.pricing.belief import HIGHEST_ELASTICITY
from tasks.pricing.counts import expected_sales
from tasks.pricing.demand import DemandDraws, demand_ratio, pull
from tasks.pricing.products import MarketError
from tasks.pricing.rules import Rules  # versions registered earlier import it from here, too
from tasks.pricing.state import View

SURPRISE_MEMORY = 0.5  # weight of the past in the smoothed surprise, 1/week


@dataclass(frozen=True)
class Week:
    """What a week brought to B product environments.

    Attributes:
        price: currency/unit (B,).
        units: units sold (B,).
        reward: currency (B,).
        advantage: expected reward, given the hidden elasticity, over that of holding from the start, in
            shares of the revenue at the price in force (B,). The learning signal: the mean of the reward up
            to a constant of the product, O(1), and free of demand noise.
    """

    price: np.ndarray
    units: np.ndarray
    reward: np.ndarray
    advantage: np.ndarray


def step(view: View, actions: np.ndarray, draws: DemandDraws, rules: Rules) -> tuple[View, Week]:
    """Sell for a week, and return what the shop knows then and what it earned.

    Args:
        view: what the shop knows before.
        actions: indices into the ladder (B,).
        draws: what chance decides.
        rules: of the market.

    Raises:
        MarketError: an action is not allowed to its product.
    """
    products, ratio = view.products, rules.ladder[actions]
    if not rules.may(products, ratio[:, None]).all():
        raise MarketError(
            "step: an action must be allowed to its product. "
            "Received: a move of one that must hold, or a price below cost."
        )
    pulled = pull(ratio, view.remembered, view.ratio, rules)
    mu = products.units * demand_ratio(ratio, draws.elasticity, pulled)
    expected = mu * draws.frailty[view.week]
    units = np.minimum(draws.buyers(view.week, expected), np.floor(view.stock))
    margin, held = rules.margin(products, ratio), rules.margin(products, np.ones(1))
    known = np.isfinite(view.stock)
    sales = np.where(known, expected_sales(expected, view.stock), mu) if known.any() else mu
    advantage = (margin * sales - held * products.units) / (products.price * products.units)
    week = Week(ratio * products.price, units, margin * units, advantage)
    return _updated(view, ratio, pulled, units, rules), week


def _updated(
    view: View, ratio: np.ndarray, pulled: np.ndarray | float, units: np.ndarray, rules: Rules
) -> View:
    """Update the belief by a week: an extended Kalman step, demand linearised in e at the believed mean m.

    With x = ratio - 1, mu = E[units | m], h = d mu / d e = x mu and v = mu + dispersion mu^2, the variance of
    negative binomial units:

        gain = P h / (h^2 P + v),   m' = m + gain (units - mu),   P' = (1 - gain h) P

    Holding (x = 0) teaches nothing about the elasticity. Nor does a week that sold out: its sales are not the
    demand.
    """
    products, sold_out = view.products, units >= np.floor(view.stock)
    mu = products.units * demand_ratio(ratio, view.mean, pulled)
    h = (ratio - 1) * mu * ~sold_out
    gain = view.variance * h / (h**2 * view.variance + mu + products.dispersion * mu**2)
    remembered = rules.reference_memory * view.remembered + (1 - rules.reference_memory) * ratio
    surprise = SURPRISE_MEMORY * view.surprise + (1 - SURPRISE_MEMORY) * (units / mu - 1)
    return View(
        products=products,
        week=view.week + 1,
        ratio=ratio,
        remembered=np.where(units > 0, remembered, view.remembered),
        mean=np.minimum(view.mean + gain * (units - mu), HIGHEST_ELASTICITY),
        variance=(1 - gain * h) * view.variance,
        surprise=np.where(sold_out, view.surprise, surprise),
        stock=view.stock - units + products.arrivals,
    )
