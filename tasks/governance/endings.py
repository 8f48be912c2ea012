"""Endings of prices: last digits such as 99 and 95, of the price as it is printed.

``.99`` and ``99`` mean the same: 4.99 in euros, 1,299 in yen. Endings come last and never move a price past a
bound: where no price with such an ending lies inside, there is none.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tasks.governance.money import NO_AMOUNT

SEPARATOR = "|"


def digits_of(endings: Iterable[str]) -> tuple[str, ...]:
    """Return endings as digits alone, without the decimal point before them.

    Raises:
        ValueError: an ending is no digits.
    """
    digits = tuple(str(ending).strip().removeprefix(".") for ending in endings)
    for number in digits:
        if not (number.isascii() and number.isdigit() and len(number) <= 4):
            raise ValueError(
                f"an ending is the last 1 to 4 digits of a price, such as '99'. Received: {number!r}. "
                "Write `['99', '95']`, or nothing for prices of every kind."
            )
    return digits


def nearest_ending(price: np.ndarray, low: np.ndarray, high: np.ndarray, endings: np.ndarray) -> np.ndarray:
    """Return the price with an ending of its row that is nearest, the lower of two (rows,), minor units.

    Args:
        price: wanted, inside its bounds, minor units (rows,).
        low, high: bounds, minor units (rows,).
        endings: digits with bars between them, empty where every price may be (rows,), text.

    Returns:
        The price itself where it may be any; ``NO_AMOUNT`` where no price with such an ending lies inside.
    """
    result = price.copy()
    kinds, kind = np.unique(endings.astype(str), return_inverse=True)
    for number, digits in enumerate(kinds):
        if digits:
            rows = np.flatnonzero(kind == number)
            result[rows] = _nearest(price[rows], low[rows], high[rows], digits.split(SEPARATOR))
    return result


def _nearest(price: np.ndarray, low: np.ndarray, high: np.ndarray, digits: list[str]) -> np.ndarray:
    """Return the nearest price with one of the endings, ``NO_AMOUNT`` where none lies inside (rows,)."""
    best = np.full(len(price), NO_AMOUNT)
    for ending in digits:
        unit = 10 ** len(ending)
        below = price - (price - int(ending)) % unit
        for candidate in (below, below + unit):
            inside = (candidate >= low) & (candidate <= high)
            nearer = np.abs(candidate - price) < np.abs(best - price)
            lower = (np.abs(candidate - price) == np.abs(best - price)) & (candidate < best)
            best = np.where(inside & ((best == NO_AMOUNT) | nearer | lower), candidate, best)
    return best
