"""Whole seasons of the market under one policy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.pricing.demand import draw_demand
from tasks.pricing.listing import Policy
from tasks.pricing.market import Week, step
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.state import opening


@dataclass(frozen=True)
class Seasons:
    """Seasons of every product under one policy.

    Attributes:
        prices: currency/unit (draws, products, weeks).
        units: units/week (draws, products, weeks).
        rewards: currency (draws, products, weeks).
    """

    prices: np.ndarray
    units: np.ndarray
    rewards: np.ndarray


def play(products: Products, rules: Rules, policy: Policy, draws: int, seed: int) -> Seasons:
    """Play seasons of every product under a policy.

    The same seed brings the same demand draws to every policy (common random numbers). The season of every
    draw has slopes of its own, the same draw of them for all products.

    Args:
        products: of the market.
        rules: of the market.
        policy: what decides.
        draws: seasons of every product.
        seed: of the demand draws.
    """
    shape = (draws, len(products))
    view = opening(products.repeat(draws))
    demand_draws = draw_demand(view.products, rules.decisions, np.random.default_rng(seed))
    weeks: list[Week] = []
    for _ in range(rules.decisions):
        plan = policy(view, rules)
        view, week = step(view.plan(view.planned, plan.index_price), plan.actions, demand_draws, rules)
        weeks.append(week)
    return Seasons(
        *(
            np.stack([getattr(week, name).reshape(shape) for week in weeks], axis=-1)
            for name in ("price", "units", "reward")
        )
    )


def movable(products: Products, rules: Rules) -> Products:
    """Return the groups in which a product may take another action than to hold; all of them if none may."""
    moves = products.group_sum(rules.moves(products).astype(float)) > 0
    return products.take(np.flatnonzero(moves if moves.any() else ~moves))
