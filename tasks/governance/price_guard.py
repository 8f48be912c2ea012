"""The guard of a table of prices, and what keeps its list from being published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import (
    CHANNEL,
    CHANNEL_FEE,
    COMPETITOR_PRICE,
    CURRENCY,
    PRICE,
    PRODUCT,
    SALES_TAX,
    STORE,
)
from expectations.cost_words import COST_ASSUMED, with_cost_words
from tasks.governance.breaker import Breaker, changes, tripped
from tasks.governance.channels import Channels
from tasks.governance.guard import Guard
from tasks.governance.guard_reasons import binding_rules, reasons
from tasks.governance.list_bounds import Fault, bounds_of
from tasks.governance.list_guard import Action, Guarded, Why
from tasks.governance.list_rules import IndexMoved, guard_list
from tasks.governance.money import amounts, decimals_of, minor_down, minor_up
from tasks.governance.rule_table import RowRules, rules_of
from tasks.governance.rules import Charges, HouseRules, Places, Rule, Shelf
from tasks.governance.shelf_prices import (
    PRIOR_PRICE,
    PRIOR_UNKNOWN,
    RECENT_HIGH,
    RECENT_LOW,
    SEASON_PRICE,
    SLOW_REFERENCE,
    WEEK_PRICE,
)

COST, COST_STALE = "covering_price", "cost_stale"
NET_COST = "net_cost"  # the cost of which the covering price is, without tax and fee, currency/unit
ANNOUNCED = "announced_price"
APART = ("rules", "margins_agreed_by", "parity", "cost_days")  # of ``guard``: no rules of rows
INDEX_WEIGHT, INDEX_MOVED = "index_weight", "index_moved"


class RowBounds(NamedTuple):
    """Lowest and highest price by the rules of the rows, currency/unit (rows,); ``of_cost``: a floor binds.

    Where the rules leave no price, the lowest is above the highest.
    """

    low: np.ndarray
    high: np.ndarray
    of_cost: np.ndarray


class SeasonBounds(NamedTuple):
    """What the rules leave a product for a season of its market, currency/unit (rows,).

    Attributes:
        lowest, highest: by the band and the hard rules; the lowest is above where no price is left.
        step: of the product, nan where it is that of the settings (share).
        hard_low, hard_high: by the hard rules alone.
    """

    lowest: np.ndarray
    highest: np.ndarray
    step: np.ndarray
    hard_low: np.ndarray
    hard_high: np.ndarray


class Verdict(NamedTuple):
    """A list after the guard (rows,).

    Attributes:
        price: currency/unit; the price in force where the product is left out.
        left_out: products that the list must not have, bool.
        free: prices that may be varied at random, from ``low`` to ``high`` (currency/unit), bool.
        rule: names of the rules that bind, empty where none does.
        reason: sentences, empty where the guard changed nothing.
        tripped: limits of the breaker that the list exceeds, which a named person may override.
        hindrances: why the list may not be published, those limits among them; empty: it may.
    """

    price: np.ndarray
    left_out: np.ndarray
    free: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rule: np.ndarray
    reason: np.ndarray
    tripped: tuple[str, ...]
    hindrances: tuple[str, ...]


def house_rules(section: Mapping[str, Any], guard: Mapping[str, Any]) -> HouseRules:
    """Return the rules of the sections ``guard`` and ``price.guard`` of the settings."""
    rules = {name: value for name, value in section.items() if name not in APART}
    return HouseRules(**{**rules, "guard": Guard(**guard), "breaker": Breaker(**section["breaker"])})


@dataclass(frozen=True, kw_only=True)
class PriceGuard:
    """The rules of a shop, ready for its lists.

    Attributes:
        house: rules of the settings.
        table: rules by category and product, of ``rule_checks.checked_rules``; none: there are none.
        decimals: of a price (decimals).
        agreed: whether a person agreed that assumed costs stand for costs.
        channels: of the stores; none: there is one.
    """

    house: HouseRules
    table: pd.DataFrame | None
    decimals: int
    agreed: bool
    channels: Channels | None = None

    def __call__(self, products: pd.DataFrame, wanted: np.ndarray) -> Verdict:
        """Return the guarded list.

        Args:
            products: a row per product and store with the ``price`` in force and, as far as they are known,
                ``category``, recent and slow reference prices, ``covering_price`` with ``cost_stale`` and
                ``cost_assumed`` (where stores have channels, ``net_cost``, ``sales_tax`` and
                ``channel_fee``), ``competitor_price``, ``announced_price``, ``prior_price`` (currency/unit)
                with ``prior_unknown``, ``index_weight``, and ``week_price`` and ``season_price``, what was
                published of them when the seven days and the season began, else ``index_moved``.
            wanted: prices, currency/unit (rows,).
        """
        rules = rules_of(products, self.table, self.house)
        shelf = self._shelf(products, rules)
        guarded = guard_list(wanted, shelf, rules.limits, self.house, _index_moved(products))
        left_out = guarded.action == Action.LEAVE_OUT
        limits = self._breaker(guarded, wanted, shelf)
        return Verdict(
            price=np.where(left_out, shelf.in_force, guarded.price),
            left_out=left_out,
            free=self._free(guarded, shelf, rules),
            low=amounts(guarded.low, shelf.decimals),
            high=amounts(guarded.high, shelf.decimals),
            rule=binding_rules(guarded),
            reason=with_cost_words(reasons(guarded), products, _of_cost(guarded)),
            tripped=limits,
            hindrances=(*limits, *_unprotected(guarded, shelf, rules)),
        )

    def bounds(self, products: pd.DataFrame) -> RowBounds:
        """Return between what the rules of the rows let prices lie, and where the cost is the lower bound."""
        rules = rules_of(products, self.table, self.house)
        shelf = self._shelf(products, rules)
        bounds = bounds_of(shelf, rules.limits)
        return RowBounds(
            low=amounts(minor_up(bounds.low), shelf.decimals),
            high=amounts(minor_down(bounds.high), shelf.decimals),
            of_cost=bounds.low_rule == Rule.MARGIN,
        )

    def season(self, products: pd.DataFrame) -> SeasonBounds:
        """Return between what the market of a retraining lets prices lie; products as in a call."""
        rules = rules_of(products, self.table, self.house)
        shelf = self._shelf(products, rules)
        bounds = bounds_of(shelf, rules.limits)
        low = amounts(minor_up(bounds.hard_low), shelf.decimals)
        high = amounts(minor_down(bounds.hard_high), shelf.decimals)
        band, step = rules.limits.band, rules.limits.step
        reference = _amounts(products, SLOW_REFERENCE)
        return SeasonBounds(
            lowest=np.fmax((1 - band) * reference, low),
            highest=np.fmin((1 + band) * reference, high),
            step=np.where(step == self.house.guard.step, np.nan, step),
            hard_low=low,
            hard_high=high,
        )

    def _shelf(self, products: pd.DataFrame, rules: RowRules) -> Shelf:
        """Return what is known of the products; a move of more revenue is worth more."""
        assumed = _marks(products, COST_ASSUMED) & (not self.agreed)
        weight = np.nan_to_num(_amounts(products, INDEX_WEIGHT))
        return Shelf(
            in_force=products[PRICE].to_numpy(float),
            recent_low=_amounts(products, RECENT_LOW),
            recent_high=_amounts(products, RECENT_HIGH),
            reference=_amounts(products, SLOW_REFERENCE),
            cost=np.where(assumed, np.nan, _amounts(products, COST)),
            stale=_marks(products, COST_STALE),
            unprotected=assumed,
            competitor=_amounts(products, COMPETITOR_PRICE),
            announced=~np.isnan(_amounts(products, ANNOUNCED)),
            prior=_amounts(products, PRIOR_PRICE),
            prior_unknown=_marks(products, PRIOR_UNKNOWN),
            decimals=self._decimals(products),
            family=rules.family,
            size=rules.size,
            weight=weight,
            worth=weight,
            charges=_charges(products, assumed),
            places=self._places(products),
        )

    def _decimals(self, products: pd.DataFrame) -> np.ndarray:
        """Return the decimals of every price, those of the currency of its channel (rows,)."""
        if self.channels is None:
            return np.full(len(products), self.decimals)
        currencies = self.channels.of(products[STORE])[CURRENCY]
        return currencies.map(lambda code: decimals_of(code, self.decimals)).to_numpy(int)

    def _places(self, products: pd.DataFrame) -> Places | None:
        """Return product and channel of every row, none where no rule compares channels."""
        if self.channels is None or not self.house.parity:
            return None
        channel = self.channels.of(products[STORE])[CHANNEL].to_numpy(object)
        return Places(pd.factorize(products[PRODUCT])[0], channel)

    def _free(self, guarded: Guarded, shelf: Shelf, rules: RowRules) -> np.ndarray:
        """Return the prices that a random draw may move without breaking a rule of the list (rows,), bool."""
        left_alone = (guarded.why == Why.FREE) & (guarded.action != Action.LEAVE_OUT) & ~shelf.announced
        single = (rules.limits.endings == "") & (rules.family < 0)
        single &= shelf.decimals == self.decimals  # a draw has the decimals of the shop
        if shelf.places is not None:
            compared = {name for rule in self.house.parity for name in (rule.channel, rule.reference)}
            single &= ~np.isin(shelf.places.channel.astype("str"), list(compared))
        single &= bounds_of(shelf, rules.limits).fault == Fault.NONE  # it holds for a fault
        single &= guarded.moved | ~_without_floor(shelf, rules)  # one that moves makes the list a draft
        return np.asarray(left_alone & single & (guarded.moved | (self.house.change_share == 1)))

    def _breaker(self, guarded: Guarded, wanted: np.ndarray, shelf: Shelf) -> tuple[str, ...]:
        """Return the limits of the whole list that it exceeds; announced prices do not count."""
        counted = (guarded.action != Action.LEAVE_OUT) & ~shelf.announced
        return tuple(
            sentence
            for prices, name in ((wanted, "wanted prices"), (guarded.price, "guarded list"))
            for sentence in tripped(self.house.breaker, changes(prices, shelf.in_force, counted), name)
        )


def _of_cost(guarded: Guarded) -> np.ndarray:
    """Return which rows the cost decided (rows,), bool."""
    rules = (guarded.rule, guarded.other, guarded.outside)
    return np.asarray(np.any([rule == Rule.MARGIN for rule in rules], axis=0) & (guarded.why != Why.FREE))


def _unprotected(guarded: Guarded, shelf: Shelf, rules: RowRules) -> list[str]:
    """Return that prices move without a floor, if any does."""
    count = int((guarded.moved & _without_floor(shelf, rules)).sum())
    sentence = (
        f"{count} prices move without a known cost or a named floor: map unit_cost, name a least_price, or "
        "let a person agree to the assumed margins (`guard.margins_agreed_by`)"
    )
    return [sentence] if count else []


def _without_floor(shelf: Shelf, rules: RowRules) -> np.ndarray:
    """Return the products of which only an assumed margin is known and no floor is named (rows,), bool."""
    named = ~np.isnan(rules.limits.least) | ~np.isnan(rules.limits.fixed)
    return np.asarray(shelf.unprotected & ~named)


def _charges(products: pd.DataFrame, assumed: np.ndarray) -> Charges | None:
    """Return costs, tax and fee where stores have channels; assumed costs are none."""
    if CHANNEL_FEE not in products:
        return None
    cost = np.where(assumed, np.nan, _amounts(products, NET_COST))
    return Charges(cost, _amounts(products, SALES_TAX), _amounts(products, CHANNEL_FEE))


def _index_moved(products: pd.DataFrame) -> IndexMoved:
    """Return how far the price index has moved: by what was published, else by what the policy knows."""
    if products.empty:
        return IndexMoved()
    if WEEK_PRICE in products:
        return IndexMoved(_moved_from(products, WEEK_PRICE), _moved_from(products, SEASON_PRICE))
    return IndexMoved(season=float(products[INDEX_MOVED].iloc[0]) if INDEX_MOVED in products else 0.0)


def _moved_from(products: pd.DataFrame, name: str) -> float:
    """Return the log change of the price index since regular prices of before, where these are known."""
    with np.errstate(invalid="ignore"):
        logs = np.log(products[PRICE].to_numpy(float) / products[name].to_numpy(float))
    return float(
        np.nan_to_num(_amounts(products, INDEX_WEIGHT)) @ np.nan_to_num(logs, posinf=0.0, neginf=0.0)
    )


def _amounts(products: pd.DataFrame, name: str) -> np.ndarray:
    return products[name].to_numpy(float) if name in products else np.full(len(products), np.nan)


def _marks(products: pd.DataFrame, name: str) -> np.ndarray:
    return products[name].to_numpy(bool) if name in products else np.zeros(len(products), bool)
