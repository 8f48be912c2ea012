"""Whole seasons of the market under one policy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.pricing.market import Policy, Products, Rules, Week, draw_luck, opening, step


@dataclass(frozen=True)
class Played:
    """Seasons of every product under one policy: prices (currency/unit), units/week and rewards (currency), (draws, products, weeks)."""

    prices: np.ndarray
    units: np.ndarray
    rewards: np.ndarray


def play(products: Products, rules: Rules, policy: Policy, draws: int, seed: int) -> Played:
    """Play ``draws`` seasons of every product; the same seed brings the same luck to every policy (common random numbers)."""
    shape = (draws, len(products))
    view = opening(products.take(np.tile(np.arange(len(products)), draws)))
    luck = draw_luck(view.products, rules.decisions, np.random.default_rng(seed))
    weeks: list[Week] = []
    for _ in range(rules.decisions):
        view, week = step(view, policy(view, rules), luck, rules)
        weeks.append(week)
    return Played(
        *(
            np.stack([getattr(week, name).reshape(shape) for week in weeks], axis=-1)
            for name in ("price", "units", "reward")
        )
    )


def movable(products: Products, rules: Rules) -> Products:
    """Return the products that may take another action than to hold, or all where none may: the others teach nothing."""
    moves = rules.moves(products)
    return products.take(np.flatnonzero(moves if moves.any() else ~moves))
