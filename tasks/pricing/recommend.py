"""The pricing policy as it is registered: the state of a product to its price, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from expectations.columns import PRICE, PRODUCT, REASON, SERIES, STORE
from tasks.pricing.explain import Explanation, explain
from tasks.pricing.greedy import Greedy
from tasks.pricing.market import Products, Rules, opening

STEP = "step"  # recommended price relative to the price in force


class PolicyError(ValueError):
    """A question that the policy cannot answer."""


def products_of(market: pd.DataFrame) -> Products:
    """Return the products of a market table, one row per product and store."""
    return Products(
        **{
            field.name: market[field.name].to_numpy(copy=True)
            for field in fields(Products)
            if field.name in market
        }
    )


@dataclass(frozen=True)
class PolicyModel:
    """A greedy policy and the market that it was trained on.

    Attributes:
        market: one row per product and store, as ``Products`` needs it.
        rules: of that market.
        policy: what decides.
    """

    market: pd.DataFrame
    rules: Rules
    policy: Greedy

    def recommend(self, asked: pd.DataFrame) -> pd.DataFrame:
        """Return the price of the next week, row by row: ``price``, ``step`` and ``reason``.

        A product that the market does not know, whose elasticity is not identified, or whose profit is unknown keeps the asked price.

        Args:
            asked: product, store, and the price in force now (currency/unit).

        Raises:
            PolicyError: a price is not finite and above 0.
        """
        price = _checked(asked[PRICE].to_numpy(float))
        rows = pd.MultiIndex.from_frame(self.market[SERIES]).get_indexer(
            pd.MultiIndex.from_frame(asked[SERIES].astype(str))
        )
        known = rows >= 0
        ratio, reason = (
            np.ones(len(asked)),
            np.where(known, "", "the product was not in the training").astype(object),
        )
        if known.any():
            ratio[known], reason[known] = self._decided(rows[known], price[known])
        told = {PRICE: price * ratio, STEP: ratio, REASON: pd.Series(reason, asked.index, dtype="str")}
        return pd.DataFrame(told, index=asked.index)

    def explain(self, product: str, store: str, price: float | None = None, seed: int = 0) -> Explanation:
        """Return why the next price of one product is what it is.

        Args:
            product, store: the row of the market.
            price: in force now; none: the one that was in force at the end of the training data (currency/unit).
            seed: of the elasticities that are drawn.

        Raises:
            PolicyError: the market knows no such product and store, or the price is none.
        """
        rows = np.flatnonzero((self.market[PRODUCT] == product) & (self.market[STORE] == store))
        if not len(rows):
            known = [f"{row[PRODUCT]} in {row[STORE]}" for _, row in self.market.head(3).iterrows()]
            told = ", ".join(known) + (", ..." if len(self.market) > len(known) else "")
            raise PolicyError(
                f"pricing policy: there is no product {product!r} in store {store!r}. Known: {told}."
            )
        one = products_of(self.market.iloc[rows])
        if price is not None:
            one = replace(one, price=_checked(np.array([price])))
        return explain(one, self.rules, self.policy, seed)

    def _decided(self, rows: np.ndarray, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the step of the ladder for rows of the market, and why it is what it is."""
        products = products_of(self.market.iloc[rows])
        products = replace(products, price=price)
        actions = self.policy(opening(products), self.rules)
        free = self.rules.moves(products)
        unknown = np.where(
            products.identified.astype(bool), "no profit without a cost", "elasticity not identified"
        )
        best = np.where(
            actions == self.rules.hold, "the price in force is best", "the policy moves the price"
        )
        return self.rules.ladder[actions], np.where(free, best, unknown)


def _checked(price: np.ndarray) -> np.ndarray:
    """Return prices in force, all of them prices."""
    wrong = ~(np.isfinite(price) & (price > 0))
    if wrong.any():
        raise PolicyError(
            f"pricing policy: the price in force must be finite and above 0. Received: {price[wrong][0]}."
        )
    return price
