"""Small random variation of a price list, with its probability.

The variation is an instrument for the next estimate of the price response, and its probabilities are the
propensities of the off-policy evaluation. A share of the products takes a price slightly above or below the
planned one. Nothing but chance may decide which ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import PRICE, PROPENSITY, RANDOMISED

PLANNED = "planned_price"
MOST_SHARE, MOST_SIZE = 0.5, 0.1  # beyond these the planned prices are not the rule, or a move is not small


class VariationError(ValueError):
    """A share or a size that makes no small variation."""


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
        """Refuse a share or a size that is no small variation."""
        if not 0 <= self.share <= MOST_SHARE:
            raise VariationError(
                f"variation: `share` must lie in 0 ... {MOST_SHARE}, so that most prices stay as planned. "
                f"Received: {self.share}."
            )
        if not 0 < self.size <= MOST_SIZE:
            raise VariationError(
                f"variation: `size` must lie above 0 and at or below {MOST_SIZE}. Received: {self.size}."
            )


def vary(
    prices: pd.DataFrame, variation: Variation, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the list with some prices moved, up or down with the same probability, and what was drawn.

        P(planned) = 1 - share,  P(up) = P(down) = share / 2

    The probability of a direction that the guard or the rounding forbids goes to the planned price.

    Args:
        prices: a row per product, with the planned ``price`` (currency/unit).
        variation: share and size.
        low, high: bounds of the guard, currency/unit (rows,).
        rng: source of the draw; log its seed with the list.

    Returns:
        The list with ``price``, ``planned_price``, ``propensity`` (probability of the price that was drawn)
        and ``randomised_price`` (drawn part of the log price, the instrument).
    """
    planned = prices[PRICE].to_numpy(float)
    steps = planned[:, None] * np.array([1 - variation.size, 1.0, 1 + variation.size])
    rounded = steps.round(variation.decimals)
    steps = np.where([True, False, True], rounded, planned[:, None])  # (rows, down / planned / up)
    may = (steps >= low[:, None]) & (steps <= high[:, None]) & (steps != planned[:, None])
    chance = np.where(may, variation.share / 2, 0.0)
    chance[:, 1] = 1 - chance.sum(axis=1)
    drawn = (rng.random(len(planned))[:, None] >= chance.cumsum(axis=1)[:, :2]).sum(axis=1)
    rows = np.arange(len(planned))
    price = steps[rows, drawn]
    return prices.assign(
        **{
            PRICE: price,
            PLANNED: planned,
            PROPENSITY: chance[rows, drawn],
            RANDOMISED: np.log(price / planned),
        }
    )
