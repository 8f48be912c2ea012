"""Small random variation of a price list, its probability logged: an instrument for the next estimate, and propensities.

A share of the products takes a neighbouring step of its ladder. Nothing else may explain why those and not others did.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import PRICE, PROPENSITY, RANDOMISED

PLANNED = "planned_price"


class VariationError(ValueError):
    """A variation that is none."""


@dataclass(frozen=True)
class Variation:
    """How a published list varies.

    Attributes:
        share: probability that a price is moved, 0 publishes the list as planned.
        size: how far up or down, relative to the planned price.
        decimals: of a price; what rounds to the planned price is no move.
    """

    share: float
    size: float
    decimals: int = 2

    def __post_init__(self) -> None:
        """Refuse what is no small variation."""
        if not 0 <= self.share <= 0.5:
            raise VariationError(
                f"variation: `share` must lie in 0 ... 0.5, planned prices stay the rule. Received: {self.share}."
            )
        if not 0 < self.size <= 0.1:
            raise VariationError(
                f"variation: `size` must lie above 0 and at or below 0.1. Received: {self.size}."
            )


def vary(
    prices: pd.DataFrame, variation: Variation, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the list with some prices moved, up or down with the same probability, and what was drawn.

        P(planned) = 1 - share,  P(up) = P(down) = share / 2;  a direction that the guard or the rounding forbids goes to the planned price

    Args:
        prices: a row per product, with the planned ``price`` (currency/unit).
        variation: share and size.
        low, high: bounds of the guard, currency/unit (rows,).
        rng: source of the draw; log its seed with the list.

    Returns:
        The list with ``price``, ``planned_price``, ``propensity`` (probability of the price that was drawn) and ``randomised_price`` (drawn
        part of the log price, the instrument).
    """
    planned = prices[PRICE].to_numpy(float)
    steps = planned[:, None] * np.array([1 - variation.size, 1.0, 1 + variation.size])
    steps = np.where(
        [True, False, True], steps.round(variation.decimals), planned[:, None]
    )  # (rows, down / planned / up)
    may = (steps >= low[:, None]) & (steps <= high[:, None]) & (steps != planned[:, None])
    chance = np.where(may, variation.share / 2, 0.0)
    chance[:, 1] = 1 - chance.sum(axis=1)
    drawn = (rng.random(len(planned))[:, None] >= chance.cumsum(axis=1)[:, :2]).sum(axis=1)
    every = np.arange(len(planned))
    price = steps[every, drawn]
    told = {
        PRICE: price,
        PLANNED: planned,
        PROPENSITY: chance[every, drawn],
        RANDOMISED: np.log(price / planned),
    }
    return prices.assign(**told)
