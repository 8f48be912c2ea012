"""What a price list is expected to sell and to earn, row by row, with the interval of the slopes' doubt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from expectations.columns import PRICE, REFERENCE_PRICE
from tasks.pricing.drawn_demand import Belief, product_draws
from tasks.pricing.list_outcome import outcome
from tasks.pricing.products import Products
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.rules import Rules
from tasks.pricing.shop_view import ShopNow

ROWS_AT_ONCE = 4096  # of the market: every draw of so many fits the caches


class Interval(NamedTuple):
    """A figure of every row: its mean over the draws, and between what it lies (rows,)."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def at(self, rows: np.ndarray) -> Interval:
        """Return the figures at the rows of a market, nan for the row -1."""
        return Interval(*(np.where(rows >= 0, values[rows], np.nan) for values in self))

    def where(self, known: np.ndarray) -> Interval:
        """Return the figures where they are known, nan elsewhere."""
        return Interval(*(np.where(known, values, np.nan) for values in self))


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a list is expected to do, by row.

    Attributes:
        units_before: units/week at the prices in force (rows,).
        units: units/week at those of the list.
        gain: currency/week more, nan where it is not known.
        group_gain: the same of the row's group of substitutes (rows,).
        cost_assumed: whether the gain rests on a stated margin (rows,), bool.
        currency: ISO 4217 code; none: it was not named.
    """

    units_before: np.ndarray
    units: Interval
    gain: Interval
    group_gain: np.ndarray
    cost_assumed: np.ndarray
    currency: str | None

    def at(self, rows: np.ndarray) -> Self:
        """Return the values at the rows of a market, nan for the row -1."""
        known = rows >= 0
        return replace(
            self,
            units_before=np.where(known, self.units_before[rows], np.nan),
            units=self.units.at(rows),
            gain=self.gain.at(rows),
            group_gain=np.where(known, self.group_gain[rows], np.nan),
            cost_assumed=known & self.cost_assumed[rows],
        )


def expected_of(
    policy: PolicyModel, table: pd.DataFrame, prices: pd.DataFrame, now: ShopNow | None, confidence: float
) -> Expected:
    """Return what a list is expected to sell and to earn, row by row (rows,).

    Args:
        policy: what recommended.
        table: the list, as ``price_list`` returns it.
        prices: what ``price_list`` took.
        now: what the shop knows now; none: the first decision after the training.
        confidence: probability of the intervals.
    """
    rows, products = policy.rows(table), policy.products_at(prices)
    before = np.ones(len(products))
    if now is not None:
        before, products = now.view.ratio.copy(), replace(products, stock=now.state.stock)
    after, known = before.copy(), rows >= 0
    for ratio, column in ((before, REFERENCE_PRICE), (after, PRICE)):
        ratio[rows[known]] = table.loc[known, column].to_numpy(float) / products.price[rows[known]]
    belief = None if now is None else Belief(*(getattr(now.view, name) for name in Belief._fields))
    doubt = _Doubt(belief, ((1 - confidence) / 2, (1 + confidence) / 2))
    units_before, units, gain = _figures(products, policy.rules, (before, after), doubt)
    return Expected(
        units_before=units_before,
        units=units,
        gain=gain.where(products.cost_trusted | (policy.rules.objective == "revenue")),
        group_gain=products.group_sum(gain.mean),
        cost_assumed=products.cost_assumed.astype(bool) & (policy.rules.objective == "profit"),
        currency=policy.currency,
    ).at(rows)


class _Doubt(NamedTuple):
    belief: Belief | None
    tails: tuple[float, float]


def _figures(
    products: Products, rules: Rules, lists: tuple[np.ndarray, np.ndarray], doubt: _Doubt
) -> tuple[np.ndarray, Interval, Interval]:
    """Return units at the prices in force, and units and gain of the list (products,) each.

    Args:
        products: of the market.
        rules: give the objective.
        lists: prices in force and those of the list, relative to the end of the training (products,) each.
        doubt: of the slopes.
    """
    units_before = np.empty(len(products))
    units, gain = np.empty((3, len(products))), np.empty((3, len(products)))
    for rows in parts(products):
        part = products.take(rows)
        draws = product_draws(part, doubt.belief and doubt.belief.at(rows))
        old, new = (outcome(part, rules, ratio[rows], draws) for ratio in lists)
        units_before[rows] = old.units.mean(axis=0)
        units[:, rows] = _summary(new.units, doubt.tails)
        gain[:, rows] = _summary(new.earned - old.earned, doubt.tails)
    return units_before, Interval(*units), Interval(*gain)


def _summary(draws: np.ndarray, tails: tuple[float, float]) -> np.ndarray:
    """Return mean, low and high of every column of draws (3, columns)."""
    summary = np.repeat(draws[:1], 3, axis=0)
    varies = np.flatnonzero((draws != draws[0]).any(axis=0))
    if varies.size:
        values = draws[:, varies]
        summary[:, varies] = values.mean(axis=0), *np.quantile(values, tails, axis=0)
    return summary


def parts(products: Products) -> Iterator[np.ndarray]:
    """Yield rows of the market that stand for themselves: whole groups, with all that are linked to them."""
    groups, link = products.slopes.within.shape[1], products.slopes.link
    links = coo_array((np.ones(link.shape[1]), (link[0], link[1])), shape=(groups, groups))
    island = np.asarray(connected_components(links, directed=False)[1])[products.group]
    order = np.argsort(island, kind="stable")
    ends = np.flatnonzero(np.diff(island[order], append=-1)) + 1
    start = 0
    while start < len(order):
        last = min(int(np.searchsorted(ends, start + ROWS_AT_ONCE)), len(ends) - 1)
        end = int(ends[last])
        yield order[start:end]
        start = end
