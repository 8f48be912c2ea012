"""The list of a week: the best allowed step of every product beside the others, within the shop's index.

What is best for a product depends on what its siblings charge, so the list is planned in rounds until each
price suits the others. No one shop's sales say what happens when everything becomes dearer, so the
revenue-weighted price index of the list stays in a band; it is spent where it earns most:

    argmax over steps of  Q_i(a) - mu log step_a,      mu by bisection, one for all products of the shop

with Q in revenue of the product: weighed by revenue, this is the best list of its index (a Lagrange
multiplier; Everett 1963, Operations Research 11:399).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tasks.pricing.rules import Rules
from tasks.pricing.state import View

ROUNDS = 4  # of planning; prices of a week move by few steps, so few rounds are needed
CHARGED = 4.0  # weeks for which a step of this week is charged, about: later ones undo it
LEAST_STEP = 1e-3  # log step that counts as one; the multiplier must reach beyond its worth
HALVINGS = 30  # of the bracket of the multiplier
MARGIN = 1e-9  # of the index that rounding of floats may take


class Policy(Protocol):
    """What decides the prices of a week."""

    def __call__(self, view: View, rules: Rules) -> ListPlan:
        """Return the list of a week, every step an allowed one."""
        ...


class Score(Protocol):
    """What every step is worth to a product beside the planned prices of the others."""

    def __call__(self, view: View, rules: Rules) -> np.ndarray:
        """Return worths in weekly revenue of the product, less what the index costs (B, actions)."""
        ...


@dataclass(frozen=True, kw_only=True)
class ListPlan:
    """A list, and how it came about.

    Attributes:
        actions: steps (B,).
        view: in which the siblings take the steps of the last round but one.
        worth: of the steps there, less what the index costs; minus infinity where not allowed (B, actions).
        index_price: what the index costs, for the next week to begin with (B,).
        multiplier: what a unit of log price is charged beyond what the score knows of, 0 where the index does
            not bind (B,).
    """

    actions: np.ndarray
    view: View
    worth: np.ndarray
    index_price: np.ndarray
    multiplier: np.ndarray


def listed(view: View, rules: Rules, score: Score, may: np.ndarray | None = None) -> ListPlan:
    """Return the list of a week.

    Args:
        view: what the shop knows.
        rules: of the market.
        score: worth of the steps.
        may: which steps each product may take (B, actions); none: those of the rules.
    """
    may = rules.allowed(view.products, view.ratio) if may is None else may
    prices = view.prices(rules)
    logs = np.log(prices / view.ratio[:, None])
    weeks = min(rules.later[view.week], CHARGED)
    plan, actions = view, np.full(len(view.products), rules.hold)
    for _ in range(ROUNDS):
        worth = np.where(may, score(plan, rules), -np.inf)
        before = actions
        actions, multiplier = within_index(view, rules, worth, plan.index_price * weeks)
        result = ListPlan(
            actions=actions,
            view=plan,
            worth=worth - multiplier[:, None] * logs,
            index_price=plan.index_price + multiplier / weeks,
            multiplier=plan.index_price * weeks + multiplier,
        )
        if (actions == before).all():
            break
        planned = np.take_along_axis(prices, actions[:, None], axis=1)[:, 0]
        plan = view.plan(planned, result.index_price)
    return result


def within_index(
    view: View, rules: Rules, worth: np.ndarray, charged: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best steps whose index stays in its band, and the multiplier of each row (B,), (B,).

    Args:
        view: what the shop knows.
        rules: of the market.
        worth: of the steps, minus infinity where one is not allowed (B, actions).
        charged: multiplier that ``worth`` is less of already (B,).
    """
    products, logs = view.products, np.log(view.prices(rules) / view.ratio[:, None])
    rows = np.arange(len(worth))
    first = np.unique(products.season, return_index=True)[1]
    low, high = (bound[products.season] for bound in rules.index_room(view.index[first]))
    revenue = products.price * view.ratio * products.units
    weight = revenue / products.season_sum(revenue)

    def index_at(actions: np.ndarray) -> np.ndarray:
        return products.season_sum(weight * logs[rows, actions])

    free = worth + charged[:, None] * logs
    actions = free.argmax(axis=1)
    index = index_at(actions)
    outside = (index > high + MARGIN) | (index < low - MARGIN)
    if not outside.any():
        return actions, -charged
    finite = np.where(np.isfinite(worth), worth, worth[rows, actions][:, None])
    spread = np.ptp(finite, axis=1).max() / LEAST_STEP + 1.0
    sign = np.where(index > high, 1.0, -1.0) * outside  # a positive multiplier makes dearer steps dear
    near, far = -charged, sign * spread
    actions = np.where(outside, (worth - far[:, None] * logs).argmax(axis=1), actions)
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        trial = (worth - middle[:, None] * logs).argmax(axis=1)
        index = index_at(trial)
        beyond = np.where(sign > 0, index > high + MARGIN, index < low - MARGIN) & outside
        near = np.where(beyond, middle, near)
        far = np.where(beyond, far, middle)
        actions = np.where(beyond, actions, trial)
    return actions, np.where(outside, far, -charged)
