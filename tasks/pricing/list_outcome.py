"""What a price list sells and earns in a week, product by product: expected, substitutes counted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tasks.pricing.counts import expected_sales
from tasks.pricing.demand import Answer, answer_of
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules


class Outcome(NamedTuple):
    """Expected units/week and earnings (currency/week) of every product in every draw (draws, products)."""

    units: np.ndarray
    earned: np.ndarray


def outcome(products: Products, rules: Rules, ratio: np.ndarray, answer: Answer | None = None) -> Outcome:
    """Return what a list sells and earns, everything but the prices equal.

    Profit counts the products whose cost is trusted or assumed. No more is sold than is on hand.

    Args:
        products: of the market, one season (n,).
        rules: give the objective.
        ratio: prices relative to the prices in force at the end of the training (n,).
        answer: how demand answers prices; none: every draw of the slopes is a draw of the outcome.
    """
    draws = 1 if answer is not None else len(products.slopes)
    many = products.repeat(draws)
    prices = np.tile(ratio, draws)
    wanted = (answer or answer_of(many, many.season)).units(many, prices)
    units = expected_sales(wanted, many.on_hand(many.stock), many.dispersion)
    earned = units * rules.margin(many, prices)
    return Outcome(units.reshape(draws, -1), earned.reshape(draws, -1))
