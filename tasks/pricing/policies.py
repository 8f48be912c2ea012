"""Policies, and the baselines that a learned one must beat: hold, cost-plus, myopic, one list, random.

All of them price whole lists under the same rules: bounds of a price, steps of a week, index of the shop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tasks.pricing.listing import ListPlan, listed
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.state import View, expected_gains, opening

NEAREST = 100.0  # worth of a log price nearer to a target, in weekly revenue: beyond anything else


def hold(view: View, rules: Rules) -> ListPlan:
    """Keep the prices of the week before."""
    stay = np.broadcast_to(np.eye(len(rules.ladder))[rules.hold], (len(view.products), len(rules.ladder)))
    return listed(view, rules, lambda view, rules: stay)  # noqa: ARG005 - the same whatever is planned


def cost_plus(view: View, rules: Rules) -> ListPlan:
    """Mark the cost up, and go towards that price.

    Where no cost is known that can be trusted it is taken as the list price less the stated margin: an
    assumption, not a measurement.
    """
    products = view.products
    assumed = (1 - rules.stated_margin) * products.list_price
    cost = np.where(products.cost_trusted, products.covering_price, assumed)
    return towards((1 + rules.markup) * cost / products.price, view, rules)


def towards(target: np.ndarray, view: View, rules: Rules) -> ListPlan:
    """Return the steps that lead nearest to target prices, relative to the prices in force."""

    def nearness(view: View, rules: Rules) -> np.ndarray:
        return -NEAREST * np.abs(np.log(view.prices(rules) / target[:, None]))

    return listed(view, rules, nearness)


def myopic(view: View, rules: Rules) -> ListPlan:
    """Take the list that is expected to earn most this week, and ignore the weeks after it.

    It knows all that the learned policy knows: what buyers remember, the belief about the slopes, and what a
    price takes from the siblings.
    """
    return listed(view, rules, gains_now)


def gains_now(view: View, rules: Rules) -> np.ndarray:
    """Return what every step changes of the group's earnings this week (B, actions)."""
    return expected_gains(view, rules, view.prices(rules))


@dataclass(frozen=True)
class Fixed:
    """Go to one list as fast as the rules allow, and keep it.

    Attributes:
        target: prices of the list, relative to the prices in force (products,).
    """

    target: np.ndarray

    def __call__(self, view: View, rules: Rules) -> ListPlan:
        """Return the steps towards the list, all products once per season."""
        return towards(np.resize(self.target, len(view.products)), view, rules)


def best_fixed(products: Products, rules: Rules) -> Fixed:
    """Return the list that is expected to earn most in every week if it is kept.

    It is where the myopic list ends if demand stays as it is, week by week.
    """
    view, kept = opening(products), _as_kept(rules)
    for _ in range(rules.decisions):
        ratio = view.ratio * rules.ladder[myopic(view, kept).actions]
        moved = opening(products, ratio)
        weight = products.price * products.units
        index = products.season_sum(weight * np.log(ratio)) / products.season_sum(weight)
        view = moved.at_index(index)
    return Fixed(view.ratio)


def _as_kept(rules: Rules) -> Rules:
    """Return the rules by which a price has at once the effect that it has in the mean of a season, if kept.

    The price of before is remembered by ``reference_memory ** t`` after t weeks; rivals follow from the
    second week on.
    """
    remembered = rules.reference_effect * (rules.reference_memory ** np.arange(rules.decisions)).mean()
    followed = rules.rival_cross * rules.rival_reaction * (1 - 1 / rules.decisions)
    return replace(rules, reference_effect=float(remembered - followed), rival_cross=0.0)


@dataclass(frozen=True)
class Random:
    """Take any allowed step.

    Attributes:
        rng: source of the steps; it moves on with every call.
    """

    rng: np.random.Generator

    def __call__(self, view: View, rules: Rules) -> ListPlan:
        """Return a random allowed step for every product."""
        worth = self.rng.random((len(view.products), len(rules.ladder)))
        return listed(view, rules, lambda view, rules: worth)  # noqa: ARG005 - the same whatever is planned
