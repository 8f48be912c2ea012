"""Prices that a shop can charge: what moves is rounded inside its bounds, what holds stays as it is.

A price in force may have more decimals than the list, such as the mean of what buyers paid. It stays exactly
that: a held price is no new price, and rounding it would move it without a reason. A step that no price of
so many decimals can express inside its bounds is not allowed, and its product holds.
"""

from __future__ import annotations

import numpy as np

from tasks.pricing.rules import NEAR, Rules


def rounded_steps(now: np.ndarray, rules: Rules, decimals: int) -> np.ndarray:
    """Return the prices that the steps lead to, currency/unit (products, actions); the hold is exact.

    The nearest price beyond the largest step gives way to the next one inside it.

    Args:
        now: prices in force, currency/unit (products,).
        rules: give the ladder.
        decimals: of a price.
    """
    price, cent = now[:, None], 10.0**-decimals
    rounded = (price * rules.ladder).round(decimals)
    low, high = _within(price, rules)
    rounded = np.where(rounded > high, rounded - cent, rounded).round(decimals)
    rounded = np.where(rounded < low, rounded + cent, rounded).round(decimals)
    rounded[:, rules.hold] = now
    return rounded


def chargeable(price: np.ndarray, now: np.ndarray, floor: np.ndarray, rules: Rules) -> np.ndarray:
    """Return which rounded prices are above 0, inside the largest steps and not below a floor, bool.

    Args:
        price: of the steps, currency/unit (products, actions).
        now: prices in force, currency/unit (products,).
        floor: price that covers a known cost, currency/unit, nan where there is none (products,).
        rules: give the ladder.
    """
    low, high = _within(now[:, None], rules)
    return (price > 0) & (price >= low) & (price <= high) & ~(price < floor[:, None])


def _within(now: np.ndarray, rules: Rules) -> tuple[np.ndarray, np.ndarray]:
    """Return the prices at the largest steps, with what floats need."""
    return now * rules.ladder[0] * (1 - NEAR), now * rules.ladder[-1] * (1 + NEAR)


def charged(price: np.ndarray | float, step: np.ndarray | float, decimals: int | None) -> np.ndarray:
    """Return recommended prices as they are charged: what moves is rounded, what holds stays as it is.

    Args:
        price: recommended, currency/unit (products,).
        step: relative to the price in force; 1: it holds (products,).
        decimals: of a price; none: prices are not rounded.
    """
    if decimals is None:
        return np.asarray(price)
    return np.where(np.equal(step, 1.0), price, np.round(price, decimals))
