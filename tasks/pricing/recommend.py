"""The pricing policy as it is registered: the state of a product to its price, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import CURRENCY, PRICE, PRODUCT, REASON, SERIES, STORE, UNIT_COST
from tasks.pricing.explain import Explanation, explain
from tasks.pricing.greedy import Greedy
from tasks.pricing.known_cost import COST_STALE, NO_COST, cost_holds
from tasks.pricing.products import products_of
from tasks.pricing.rules import Rules
from tasks.pricing.state import opening

COVERING_PRICE = "covering_price"  # with tax, currency/unit
COST_HOLDS = "cost_holds"  # why a price holds for what is known of its cost, empty where it need not
NOT_TRAINED, NOT_IDENTIFIED = "the product was not in the training", "elasticity not identified"
HOLD_BEST, MOVED = "the price in force is best", "the policy moves the price"
STEP = "step"  # recommended price relative to the price in force


class PolicyError(ValueError):
    """A product that the policy does not know, or prices that it cannot take."""


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

    @classmethod
    def from_stored(
        cls, market: pd.DataFrame, rules: Mapping[str, Any], weights: Mapping[str, np.ndarray]
    ) -> PolicyModel:
        """Return the model whose market, rules (JSON) and weights were stored."""
        return cls(market, Rules.from_json(rules), Greedy(weights))

    def recommend(self, prices: pd.DataFrame) -> pd.DataFrame:
        """Return the price of the next week, row by row: ``price``, ``step`` and ``reason``.

        A product keeps its price if the market does not know it, if its elasticity is not identified, or if
        it holds for its cost.

        Args:
            prices: product, store, the price in force now and, if it changed since the training,
                ``unit_cost`` (currency/unit).

        Raises:
            PolicyError: a price is not finite and above 0.
        """
        price, rows = _valid(prices[PRICE].to_numpy(float)), self._rows(prices)
        known, ratio = rows >= 0, np.ones(len(prices))
        reason = np.where(known, "", NOT_TRAINED).astype(object)
        if known.any():
            costs = self.costs(prices[known])
            ratio[known], reason[known] = self._steps(rows[known], price[known], costs)
        reasons = pd.Series(reason, prices.index, dtype="str")
        return pd.DataFrame({PRICE: price * ratio, STEP: ratio, REASON: reasons}, index=prices.index)

    @property
    def currency(self) -> str | None:
        """Return the ISO 4217 code of all prices; none: it was not named."""
        return str(self.market[CURRENCY].iloc[0]) if CURRENCY in self.market else None

    def costs(self, prices: pd.DataFrame) -> pd.DataFrame:
        """Return what is known of costs: ``unit_cost``, ``covering_price``, ``cost_stale``, ``cost_holds``.

        Costs are without tax; ``covering_price`` is the price with tax that just covers them (currency/unit).
        No cost is known of a product that was not in the training: if costs are known at all, it holds its
        price. It is taxed at the highest rate of those that were.

        Args:
            prices: product, store, the price in force now and, if it changed since the training,
                ``unit_cost`` (currency/unit).
        """
        rows, market = self._rows(prices), products_of(self.market)
        known = rows >= 0
        given = prices[UNIT_COST].to_numpy(float) if UNIT_COST in prices else np.full(len(prices), np.nan)
        cost = np.where(np.isnan(given), np.where(known, market.unit_cost[rows], np.nan), given)
        stale = np.isnan(given) & known & market.cost_stale[rows].astype(bool)
        covering = cost * (1 + np.where(known, market.tax_rate[rows], market.tax_rate.max()))
        holds = cost_holds(prices[PRICE].to_numpy(float), covering, stale, self.rules.objective)
        lost = ~known & np.isnan(cost) & (~np.isnan(market.unit_cost)).any()
        return pd.DataFrame(
            {
                UNIT_COST: cost,
                COVERING_PRICE: covering,
                COST_STALE: stale,
                COST_HOLDS: np.where(lost, NO_COST, holds),
            },
            index=prices.index,
        )

    def _rows(self, prices: pd.DataFrame) -> np.ndarray:
        """Return the row of the market of every product and store, -1 where there is none (rows,)."""
        return pd.MultiIndex.from_frame(self.market[SERIES]).get_indexer(
            pd.MultiIndex.from_frame(prices[SERIES].astype(str))
        )

    def explain(self, product: str, store: str, price: float | None = None, seed: int = 0) -> Explanation:
        """Return why the next price of one product is what it is.

        Args:
            product, store: the row of the market.
            price: in force now (currency/unit); by default the one at the end of the training data.
            seed: of the elasticities that are drawn.

        Raises:
            PolicyError: the market knows no such product and store, or the price is not finite and above 0.
        """
        rows = np.flatnonzero((self.market[PRODUCT] == product) & (self.market[STORE] == store))
        if not len(rows):
            known = [f"{row[PRODUCT]} in {row[STORE]}" for _, row in self.market.head(3).iterrows()]
            names = ", ".join(known) + (", ..." if len(self.market) > len(known) else "")
            raise PolicyError(
                f"pricing policy: there is no product {product!r} in store {store!r}. Known: {names}."
            )
        products = products_of(self.market.iloc[rows])
        if price is not None:
            products = replace(products, price=_valid(np.array([price])))
        return explain(products, self.rules, self.policy, seed)

    def _steps(
        self, rows: np.ndarray, price: np.ndarray, costs: pd.DataFrame
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the ratios to the price in force for rows of the market, and the reasons."""
        products = products_of(self.market.iloc[rows])
        products = replace(
            products,
            price=price,
            unit_cost=costs[UNIT_COST].to_numpy(),
            cost_stale=costs[COST_STALE].to_numpy(),
        )
        actions = self.policy(opening(products), self.rules)
        holds = costs[COST_HOLDS].to_numpy()
        best = np.where(actions == self.rules.hold, HOLD_BEST, MOVED)
        reason = np.where(products.identified.astype(bool), best, NOT_IDENTIFIED)
        return self.rules.ladder[actions], np.where(holds == "", reason, holds)


def _valid(price: np.ndarray) -> np.ndarray:
    """Return prices in force, and refuse what is none."""
    wrong = ~(np.isfinite(price) & (price > 0))
    if wrong.any():
        raise PolicyError(
            f"pricing policy: the price in force must be finite and above 0. Received: {price[wrong][0]}."
        )
    return price
