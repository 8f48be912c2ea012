"""What holds for every product of the market: price ladder, season, and how buyers and rivals answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from tasks.pricing.errors import MarketError
from tasks.pricing.products import Products

NEAR = 1e-9  # relative; prices that differ by less are the same


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What holds for every product of the market.

    Attributes:
        ladder: steps of a week, relative to the price of the week before, rising, 1 among them (actions,).
        decisions: weeks of a season.
        discount: worth of a reward one week later, 1/week.
        reference_memory: weight of the past in the remembered price, 1/week.
        reference_effect: change of log units per unit of log(remembered / price), >= 0.
        objective: ``revenue`` or ``profit``.
        markup: mark-up on cost of the cost-plus policy (share of cost).
        stated_margin: margin that cost-plus assumes where no cost is known (share of the list price).
        step: most that a price changes in a week (share of the price of the week before).
        index_week: most that the price index of the whole list moves in a week (share).
        index_season: most that it moves in a season (share).
        rival_cross: change of log units per unit of the rivals' log price, >= 0.
        rival_reaction: change of the rivals' log price per unit of this shop's log price of last week, >= 0.
    """

    ladder: np.ndarray
    decisions: int
    discount: float
    reference_memory: float
    reference_effect: float
    objective: str
    markup: float
    stated_margin: float
    step: float = np.inf
    index_week: float = np.inf
    index_season: float = np.inf
    rival_cross: float = 0.0
    rival_reaction: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a ladder that does not rise or lacks the price in force, and an unknown objective."""
        if not (np.diff(self.ladder) > 0).all() or not (self.ladder == 1.0).any():
            raise MarketError(
                "Rules: `ladder` must rise and contain 1, the price in force. "
                f"Received: {self.ladder.tolist()}."
            )
        if self.objective not in ("revenue", "profit"):
            raise MarketError(f"Rules: `objective` must be revenue or profit. Received: {self.objective}.")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the rules that ``to_json`` wrote."""
        return cls(**{**values, "ladder": np.asarray(values["ladder"])})

    def to_json(self) -> dict[str, Any]:
        """Return the rules as numbers, texts and lists, the content of ``policy_rules.json``."""
        return {**asdict(self), "ladder": self.ladder.tolist()}

    @cached_property
    def later(self) -> np.ndarray:
        """Return the worth of a unit earned in all weeks from a week of the season on (decisions + 1,)."""
        worth = self.discount ** np.arange(self.decisions)
        return np.append(np.cumsum(worth)[::-1], 0.0)

    @cached_property
    def hold(self) -> int:
        """Return the action that keeps the price in force."""
        return int(np.flatnonzero(self.ladder == 1.0)[0])

    def margin(self, products: Products, ratio: np.ndarray) -> np.ndarray:
        """Return the reward per unit sold, currency/unit (products, ...); profit without a trusted cost is 0.

        Profit is what is left of the price without tax; revenue is what buyers pay.

        Args:
            products: of the market.
            ratio: prices relative to the price in force (products, ...).
        """
        shape = (-1,) + (1,) * (ratio.ndim - 1)
        price = ratio * products.price.reshape(shape)
        if self.objective == "revenue":
            return price
        kept = price / (1 + products.tax_rate.reshape(shape)) - products.unit_cost.reshape(shape)
        return np.where(products.cost_trusted.reshape(shape), kept, 0.0)

    def moves(self, products: Products) -> np.ndarray:
        """Return which products may move: identified, and not held for their cost (products,), bool."""
        costless = np.isnan(products.unit_cost) & (self.objective == "revenue")
        return np.asarray(products.identified.astype(bool) & (products.cost_trusted | costless))

    def allowed(self, products: Products, last: np.ndarray) -> np.ndarray:
        """Return which steps a product may take (products, actions), bool.

        Args:
            products: of the market.
            last: prices of the week before, relative to the prices in force (products,).
        """
        return self.may(products, last, last[:, None] * self.ladder)

    def may(self, products: Products, last: np.ndarray, ratio: np.ndarray) -> np.ndarray:
        """Return whether a product may have a price (products, actions), bool.

        The price of the week before is always allowed. A product that moves may have every price between its
        bounds that is not below a known cost. One beyond its bounds may come back to them step by step.

        Args:
            products: of the market.
            last: prices of the week before, relative to the prices in force (products,).
            ratio: prices relative to the prices in force (products, actions).
        """
        price, before = ratio * products.price[:, None], last * products.price
        low, high = self.bounds(products, before)
        inside = (price >= (low * (1 - NEAR))[:, None]) & (price <= (high * (1 + NEAR))[:, None])
        held = np.isclose(ratio, last[:, None], rtol=NEAR, atol=0.0)
        return np.asarray((self.moves(products)[:, None] & inside) | held)

    def bounds(self, products: Products, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest price of a week, currency/unit (products,), (products,).

        Args:
            products: of the market.
            before: prices of the week before, currency/unit (products,).
        """
        step = self.steps(products)
        low = np.maximum(np.fmax(products.lowest, self.floor(products)), before * (1 - step))
        high = np.minimum(products.highest, before * (1 + step))
        return np.minimum(low, before), np.maximum(high, before)

    def steps(self, products: Products) -> np.ndarray:
        """Return the most that a price changes in a week, of the product or of all (share) (products,)."""
        return np.where(np.isnan(products.step), self.step, products.step)

    @staticmethod
    def floor(products: Products) -> np.ndarray:
        """Return the price that just covers a known cost, nan without one (products,)."""
        return np.where(products.cost_assumed.astype(bool), np.nan, products.covering_price)

    def index_room(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return between what the log price index of a list may change this week; 0 is always inside.

        Args:
            index: its change since the season began (seasons,).
        """
        (week_low, week_high), (low, high) = _logs(self.index_week), _logs(self.index_season)
        return (
            np.minimum(np.maximum(week_low, low - index), 0.0),
            np.maximum(np.minimum(week_high, high - index), 0.0),
        )


def _logs(band: float) -> tuple[float, float]:
    """Return the ends of a band of shares as log changes."""
    return (float(np.log1p(-band)) if band < 1 else -np.inf), float(np.log1p(band))
