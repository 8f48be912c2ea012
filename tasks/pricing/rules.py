"""What holds for every product of the market: price ladder, season, and how buyers and rivals answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from tasks.pricing.products import MarketError, Products


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What holds for every product of the market.

    Attributes:
        ladder: allowed prices relative to the price in force, rising, 1 among them (actions,).
        decisions: weeks of a season.
        discount: worth of a reward one week later, 1/week.
        reference_memory: weight of the past in the remembered price, 1/week.
        reference_effect: change of log units per unit of log(remembered / price), >= 0.
        objective: ``revenue`` or ``profit``.
        markup: mark-up on cost of the cost-plus policy (share of cost).
        stated_margin: margin that cost-plus assumes where no cost is known (share of the list price).
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

    def allowed(self, products: Products) -> np.ndarray:
        """Return which actions a product may take (products, actions), bool."""
        return self.may(products, self.ladder)

    def may(self, products: Products, ratio: np.ndarray) -> np.ndarray:
        """Return whether a product may have a price (products, actions), bool.

        The price in force is always allowed. A product that moves may have every price that is not below a
        known cost.

        Args:
            products: of the market.
            ratio: prices relative to the price in force (actions,) or (products, actions).
        """
        # a comparison with an unknown cost, nan, is false: no price is below it
        covered = ~(ratio * products.price[:, None] < products.covering_price[:, None])
        return (self.moves(products)[:, None] & covered) | (ratio == 1.0)
