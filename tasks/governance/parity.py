"""Parity between channels: a channel is not dearer than another one, or equal to it, product by product.

A channel that is bound follows: where its price would break the rule, it becomes the lowest price of the
other channel for the product, inside all of its own bounds. Where that is not allowed, both hold, and both
rules are named. Prices that break the rule already may stay, or move towards it. Announced prices, and those
that come back inside a hard bound, are exempt; the price before them counts.

Which rows follow is decided once, before the rules that only hold; ``apart`` then holds what no longer fits,
and with it whatever it should have followed, so that a list that was guarded is not changed again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from expectations.refusals import DataError, refusal
from tasks.governance.channels import Channels
from tasks.governance.endings import nearest_ending
from tasks.governance.list_bounds import Bounds, Fault, bounds_of
from tasks.governance.list_guard import Action, Guarded, Why
from tasks.governance.money import NO_AMOUNT, PARTS, amounts, minor_down, minor_up, parts
from tasks.governance.rules import Limits, ParityRule, Places, Rule, Shelf

SETTING = "guard.parity"
NOTHING = np.iinfo(np.int64).max  # the other channel does not sell the product, parts
TEXT = re.compile(r"(\S+) (not dearer than|equal to) (\S+)")


def parity_rules(texts: Iterable[str], channels: Channels | None) -> tuple[ParityRule, ...]:
    """Return the rules of the settings, a channel after the one that it follows.

    Args:
        texts: such as ``web not dearer than shop`` or ``app equal to web``.
        channels: of the shop; none: there is no table of them.

    Raises:
        DataError: a rule cannot be read, names no channel, binds a channel twice or in a circle, or
            compares two currencies.
    """
    rules: dict[str, ParityRule] = {}
    for text in texts:
        rule = _rule(text, channels)
        if rule.channel in rules:
            raise _refused(text, "a channel follows one other channel", "leave one of its rules out")
        rules[rule.channel] = rule
    ordered: list[ParityRule] = []
    while waiting := [rule for rule in rules.values() if rule not in ordered]:
        ready = [rule for rule in waiting if rule.reference not in {other.channel for other in waiting}]
        if not ready:
            text = " and ".join(rule.channel for rule in waiting)
            raise _refused(text, "channels do not follow each other in a circle", "leave a rule out")
        ordered += ready
    return tuple(ordered)


def _rule(text: str, channels: Channels | None) -> ParityRule:
    read = TEXT.fullmatch(text.strip())
    if read is None:
        raise _refused(text, "a rule binds a channel to another one", "write: web not dearer than shop")
    channel, relation, reference = read.groups()
    names = channels.names() if channels else []
    unknown = [name for name in (channel, reference) if name not in names]
    if channels is None or unknown:
        raise _refused(text, f"price.channels has its channels ({', '.join(names) or 'none'})", "correct it")
    if channels.currency(channel) != channels.currency(reference):
        raise _refused(text, "channels that are compared have one currency", "leave the rule out")
    return ParityRule(channel, relation == "equal to", reference)


def _refused(text: str, rule: str, remedy: str) -> DataError:
    return refusal("parity", SETTING, repr(text), rule, remedy)


class _Pair(NamedTuple):
    """A rule on the rows of a list, prices in parts (rows,).

    Attributes:
        rule: the rule.
        rows: of the channel that follows, whose product the other channel sells, bool.
        leads: of the other channel, bool.
        before: lowest price in force of the other channel, ``NOTHING`` where it does not sell the product.
        was_broken: whether the prices in force break the rule, bool.
    """

    rule: ParityRule
    rows: np.ndarray
    leads: np.ndarray
    before: np.ndarray
    was_broken: np.ndarray

    def broken(self, price: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Return which rows break the rule (rows,), bool."""
        return self.rows & (price != reference if self.rule.equal else price > reference)

    def gap(self, price: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Return how far prices break the rule (rows,), parts."""
        beyond = price - np.where(self.rows, reference, price)
        return np.abs(beyond) if self.rule.equal else np.maximum(beyond, 0)


@dataclass(frozen=True)
class Parity:
    """The rules of parity on a shelf.

    Attributes:
        shelf, limits: as ``guard_list`` takes them.
        rules: a channel after the one that it follows.
        places: product and channel of every row.
        free: rows that the list may hold (rows,), bool.
    """

    shelf: Shelf
    limits: Limits
    rules: tuple[ParityRule, ...]
    places: Places
    free: np.ndarray

    def followed(self, result: Guarded) -> Guarded:
        """Return the list in which channels follow, where something moves and their rules allow it."""
        for pair in self._pairs:
            price, reference = self._prices(result), self._lowest(pair.leads, self._prices(result))
            units, reachable = self._goal(pair, reference, result)
            moves = result.moved | (reference != pair.before)
            rows = pair.broken(price, reference) & reachable & moves & self.free
            result = self._set(result, rows, units)
        return result

    def apart(self, result: Guarded) -> Guarded:
        """Return the list in which prices hold that would break a rule."""
        for pair in self._pairs:
            price = self._prices(result)
            reference = self._lowest(pair.leads, price)
            units, reachable = self._goal(pair, reference, result)
            follows = reachable & (units * PARTS == price)
            stays = ~reachable | (reference == pair.before)
            nearer = pair.gap(price, reference) <= pair.gap(self._in_force, pair.before)
            fine = pair.was_broken & nearer & np.where(result.moved, follows, stays)
            wrong = pair.broken(price, reference) & ~fine
            other = np.where(wrong, self._hindrance(reference, result), Rule.NONE)
            result = self._held(result, wrong, self._products(wrong) & pair.leads, other)
        return result

    def _held(self, result: Guarded, wrong: np.ndarray, leads: np.ndarray, other: np.ndarray) -> Guarded:
        """Return the list in which followers and those that they cannot follow hold; both rules are named."""
        rows = (wrong | leads) & result.moved & self.free
        by_product = np.full(self._count, Rule.NONE)
        np.minimum.at(by_product, self.places.product[wrong], other[wrong])
        second = by_product[self.places.product]
        alone = second == Rule.NONE
        held = result.holding(rows, Why.APART, Rule.PARITY, self.shelf.in_force)
        conflict = rows & ~alone
        return replace(
            held,
            why=np.where(conflict, Why.CONFLICT, held.why),
            rule=np.where(conflict, second, held.rule),
            other=np.where(conflict, Rule.PARITY, held.other),
        )

    def _goal(self, pair: _Pair, reference: np.ndarray, result: Guarded) -> tuple[np.ndarray, np.ndarray]:
        """Return where a row that breaks a rule goes, minor units, and whether it may (rows,), (rows,).

        What broke the rule already goes as near as it may, everything else all the way or not at all.
        """
        in_force, low, high = self._in_force, result.low * PARTS, result.high * PARTS
        wanted = np.where(pair.rows, reference, in_force)
        nearest = np.clip(
            wanted,
            np.maximum(low, np.minimum(in_force, wanted)),
            np.minimum(high, np.maximum(in_force, wanted)),
        )
        whole = minor_down(nearest)
        there = nearest == wanted
        least = np.where(there, minor_up(low), np.minimum(whole, minor_up(in_force)))
        least = np.where(there & pair.rule.equal, whole, least)
        most = np.where(there, whole, np.maximum(whole, minor_down(in_force)))
        units = nearest_ending(whole, least, most, self.limits.endings)
        inside = (units != NO_AMOUNT) & (units >= result.low) & (units <= result.high)
        exact = ~there | ~np.bool_(pair.rule.equal) | (whole * PARTS == wanted)
        return units, inside & exact & (there | pair.was_broken) & (self._bounds.fault == Fault.NONE)

    def _set(self, result: Guarded, rows: np.ndarray, units: np.ndarray) -> Guarded:
        """Return the list with other prices in some rows, minor units."""
        number, in_force = units * PARTS, self._in_force
        moves = np.select([number > in_force, number < in_force], [Action.RAISE, Action.LOWER], Action.HOLD)
        price = np.where(moves == Action.HOLD, self.shelf.in_force, amounts(units, self.shelf.decimals))
        why = np.where(moves == Action.HOLD, Why.APART, Why.FOLLOWS)
        return replace(
            result,
            price=np.where(rows, price, result.price),
            action=np.where(rows, moves, result.action),
            why=np.where(rows, why, result.why),
            rule=np.where(rows, Rule.PARITY, result.rule),
            other=np.where(rows, Rule.NONE, result.other),
        )

    def _hindrance(self, reference: np.ndarray, result: Guarded) -> np.ndarray:
        """Return the rule that keeps a row from a price of the other channel (rows,)."""
        bounds = self._bounds
        beyond = [bounds.fault != Fault.NONE, reference < result.low * PARTS, reference > result.high * PARTS]
        return np.select(beyond, [bounds.fault_rule, bounds.low_rule, bounds.high_rule], Rule.NONE)

    def _prices(self, result: Guarded) -> np.ndarray:
        """Return the prices that are compared (rows,), parts: those of the list, or in force where exempt."""
        moved = result.moved & self.free
        return parts(np.where(moved, result.price, self.shelf.in_force), self.shelf.decimals)

    def _lowest(self, rows: np.ndarray, price: np.ndarray) -> np.ndarray:
        """Return the lowest price of every product among some rows, ``NOTHING`` if none (rows,), parts."""
        counted = rows & (price != NO_AMOUNT)
        lowest = np.full(self._count, NOTHING)
        np.minimum.at(lowest, self.places.product[counted], price[counted])
        return lowest[self.places.product]

    def _products(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows of the products of some rows (rows,), bool."""
        marked = np.zeros(self._count, bool)
        marked[self.places.product[rows]] = True
        return marked[self.places.product]

    @cached_property
    def _pairs(self) -> list[_Pair]:
        pairs = []
        for rule in self.rules:
            leads = self.places.channel == rule.reference
            before = self._lowest(leads, self._in_force)
            rows = (self.places.channel == rule.channel) & (before != NOTHING) & (self._in_force != NO_AMOUNT)
            pair = _Pair(rule, rows, leads, before, rows)
            pairs.append(pair._replace(was_broken=pair.broken(self._in_force, before)))
        return pairs

    @cached_property
    def _bounds(self) -> Bounds:
        return bounds_of(self.shelf, self.limits)

    @cached_property
    def _in_force(self) -> np.ndarray:
        return parts(self.shelf.in_force, self.shelf.decimals)

    @cached_property
    def _count(self) -> int:
        return int(self.places.product.max(initial=-1)) + 1
