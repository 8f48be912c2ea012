"""The pricing policy as it is registered: the state of a product to its price, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from expectations.columns import PRICE, PRODUCT, REASON, SERIES, STORE, UNIT_COST
from tasks.pricing.explain import Explanation, explain
from tasks.pricing.greedy import Greedy
from tasks.pricing.known_cost import COST_STALE, NO_COST, cost_holds
from tasks.pricing.market import Products, Rules, opening

COST_HOLDS = "cost_holds"  # why a price holds for what is known of its cost, empty where it need not
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

        A product keeps the asked price if the market does not know it, its elasticity is not identified, or it holds for its cost.

        Args:
            asked: product, store, the price in force now and, if it changed since the training, ``unit_cost`` (currency/unit).

        Raises:
            PolicyError: a price is not finite and above 0.
        """
        price, rows = _checked(asked[PRICE].to_numpy(float)), self._rows(asked)
        known = rows >= 0
        ratio, reason = (
            np.ones(len(asked)),
            np.where(known, "", "the product was not in the training").astype(object),
        )
        if known.any():
            ratio[known], reason[known] = self._decided(rows[known], price[known], self.costs(asked[known]))
        told = {PRICE: price * ratio, STEP: ratio, REASON: pd.Series(reason, asked.index, dtype="str")}
        return pd.DataFrame(told, index=asked.index)

    def costs(self, prices: pd.DataFrame) -> pd.DataFrame:
        """Return ``unit_cost`` (currency/unit), ``cost_stale``, and why the price holds for them in ``cost_holds``, row by row.

        Nothing is known of a product that was not in the training; it holds for that where costs are known at all.

        Args:
            prices: product, store, the price in force now and, where it changed since the training, ``unit_cost`` (currency/unit).
        """
        rows, market = self._rows(prices), products_of(self.market)
        known = rows >= 0
        given = prices[UNIT_COST].to_numpy(float) if UNIT_COST in prices else np.full(len(prices), np.nan)
        cost = np.where(np.isnan(given), np.where(known, market.unit_cost[rows], np.nan), given)
        stale = np.isnan(given) & known & market.cost_stale[rows].astype(bool)
        holds = cost_holds(prices[PRICE].to_numpy(float), cost, stale, self.rules.objective)
        lost = ~known & np.isnan(cost) & (~np.isnan(market.unit_cost)).any()
        return pd.DataFrame(
            {UNIT_COST: cost, COST_STALE: stale, COST_HOLDS: np.where(lost, NO_COST, holds)},
            index=prices.index,
        )

    def _rows(self, asked: pd.DataFrame) -> np.ndarray:
        """Return the row of the market for every product and store, -1 where there is none (rows,)."""
        return pd.MultiIndex.from_frame(self.market[SERIES]).get_indexer(
            pd.MultiIndex.from_frame(asked[SERIES].astype(str))
        )

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

    def _decided(
        self, rows: np.ndarray, price: np.ndarray, costs: pd.DataFrame
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the step of the ladder for rows of the market, and why it is what it is."""
        products = products_of(self.market.iloc[rows])
        products = replace(
            products,
            price=price,
            unit_cost=costs[UNIT_COST].to_numpy(),
            cost_stale=costs[COST_STALE].to_numpy(),
        )
        actions = self.policy(opening(products), self.rules)
        holds = costs[COST_HOLDS].to_numpy()
        best = np.where(
            actions == self.rules.hold, "the price in force is best", "the policy moves the price"
        )
        reason = np.where(products.identified.astype(bool), best, "elasticity not identified")
        return self.rules.ladder[actions], np.where(holds == "", reason, holds)


def _checked(price: np.ndarray) -> np.ndarray:
    """Return prices in force, all of them prices."""
    wrong = ~(np.isfinite(price) & (price > 0))
    if wrong.any():
        raise PolicyError(
            f"pricing policy: the price in force must be finite and above 0. Received: {price[wrong][0]}."
        )
    return price
