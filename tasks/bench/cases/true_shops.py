"""Shops whose demand is known and is not the market that a retraining fits: a year of days, 64 prices each.

The shop of each kind has the history that a retraining reads, the units that it truly expects at any list of
prices, and the sales of a week under a list. Season and moods are no part of the truth: they are the same at
all prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from expectations.columns import (
    CATEGORY,
    DATE,
    DAYS_A_WEEK,
    LIST_PRICE,
    PRICE,
    STOCK,
    STORE,
    UNIT_COST,
    UNITS,
)
from tasks.bench.cases.shop_history import (
    ANNOUNCED,
    DISPERSION,
    HISTORY_WEEKS,
    Course,
    counts,
    course_of,
)
from tasks.bench.cases.shop_kinds import GROUPS, KINDS, WITHIN, Kind, demand_of, rows_of
from tasks.bench.cases.true_demand import Assortment, Bounded, Demand

START = pd.Timestamp("2024-01-01")  # a Monday
DEAL = "promotion_deal"
LEVEL, LEVEL_SPREAD = 3.6, 0.5  # mean and standard deviation of log units/week
BASE, BASE_SPREAD = 1.0, 0.3  # mean and standard deviation of log base prices
STORE_SPREAD = 0.05  # standard deviation of log base prices of a product over stores
MARGIN = (0.25, 0.45)  # range of the margins where costs are known, share of the base price
STATED_MARGIN = 0.3  # margin where no cost is known
HISTORY, SEASON = 0, 1  # which counts a seed draws
COVER = 1.4  # stock at the start of a week over the usual demand, where stock is counted


@dataclass(frozen=True, kw_only=True)
class TrueShop:
    """A shop whose demand is known; its rows are products in stores.

    Attributes:
        kind: name of its kind.
        seed: with the kind, root of all that is drawn.
        traits: what sets the kind apart.
        rows: ``product_id``, ``store_id`` and ``category`` of every row (rows, 3).
        demand: units at prices, stock and moods apart.
        course: what moved in it from week to week.
        base_cost: unit cost around which costs move, currency/unit (rows,).
    """

    kind: str
    seed: int
    traits: Kind
    rows: pd.DataFrame
    demand: Demand
    course: Course
    base_cost: np.ndarray

    @property
    def name(self) -> str:
        """Return kind and seed."""
        return f"{self.kind}-{self.seed}"

    @property
    def price(self) -> np.ndarray:
        """Return the prices in force at the end of the history, currency/unit (rows,)."""
        return self._prices[-1]

    @property
    def unit_cost(self) -> np.ndarray:
        """Return the unit costs from the end of the history on, currency/unit (rows,).

        Where the sales table has none, they are those of a stated margin on ``price``, whatever is charged.
        """
        return self._costs[-1] if self.traits.costs else (1 - STATED_MARGIN) * self.price

    @property
    def stock(self) -> np.ndarray:
        """Return the stock at the start of a week, infinite where it is not counted, units (rows,)."""
        level = self.demand.goods.level
        return np.round(COVER * level) if self.traits.stock else np.full(len(level), np.inf)

    @cached_property
    def history(self) -> pd.DataFrame:
        """Return the sales table that a retraining reads."""
        rng = np.random.default_rng([self.seed, HISTORY])
        promoted = self.course.promoted
        table = self._sales(0, self._prices, promoted, rng)
        if self.traits.promotions:
            listed = self._weekly(self.course.list_price * self.demand.goods.price)
            table[LIST_PRICE] = np.maximum(listed, table[PRICE])
        return table

    def units(self, prices: np.ndarray) -> np.ndarray:
        """Return the units sold in a week, in expectation, at prices in currency/unit (..., rows)."""
        wanted = self.demand.units(prices)
        return sold_of(wanted, self.stock) if self.traits.stock else wanted

    def earned(self, prices: np.ndarray, objective: str) -> np.ndarray:
        """Return expected revenue or profit (``objective``) of a week, currency/week (..., rows).

        Where no cost is known, a profit is that of a stated margin on the prices at the end of the history.
        """
        cost = self.unit_cost if objective == "profit" else 0.0
        return np.asarray((prices - cost) * self.units(prices))

    def week(self, number: int, prices: np.ndarray) -> pd.DataFrame:
        """Return the sales table of a week under a list of prices; the same draws whatever the list.

        Args:
            number: 0 for the first week after the history.
            prices: currency/unit (rows,).
        """
        rng = np.random.default_rng([self.seed, SEASON, number])
        return self._sales(HISTORY_WEEKS + number, prices[None], np.zeros((1, len(prices)), bool), rng)

    @property
    def _prices(self) -> np.ndarray:
        """Return the prices of the history, currency/unit (weeks, rows)."""
        return (self.course.price * self.demand.goods.price).round(2)

    @property
    def _costs(self) -> np.ndarray:
        """Return the unit costs of the history, currency/unit (weeks, rows)."""
        return (self.course.cost * self.base_cost).round(2)

    def _sales(
        self, first: int, prices: np.ndarray, promoted: np.ndarray, rng: np.random.Generator
    ) -> pd.DataFrame:
        """Return the sales of weeks from ``first`` on, a row per day, sorted by product and store."""
        weeks = len(prices)
        usual = self.demand.units(prices, ANNOUNCED * promoted) / DAYS_A_WEEK  # (weeks, rows)
        wanted = counts(usual[:, None] * np.exp(self.course.mood[first : first + weeks]), rng)
        before = np.maximum(self.stock - np.cumsum(wanted, axis=1) + wanted, 0.0)  # at the start of the day
        days = pd.date_range(START + pd.Timedelta(weeks=first), periods=weeks * DAYS_A_WEEK, unit="us")
        table = self.rows.loc[self.rows.index.repeat(len(days))].reset_index(drop=True)
        table.insert(0, DATE, np.tile(days, len(self.rows)))
        table[UNITS] = _daily(np.minimum(wanted, before))
        table[PRICE] = self._weekly(prices)
        if self.traits.costs:
            past = self._costs[np.minimum(first + np.arange(weeks), HISTORY_WEEKS - 1)]
            table[UNIT_COST] = self._weekly(past)
        if self.traits.promotions:
            table[DEAL] = self._weekly(promoted.astype(float))
        if self.traits.stock:
            table[STOCK] = _daily(before)
        return table

    @staticmethod
    def _weekly(values: np.ndarray) -> np.ndarray:
        """Return values of weeks (weeks, rows) for the days of every row in turn (rows * days,)."""
        return np.repeat(values.round(2), DAYS_A_WEEK, axis=0).T.ravel()


def true_shop(kind: str, seed: int) -> TrueShop:
    """Return the shop of a kind (``KINDS``) and a seed.

    Stores share categories, products and costs; levels, courses and, a little, prices are their own.
    """
    traits, rng = KINDS[kind], np.random.default_rng([seed, *kind.encode()])
    rows = rows_of(traits.stores)
    products = len(rows) // traits.stores
    group = rows.groupby([CATEGORY, STORE], sort=False).ngroup().to_numpy()
    level = np.exp(rng.normal(LEVEL, LEVEL_SPREAD, len(rows)))
    price = np.exp(rng.normal(BASE, BASE_SPREAD, products)).repeat(traits.stores)
    if traits.stores > 1:
        price = price * np.exp(rng.normal(0, STORE_SPREAD, len(rows)))
    goods = Assortment(group=group, level=level, price=price.round(2))
    margin = rng.uniform(*MARGIN, products) if traits.costs else np.full(products, STATED_MARGIN)
    slope = rng.uniform(*WITHIN, GROUPS)[pd.factorize(rows[CATEGORY])[0]]
    return TrueShop(
        kind=kind,
        seed=seed,
        traits=traits,
        rows=rows,
        demand=Bounded(form=demand_of(traits, goods, slope)),
        course=course_of(
            group, rng, promotions=traits.promotions, peaks=traits.peaks, confounded=traits.confounded
        ),
        base_cost=((1 - margin) * goods.price[:: traits.stores]).repeat(traits.stores),
    )


def sold_of(wanted: np.ndarray, stock: np.ndarray) -> np.ndarray:
    """Return the expected units sold in a week of a stock, E min(D, S).

    D is the sum of seven Poisson-gamma days of equal means, negative binomial of shape n and mean m. From
    k P_n(k) = m P_(n+1)(k - 1): E min(D, S) = m F_(n+1)(S - 2) + S (1 - F_n(S - 1)), F the distribution
    functions at the same probability n / (n + m).

    Args:
        wanted: expected demand m, units/week (..., rows).
        stock: S at the start of the week, units (rows,).
    """
    shape = DAYS_A_WEEK * DISPERSION
    p = shape / (shape + wanted)
    below = wanted * stats.nbinom.cdf(stock - 2, shape + 1, p)
    return np.asarray(below + stock * stats.nbinom.sf(stock - 1, shape, p))


def _daily(values: np.ndarray) -> np.ndarray:
    """Return values of days (weeks, 7, rows) for the days of every row in turn (rows * days,)."""
    return values.reshape(-1, values.shape[-1]).T.ravel()
