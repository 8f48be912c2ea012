"""A small decision tree that decides as a policy does: the policy in a few lines that a person can read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tasks.pricing.listing import ListPlan, Policy
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.seasons import play
from tasks.pricing.state import View, features_of, observe

LEAST_LEAF = 5  # decisions in a leaf of the tree


class Mimic(NamedTuple):
    """The tree as text, and the share of fresh decisions in which it decides as the policy does."""

    rules: str
    fidelity: float


def mimic(products: Products, rules: Rules, policy: Policy, seed: int, depth: int = 3) -> Mimic:
    """Return a decision tree of the policy, fitted to the decisions of a season and measured on another.

    Args:
        products: those that may move.
        rules: of their market.
        policy: what the tree imitates.
        seed: of the two seasons.
        depth: comparisons before a decision.
    """
    from sklearn.tree import DecisionTreeClassifier, export_text

    fitting, measuring = np.random.SeedSequence(seed).generate_state(2)
    states, actions = _decisions(products, rules, policy, fitting)
    tree = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=LEAST_LEAF, random_state=0)
    tree.fit(states, actions)
    steps = [f"{step:g}" for step in rules.ladder[tree.classes_]]
    text = export_text(tree, feature_names=features_of(rules), class_names=steps)
    fresh, taken = _decisions(products, rules, policy, measuring)
    return Mimic(text, float((tree.predict(fresh) == taken).mean()))


def _decisions(products: Products, rules: Rules, policy: Policy, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the states of a season of every product (decisions, features), and its actions (decisions,)."""
    states, actions = [], []

    def recorded(view: View, rules: Rules) -> ListPlan:
        plan = policy(view, rules)
        states.append(observe(plan.view, rules))
        actions.append(plan.actions)
        return plan

    play(products, rules, recorded, 1, int(seed))
    return np.concatenate(states), np.concatenate(actions)
