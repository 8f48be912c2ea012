"""Policies, and the baselines that a learned one must beat: hold, cost-plus, myopic, random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.pricing.demand import demand_ratio, pull
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.seasons import play
from tasks.pricing.state import View


def hold(view: View, rules: Rules) -> np.ndarray:
    """Keep the price in force."""
    return np.full(len(view.products), rules.hold)


def cost_plus(view: View, rules: Rules) -> np.ndarray:
    """Mark the cost up, and take the nearest step of the ladder.

    Where no cost is known it is taken as the list price less the stated margin: an assumption, not a
        measurement.
    """
    products = view.products
    assumed = (1 - rules.stated_margin) * products.list_price
    cost = np.where(np.isfinite(products.covering_price), products.covering_price, assumed)
    target = (1 + rules.markup) * cost / products.price
    return best_allowed(-np.abs(rules.ladder - target[:, None]), view, rules)


def myopic(view: View, rules: Rules) -> np.ndarray:
    """Take the best expected reward of this week, and ignore the weeks after it.

    It knows all that the learned policy knows: the remembered price and the belief e ~ N(m, P), under which
    E[exp(e x)] = exp(m x + P x^2 / 2) with x = ratio - 1.
    """
    ladder = np.broadcast_to(rules.ladder, (len(view.products), len(rules.ladder)))  # (B, actions)
    pulled = pull(ladder, view.remembered[:, None], view.ratio[:, None], rules)
    expected = demand_ratio(ladder, view.mean[:, None], pulled)
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
        """Return the step for every product environment, all products once per draw (B,)."""
        steps = np.resize(self.actions, len(view.products))
        return best_allowed(np.eye(len(rules.ladder))[steps], view, rules)


def best_fixed(products: Products, rules: Rules, draws: int, seed: int) -> Fixed:
    """Return the step that earns most if it is kept, product by product.

    Args:
        products: of the market.
        rules: of the market.
        draws: seasons of every product over which a step is judged.
        seed: of those seasons; that of a comparison must be another, or the fixed steps fit its draws.
    """
    candidates = [Fixed(np.full(len(products), step)) for step in range(len(rules.ladder))]
    earned = (play(products, rules, fixed, draws, seed).rewards for fixed in candidates)
    worth = np.stack([rewards.mean(axis=(0, 2)) for rewards in earned])  # (actions, products)
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
