"""The pricing policy as it is registered: the state of the shop to the prices of its list, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import CURRENCY, DATE, PRICE, PRODUCT, REASON, REFUSAL, SERIES, STORE, UNIT_COST
from tasks.pricing.assumed_cost import COST_ASSUMED
from tasks.pricing.explain import Explanation, explain
from tasks.pricing.greedy import Greedy
from tasks.pricing.known_cost import COST_STALE, NO_COST, cost_holds
from tasks.pricing.listing import ListPlan, listed
from tasks.pricing.products import Products, index_since_training, products_of
from tasks.pricing.rounding import chargeable, rounded_steps
from tasks.pricing.rules import NEAR, Rules
from tasks.pricing.slopes import SlopeDraws
from tasks.pricing.state import View, opening

COVERING_PRICE = "covering_price"  # with tax, currency/unit
COST_HOLDS = "cost_holds"  # why a price holds for what is known of its cost, empty where it need not
LOWEST, HIGHEST = "lowest", "highest"  # columns: bounds of this week's price, currency/unit
COST_BOUND = "cost_bound"  # column: whether the lowest is a floor on the cost, bool
NOT_TRAINED, NOT_IDENTIFIED = "the product was not in the training", "elasticity not identified"
HOLD_BEST, MOVED = "the price in force is best", "the policy moves the price"
AT_INDEX = ", with the price index of the list at its limit"  # what both add where that limit binds
ANNOUNCED = "the price of an announced promotion"
ANNOUNCED_PRICE = "announced_price"  # column: currency/unit, nan where no promotion is announced
STEP = "step"  # recommended price relative to the price in force
NOT_ROUNDED = 6  # decimals of a price where none are given


class PolicyError(ValueError):
    """A product that the policy does not know, or prices that it cannot take."""


@dataclass(frozen=True, kw_only=True)
class PolicyModel:
    """A greedy policy and the market that it was trained on.

    Attributes:
        market: one row per product and store, as ``Products`` needs it.
        slopes: how its groups answer prices.
        rules: of that market.
        policy: what decides.
    """

    market: pd.DataFrame
    slopes: SlopeDraws
    rules: Rules
    policy: Greedy

    @classmethod
    def from_stored(
        cls,
        market: pd.DataFrame,
        slopes: Mapping[str, np.ndarray],
        rules: Mapping[str, Any],
        weights: Mapping[str, np.ndarray],
    ) -> PolicyModel:
        """Return the model whose market, slopes, rules (JSON) and weights were stored."""
        return cls(
            market=market, slopes=SlopeDraws(**slopes), rules=Rules.from_json(rules), policy=Greedy(weights)
        )

    def recommend(
        self, prices: pd.DataFrame, view: View | None = None, decimals: int | None = None
    ) -> pd.DataFrame:
        """Return the price of the next week, row by row: ``price``, ``step`` and ``reason``.

        All rows are one list; where a product stands several times, its second rows are a second list, and
        so on. Products that are not in a list keep the price in force. A product keeps its price if the
        market does not know it, if its elasticity is not identified, or if it holds for its cost.

        Args:
            prices: product, store, the price in force now and, where they are known, ``unit_cost`` and this
                week's bounds, ``lowest`` and ``highest``, and ``announced_price``, which a promotion keeps
                (currency/unit).
            view: what the shop knows now; none: the first decision after the training.
            decimals: of a price; none: prices are not rounded.

        Raises:
            PolicyError: a price is not finite and above 0.
        """
        number = prices.groupby(SERIES).cumcount().to_numpy()  # of a row's list
        lists = [self._list(prices[number == n], view, decimals) for n in range(max(number, default=0) + 1)]
        return pd.concat(lists).iloc[np.argsort(np.argsort(number, kind="stable"))]

    def _list(self, prices: pd.DataFrame, view: View | None, decimals: int | None) -> pd.DataFrame:
        """Return the prices of one list, as ``recommend`` describes them."""
        price, rows = _valid(prices[PRICE].to_numpy(float)), self.rows(prices)
        known, step = rows >= 0, np.ones(len(prices))
        reason = np.where(known, "", NOT_TRAINED).astype(object)
        if known.any():
            plan, ratio = self.plan(prices[known], view, decimals)
            chosen = plan.view.prices(self.rules)[np.arange(len(ratio)), plan.actions]
            moved = (chosen / ratio)[rows[known]]
            step[known] = np.where(np.abs(moved - 1) <= NEAR, 1.0, moved)
            reason[known] = self._reasons(rows[known], step[known], prices[known], plan.side)
        announced = _announced(prices)
        step = np.where(np.isnan(announced), step, announced / price)
        reason[~np.isnan(announced)] = ANNOUNCED
        reasons = pd.Series(reason, prices.index, dtype="str")
        new = np.where(np.isnan(announced), price * step, announced)
        return pd.DataFrame({PRICE: new, STEP: step, REASON: reasons}, index=prices.index)

    @property
    def currency(self) -> str | None:
        """Return the ISO 4217 code of all prices; none: it was not named."""
        return str(self.market[CURRENCY].iloc[0]) if CURRENCY in self.market else None

    @property
    def trained(self) -> pd.Timestamp:
        """Return the last date of the training data."""
        return pd.Timestamp(self.market[DATE].max())

    @cached_property
    def products(self) -> Products:
        """Return the products of the market."""
        return products_of(self.market, self.slopes)

    @cached_property
    def _series(self) -> pd.MultiIndex:
        """Return product and store of every row of the market."""
        return pd.MultiIndex.from_frame(self.market[SERIES])

    def products_at(self, prices: pd.DataFrame) -> Products:
        """Return the products of the market with the costs that are known now, as ``costs`` takes them."""
        known = prices[self.rows(prices) >= 0]
        return _with(self.products, self.rows(known), self.costs(known))

    def costs(self, prices: pd.DataFrame) -> pd.DataFrame:
        """Return what is known of costs: ``unit_cost``, ``covering_price``, ``cost_stale``, ``cost_holds``.

        Costs are without tax; ``covering_price`` is the price with tax that just covers them (currency/unit).
        No cost is known of a product that was not in the training: if costs are known at all, it holds its
        price. It is taxed at the highest rate of those that were. ``cost_assumed`` marks costs of a stated
        margin, which protect no price.

        Args:
            prices: product, store, the price in force now and, if it changed since the training,
                ``unit_cost`` (currency/unit); ``cost_stale`` marks costs that are too old now.
        """
        rows, market = self.rows(prices), self.products
        known = rows >= 0
        given = prices[UNIT_COST].to_numpy(float) if UNIT_COST in prices else np.full(len(prices), np.nan)
        assumed = np.isnan(given) & known & market.cost_assumed[rows].astype(bool)
        cost = np.where(np.isnan(given), np.where(known, market.unit_cost[rows], np.nan), given)
        stale = np.isnan(given) & known & market.cost_stale[rows].astype(bool)
        stale = stale | (prices[COST_STALE].to_numpy(bool) if COST_STALE in prices else False)
        covering = cost * (1 + np.where(known, market.tax_rate[rows], market.tax_rate.max()))
        holds = cost_holds(prices[PRICE].to_numpy(float), covering, stale, self.rules.objective)
        measured = ~np.isnan(market.unit_cost) & ~market.cost_assumed.astype(bool)
        lost = ~known & np.isnan(cost) & measured.any()
        return pd.DataFrame(
            {
                UNIT_COST: cost,
                COVERING_PRICE: np.where(assumed, np.nan, covering),
                COST_STALE: stale,
                COST_ASSUMED: assumed,
                COST_HOLDS: np.where(lost, NO_COST, np.where(assumed, "", holds)),
            },
            index=prices.index,
        )

    def rows(self, prices: pd.DataFrame) -> np.ndarray:
        """Return the row of the market of every product and store, -1 where there is none (rows,)."""
        return self._series.get_indexer(pd.MultiIndex.from_frame(prices[SERIES].astype(str)))

    def bounds(self, prices: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return between what prices may lie this week, currency/unit (rows,), (rows,).

        Without ``lowest`` and ``highest`` in the table, the rules of the market alone bound them.
        """
        if LOWEST in prices:
            return prices[LOWEST].to_numpy(float), prices[HIGHEST].to_numpy(float)
        return np.zeros(len(prices)), np.full(len(prices), np.inf)

    def row_of(self, product: str, store: str) -> int:
        """Return the row of a product in the market.

        Raises:
            PolicyError: the market knows no such product and store.
        """
        rows = np.flatnonzero((self.market[PRODUCT] == product) & (self.market[STORE] == store))
        if not len(rows):
            known = [f"{row[PRODUCT]} in {row[STORE]}" for _, row in self.market.head(3).iterrows()]
            names = ", ".join(known) + (", ..." if len(self.market) > len(known) else "")
            raise PolicyError(
                f"pricing policy: there is no product {product!r} in store {store!r}. Known: {names}."
            )
        return int(rows[0])

    def explain(
        self,
        product: str,
        store: str,
        prices: pd.DataFrame | None = None,
        view: View | None = None,
        decimals: int | None = None,
    ) -> Explanation:
        """Return why the next price of one product is what it is, of the list that ``plan`` returns.

        Raises:
            PolicyError: the market knows no such product and store, or a price is not finite and above 0.
        """
        row = self.row_of(product, store)
        prices = self.market[[*SERIES, PRICE]].reset_index(drop=True) if prices is None else prices
        _valid(prices[PRICE].to_numpy(float))
        known = prices[self.rows(prices) >= 0]
        plan, _ = self.plan(known, view, decimals)
        refusal = str(self.market[REFUSAL].iloc[row]) if REFUSAL in self.market else ""
        return explain(plan, self.rules, row, refusal)

    def plan(
        self, prices: pd.DataFrame, view: View | None = None, decimals: int | None = None
    ) -> tuple[ListPlan, np.ndarray]:
        """Return the list of the whole market, and its prices now over those at the end of the training (n,).

        Args:
            prices: as ``recommend`` takes them, all of the market; other products keep their price.
            view: what the shop knows now; none: the first decision after the training.
            decimals: of a price; none: prices are not rounded.
        """
        rows, costs, market = self.rows(prices), self.costs(prices), self.products
        announced = _announced(prices)
        price = np.where(np.isnan(announced), prices[PRICE].to_numpy(float), announced)
        ratio = np.ones(len(market)) if view is None else view.ratio.copy()
        ratio[rows] = price / market.price[rows]
        products = _with(market, rows, costs)
        if view is None:
            view = opening(products, ratio).at_index(index_since_training(products, rows, prices[PRICE]))
        now = replace(view, products=products, ratio=ratio)
        in_force, candidates = ratio * market.price, ratio[:, None] * self.rules.ladder
        if decimals is not None:
            candidates = rounded_steps(in_force, self.rules, decimals) / market.price[:, None]
        now = replace(now, planned=ratio, candidates=candidates)
        listed_rows = np.zeros(len(market), bool)
        listed_rows[rows[(costs[COST_HOLDS].to_numpy() == "") & np.isnan(announced)]] = True
        may = self.rules.may(_bounded(products, rows, prices), ratio, candidates)
        if decimals is not None:
            price = (candidates[rows] * market.price[rows, None]).round(decimals)
            floor = costs[COVERING_PRICE].to_numpy()
            may[rows] &= chargeable(price, in_force[rows], floor, self.rules)
        may[:, self.rules.hold] = True
        may[~listed_rows] = np.arange(len(self.rules.ladder)) == self.rules.hold
        return listed(now, self.rules, self.policy.worth, may), ratio

    def _reasons(
        self, rows: np.ndarray, step: np.ndarray, prices: pd.DataFrame, side: np.ndarray
    ) -> np.ndarray:
        """Return why rows of the market hold or move; ``side`` is that of ``ListPlan``."""
        holds = self.costs(prices)[COST_HOLDS].to_numpy()
        best = np.where(step == 1.0, HOLD_BEST, MOVED).astype(object)
        best = np.where(side[rows] == 0, best, best + AT_INDEX)
        reason = np.where(self.products.identified[rows].astype(bool), best, NOT_IDENTIFIED)
        return np.where(holds == "", reason, holds)


def _with(market: Products, rows: np.ndarray, costs: pd.DataFrame) -> Products:
    """Return the products with the costs that are known now."""
    changed = {}
    for name, values in (
        ("unit_cost", costs[UNIT_COST]),
        ("cost_stale", costs[COST_STALE]),
        ("cost_assumed", costs[COST_ASSUMED]),
    ):
        changed[name] = getattr(market, name).copy()
        changed[name][rows] = values.to_numpy()
    return replace(market, **changed)


def _bounded(products: Products, rows: np.ndarray, prices: pd.DataFrame) -> Products:
    """Return the products with the bounds of this week, where there are any, in place of the training's."""
    if LOWEST not in prices:
        return products
    lowest, highest, step = products.lowest.copy(), products.highest.copy(), products.step.copy()
    lowest[rows], highest[rows], step[rows] = prices[LOWEST], prices[HIGHEST], np.inf
    return replace(products, lowest=lowest, highest=highest, step=step)


def _announced(prices: pd.DataFrame) -> np.ndarray:
    """Return the announced prices, currency/unit, nan where there is none (rows,)."""
    none = np.full(len(prices), np.nan)
    return prices[ANNOUNCED_PRICE].to_numpy(float) if ANNOUNCED_PRICE in prices else none


def _valid(price: np.ndarray) -> np.ndarray:
    """Return prices in force, and refuse what is none."""
    wrong = ~(np.isfinite(price) & (price > 0))
    if wrong.any():
        raise PolicyError(
            f"pricing policy: the price in force must be finite and above 0. Received: {price[wrong][0]}."
        )
    return price
