"""Policies, and the baselines that a learned one must beat: hold, cost-plus, myopic, random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.pricing.market import Products, Rules, View, demand_ratio, pull
from tasks.pricing.seasons import play


def hold(view: View, rules: Rules) -> np.ndarray:
    """Keep the price in force."""
    return np.full(len(view.products), rules.hold)


def cost_plus(view: View, rules: Rules) -> np.ndarray:
    """Mark the cost up, and take the nearest step of the ladder.

    Where no cost is known it is taken as the list price less the stated margin: an assumption, not a measurement.
    """
    products = view.products
    cost = np.where(
        np.isfinite(products.unit_cost), products.unit_cost, (1 - rules.stated_margin) * products.list_price
    )
    wanted = (1 + rules.markup) * cost / products.price
    return best_allowed(-np.abs(rules.ladder - wanted[:, None]), view, rules)


def myopic(view: View, rules: Rules) -> np.ndarray:
    """Take the best expected reward of this week, and think of no other.

    It knows all that the learned policy knows: the remembered price and the belief e ~ N(m, P), under which
    E[exp(e x)] = exp(m x + P x^2 / 2) with x = ratio - 1.
    """
    ladder = np.broadcast_to(rules.ladder, (len(view.products), len(rules.ladder)))  # (B, A)
    expected = demand_ratio(
        ladder, view.mean[:, None], pull(ladder, view.remembered[:, None], view.ratio[:, None], rules)
    )
    expected = expected * np.exp(0.5 * view.variance[:, None] * (ladder - 1) ** 2)
    return best_allowed(rules.margin(view.products, ladder) * expected, view, rules)


@dataclass(frozen=True)
class Fixed:
    """Keep the same step of the ladder for every product, all season.

    Attributes:
        actions: step of every product (products,).
    """

    actions: np.ndarray

    def __call__(self, view: View, rules: Rules) -> np.ndarray:
        """Return it for every product environment, draws of all products following each other (B,)."""
        return best_allowed(
            np.eye(len(rules.ladder))[np.resize(self.actions, len(view.products))], view, rules
        )


def best_fixed(products: Products, rules: Rules, draws: int, seed: int) -> Fixed:
    """Return the step that earns most if it is kept, product by product, over seasons of its own luck."""
    each = [Fixed(np.full(len(products), step)) for step in range(len(rules.ladder))]
    worth = np.stack(
        [play(products, rules, policy, draws, seed).rewards.mean(axis=(0, 2)) for policy in each]
    )  # (A, products)
    return Fixed(np.argmax(np.where(rules.allowed(products).T, worth, -np.inf), axis=0))


@dataclass(frozen=True)
class Random:
    """Take any allowed step.

    Attributes:
        rng: source of the steps; it moves on with every call.
    """

    rng: np.random.Generator

    def __call__(self, view: View, rules: Rules) -> np.ndarray:
        """Return a random allowed step for every product environment (B,)."""
        return best_allowed(self.rng.random((len(view.products), len(rules.ladder))), view, rules)


def best_allowed(scores: np.ndarray, view: View, rules: Rules) -> np.ndarray:
    """Return the allowed action of the highest score (B,).

    Args:
        scores: the higher the better (B, actions).
    """
    return np.argmax(np.where(rules.allowed(view.products), scores, -np.inf), axis=1)
