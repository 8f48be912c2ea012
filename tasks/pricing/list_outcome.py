"""What a price list sells and earns in a week, product by product: expected, substitutes counted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tasks.pricing.counts import expected_sales
from tasks.pricing.drawn_demand import ProductDraws, drawn_units, product_draws
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules


class Outcome(NamedTuple):
    """Expected units/week and earnings (currency/week) of every product in every draw (draws, products)."""

    units: np.ndarray
    earned: np.ndarray


def outcome(
    products: Products, rules: Rules, ratio: np.ndarray, draws: ProductDraws | None = None
) -> Outcome:
    """Return what a list sells and earns in every draw of the slopes, everything but the prices equal.

    Profit counts the products whose cost is trusted or assumed. No more is sold than is on hand.

    Args:
        products: of the market, one season (n,).
        rules: give the objective.
        ratio: prices relative to the prices in force at the end of the training (n,).
        draws: of the slopes; none: those of the training.
    """
    units = drawn_units(products, draws or product_draws(products), ratio)
    limited = np.flatnonzero(np.isfinite(products.stock))
    if limited.size:
        units[:, limited] = _served(products.take(limited), units[:, limited])
    return Outcome(units, units * rules.margin(products, ratio))


def _served(products: Products, wanted: np.ndarray) -> np.ndarray:
    """Return what a stock sells of wanted units (draws, products)."""
    on_hand, dispersion = (
        np.tile(values, len(wanted)) for values in (products.on_hand(products.stock), products.dispersion)
    )
    return expected_sales(wanted.ravel(), on_hand, dispersion).reshape(wanted.shape)
