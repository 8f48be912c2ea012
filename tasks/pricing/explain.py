"""Why a price: what the policy thinks of every step, what each is expected to sell and earn, and a tree that says it shortly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from expectations.columns import PRICE
from tasks.pricing.greedy import Greedy
from tasks.pricing.known_cost import cost_holds
from tasks.pricing.market import (
    FEATURES,
    HIGHEST_ELASTICITY,
    Products,
    Rules,
    View,
    demand_ratio,
    observe,
    opening,
    pull,
)
from tasks.pricing.seasons import play

DRAWS = 4000  # elasticities by which expected units are told
LEVELS = (0.025, 0.975)
FREE, AT_LOW, AT_HIGH = "none", "lowest step of the ladder", "highest step of the ladder"
AT_COST = "no step below the cost"
UNIDENTIFIED = "elasticity not identified: the price holds"


class Explanation(NamedTuple):
    """Why a price.

    Attributes:
        ladder: one row per step: step, price (currency/unit), allowed, chosen, q_value, and units, revenue and profit per week with
            ``_low`` and ``_high`` (95 % of the plausible elasticities); profit is nan without a cost. A Q-value is the discounted gain of
            the season over holding the price, in weeks of usual revenue.
        elasticity: mean of the belief that was used.
        elasticity_low, elasticity_high: 95 % of it.
        binding: rule that bound the price, ``none`` where the policy was free.
    """

    ladder: pd.DataFrame
    elasticity: float
    elasticity_low: float
    elasticity_high: float
    binding: str


class Mimic(NamedTuple):
    """A small tree that decides as the policy does, and the share of fresh decisions in which it does."""

    rules: str
    fidelity: float


def explain(product: Products, rules: Rules, policy: Greedy, seed: int) -> Explanation:
    """Explain the first price of a season for one product.

    Args:
        product: exactly one.
        rules: of its market.
        policy: what decides.
        seed: of the drawn elasticities.
    """
    if len(product) != 1:
        raise ValueError(f"explain: exactly one product. Received: {len(product)}.")
    view, allowed = opening(product), rules.allowed(product)[0]
    q = policy.q_values(observe(view, rules))[0]
    chosen = int(policy(view, rules)[0])
    sd = max(float(product.standard_error[0]), 1e-6)
    below = special.ndtr((HIGHEST_ELASTICITY - product.elasticity[0]) / sd)
    drawn = product.elasticity[0] + sd * special.ndtri(
        np.maximum(np.random.default_rng(seed).random(DRAWS) * below, 1e-300)
    )
    steps = rules.ladder[:, None]
    drawn = np.minimum(drawn, HIGHEST_ELASTICITY)
    units = product.units * demand_ratio(steps, drawn, pull(steps, view.remembered, view.ratio, rules))
    units = np.minimum(units, product.stock + product.arrivals)  # (A, draws)
    price = rules.ladder * product.price
    table = pd.DataFrame(
        {
            "step": rules.ladder,
            PRICE: price,
            "allowed": allowed,
            "chosen": np.arange(len(q)) == chosen,
            "q_value": q,
        }
    )
    cost = np.where(np.isfinite(product.unit_cost), product.unit_cost, np.nan)
    for name, each in (("units", 1.0), ("revenue", price), ("profit", price - cost)):
        worth = units * np.broadcast_to(each, len(price))[:, None]
        table[name] = worth.mean(axis=1)
        table[f"{name}_low"], table[f"{name}_high"] = np.quantile(worth, LEVELS, axis=1)
    low, high = np.quantile(drawn, LEVELS)
    return Explanation(table, float(view.mean[0]), float(low), float(high), _binding(product, rules, chosen))


def _binding(product: Products, rules: Rules, chosen: int) -> str:
    held = cost_holds(product.price, product.unit_cost, product.cost_stale, rules.objective)[0]
    if held:
        return f"{held}: the price holds"
    if not product.identified[0]:
        return UNIDENTIFIED
    bounds = {len(rules.ladder) - 1: AT_HIGH, int(rules.allowed(product)[0].argmax()): AT_COST, 0: AT_LOW}
    return bounds.get(chosen, FREE)


def mimic(products: Products, rules: Rules, policy: Greedy, seed: int, depth: int = 3) -> Mimic:
    """Return a decision tree of the policy: fitted to the decisions of one season, its fidelity told on another.

    Args:
        products: those that may move.
        rules: of their market.
        policy: what is mimicked.
        seed: of the two seasons.
        depth: questions that the tree may ask.
    """
    from sklearn.tree import DecisionTreeClassifier, export_text

    (x, y), (fresh, decided) = (
        _decisions(products, rules, policy, s) for s in np.random.SeedSequence(seed).generate_state(2)
    )
    tree = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=5, random_state=0).fit(x, y)
    text = export_text(
        tree, feature_names=list(FEATURES), class_names=[f"{step:g}" for step in rules.ladder[tree.classes_]]
    )
    return Mimic(text, float((tree.predict(fresh) == decided).mean()))


def _decisions(products: Products, rules: Rules, policy: Greedy, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the states of a season of every product (decisions, features), and what was decided (decisions,)."""
    states, actions = [], []

    def watched(view: View, rules: Rules) -> np.ndarray:
        states.append(observe(view, rules))
        actions.append(policy(view, rules))
        return actions[-1]

    play(products, rules, watched, 1, int(seed))
    return np.concatenate(states), np.concatenate(actions)
