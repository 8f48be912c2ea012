"""The bounds of every price of a list, rule by rule in their precedence, exact in parts of a minor unit.

Hard bounds h and soft bounds s of a row with the price in force p0, the recent extremes l and h7, the slow
reference r, the cost c and the competitor's price k:

    least <= p <= most,   p = fixed,   p >= c (1 + m)  or  p >= c / (1 - m),   p >= advertised
    h7 (1 - step) <= p <= l (1 + step),   r (1 - band) <= p <= r (1 + band),   k low <= p <= k high

A soft bound is widened to p0: what is outside already may stay, or move towards the inside. A value that is
given and is no amount is a fault, and so is a floor that is missing: the price then holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from tasks.governance.money import (
    MILLIONTHS,
    MOST,
    NO_AMOUNT,
    PARTS,
    charged_up,
    millionths,
    millionths_up,
    over_up,
    parts,
    parts_down,
    parts_up,
    times_down,
    times_up,
)
from tasks.governance.rules import Limits, Rule, Shelf
from tasks.governance.step_band import band_bounds, holding, step_bounds


class Fault(IntEnum):
    """Why no safe price can be computed."""

    NONE = 0
    NO_FLOOR = 1
    COST_NO_AMOUNT = 2
    COST_NOT_BELOW = 3
    COST_STALE = 4
    NO_VALUE = 5


class Interval(NamedTuple):
    """Bounds of a rule in parts, ``NO_AMOUNT`` where it has none; ``wrong``: a value is no amount (rows,)."""

    low: np.ndarray
    high: np.ndarray
    wrong: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What the rules of the rows leave, in parts (rows,).

    Attributes:
        in_force: price of now; ``NO_AMOUNT`` where it is none.
        low, high: bounds by all rules; ``low_rule`` and ``high_rule`` set them.
        outside: the first hard rule that the price in force breaks, ``Rule.NONE`` where it breaks none.
        fault: why no safe price can be computed, and by which rule, ``fault_rule``.
        hard_low, hard_high: bounds by the hard rules alone, ``hard_low_rule`` and ``hard_high_rule``.
    """

    in_force: np.ndarray
    low: np.ndarray
    high: np.ndarray
    low_rule: np.ndarray
    high_rule: np.ndarray
    outside: np.ndarray
    fault: np.ndarray
    fault_rule: np.ndarray
    hard_low: np.ndarray
    hard_high: np.ndarray
    hard_low_rule: np.ndarray
    hard_high_rule: np.ndarray


def bounds_of(shelf: Shelf, limits: Limits) -> Bounds:
    """Return the bounds of every row by its rules, and the faults that let its price hold."""
    in_force = parts(shelf.in_force, shelf.decimals)
    walk = _Walk(in_force)
    for rule, interval in hard_intervals(shelf, limits):
        walk.narrow(rule, interval)
    walk.cost_faults(*_cost_faults(shelf, limits, in_force))
    hard = (walk.low, walk.high, walk.low_rule, walk.high_rule)
    for rule, interval in soft_intervals(shelf, limits, in_force):
        walk.narrow(rule, interval)
    return Bounds(
        in_force=in_force,
        low=walk.low,
        high=walk.high,
        low_rule=walk.low_rule,
        high_rule=walk.high_rule,
        outside=np.where(in_force == NO_AMOUNT, Rule.NONE, walk.outside),
        fault=walk.fault,
        fault_rule=walk.fault_rule,
        hard_low=hard[0],
        hard_high=hard[1],
        hard_low_rule=hard[2],
        hard_high_rule=hard[3],
    )


def hard_intervals(shelf: Shelf, limits: Limits) -> Iterator[tuple[Rule, Interval]]:
    """Yield the hard rules in their precedence, with their bounds."""
    decimals = shelf.decimals
    least, most = parts_up(limits.least, decimals), parts_down(limits.most, decimals)
    yield Rule.ABSOLUTE, Interval(least, most, _wrong(limits.least, least) | _wrong(limits.most, most))
    low, high = parts_up(limits.fixed, decimals), parts_down(limits.fixed, decimals)
    yield Rule.FIXED, Interval(low, high, _wrong(limits.fixed, low))
    floor = _floor(shelf, limits)
    yield Rule.MARGIN, Interval(floor, _none(floor), np.zeros(len(floor), bool))
    low = parts_up(limits.advertised, decimals)
    yield Rule.ADVERTISED, Interval(low, _none(low), _wrong(limits.advertised, low))


def soft_intervals(shelf: Shelf, limits: Limits, in_force: np.ndarray) -> Iterator[tuple[Rule, Interval]]:
    """Yield the soft rules in their precedence, with bounds that hold the price in force (parts)."""
    yield Rule.STEP, _step(shelf, limits, in_force)
    reference = _or(parts(shelf.reference, shelf.decimals), shelf.reference, in_force)
    yield (
        Rule.BAND,
        Interval(*band_bounds(in_force, reference, limits.band), _wrong(shelf.reference, reference)),
    )
    rival = parts(shelf.competitor, shelf.decimals)
    low = times_up(rival, millionths(limits.competitor_low))
    low = np.where(np.isnan(limits.competitor_low), NO_AMOUNT, low)
    high = times_down(rival, millionths(limits.competitor_high))
    high = np.where(np.isnan(limits.competitor_high), NO_AMOUNT, high)
    named = ~(np.isnan(limits.competitor_low) & np.isnan(limits.competitor_high))
    yield Rule.COMPETITOR, Interval(*holding(low, high, in_force), named & _wrong(shelf.competitor, rival))


class _Walk:
    """Bounds that get narrower from rule to rule; a tie leaves the earlier rule its name."""

    def __init__(self, in_force: np.ndarray) -> None:
        rows = len(in_force)
        self.in_force = in_force
        self.low, self.high = np.full(rows, PARTS, np.int64), np.full(rows, MOST * PARTS, np.int64)
        self.low_rule, self.high_rule = np.full(rows, Rule.ABSOLUTE), np.full(rows, Rule.ABSOLUTE)
        self.outside = np.full(rows, Rule.NONE)
        self.fault, self.fault_rule = np.full(rows, Fault.NONE), np.full(rows, Rule.NONE)

    def narrow(self, rule: Rule, interval: Interval) -> None:
        """Intersect the bounds with those of a rule, and mark its faults and what is outside of it."""
        low, high = interval.low, np.where(interval.high == NO_AMOUNT, MOST * PARTS, interval.high)
        above, below = low > self.low, high < self.high
        self.low, self.low_rule = np.maximum(low, self.low), np.where(above, rule, self.low_rule)
        self.high, self.high_rule = np.minimum(high, self.high), np.where(below, rule, self.high_rule)
        left = (self.in_force < low) | (self.in_force > high)
        self.outside = np.where(left & (self.outside == Rule.NONE), rule, self.outside)
        self._mark(interval.wrong, Fault.NO_VALUE, rule)

    def cost_faults(self, *faults: tuple[np.ndarray, Fault]) -> None:
        """Mark what is wrong with costs, the gravest first."""
        for rows, fault in faults:
            self._mark(rows, fault, Rule.MARGIN)

    def _mark(self, rows: np.ndarray, fault: Fault, rule: Rule) -> None:
        first = rows & (self.fault == Fault.NONE)
        self.fault = np.where(first, fault, self.fault)
        self.fault_rule = np.where(first, rule, self.fault_rule)


def _floor(shelf: Shelf, limits: Limits) -> np.ndarray:
    """Return the margin floor in parts: c (1 + m) of the cost, c / (1 - m) of the price (rows,)."""
    share = millionths_up(limits.margin)
    of_price = np.where(limits.margin_of_price, share, 0)
    if shelf.charges is not None:
        net, tax, fee = shelf.charges
        of_cost = np.where(limits.margin_of_price, 0, share)
        margin = np.array([MILLIONTHS + of_cost, MILLIONTHS - of_price])
        return charged_up(parts_up(net, shelf.decimals), margin, millionths_up(tax), millionths_up(fee))
    cost = parts_up(shelf.cost, shelf.decimals)
    return np.where(
        limits.margin_of_price,
        over_up(cost, MILLIONTHS - of_price),
        times_up(cost, MILLIONTHS + share),
    )


def _cost_faults(shelf: Shelf, limits: Limits, in_force: np.ndarray) -> list[tuple[np.ndarray, Fault]]:
    """Return what is wrong with the costs on which the margin floors rest (rows,), bool."""
    cost = parts_up(shelf.cost, shelf.decimals)
    named = ~np.isnan(limits.least) | ~np.isnan(limits.fixed)
    return [
        (np.isnan(shelf.cost) & ~named & ~shelf.unprotected, Fault.NO_FLOOR),
        (_wrong(shelf.cost, cost), Fault.COST_NO_AMOUNT),
        ((cost != NO_AMOUNT) & (cost >= in_force), Fault.COST_NOT_BELOW),
        ((cost != NO_AMOUNT) & shelf.stale, Fault.COST_STALE),
    ]


def _step(shelf: Shelf, limits: Limits, in_force: np.ndarray) -> Interval:
    """Return the bounds of the step, summed up over the last seven days."""
    low = _or(parts(shelf.recent_low, shelf.decimals), shelf.recent_low, in_force)
    high = _or(parts(shelf.recent_high, shelf.decimals), shelf.recent_high, in_force)
    wrong = _wrong(shelf.recent_low, low) | _wrong(shelf.recent_high, high)
    return Interval(*step_bounds(in_force, low, high, limits.step), wrong)


def _or(number: np.ndarray, amount: np.ndarray, in_force: np.ndarray) -> np.ndarray:
    """Return the price in force where an amount is not known (parts)."""
    return np.where(np.isnan(amount), in_force, number)


def _wrong(amount: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Return where an amount is given and is none (rows,), bool."""
    return np.asarray(~np.isnan(amount) & (number == NO_AMOUNT))


def _none(like: np.ndarray) -> np.ndarray:
    return np.full(len(like), NO_AMOUNT)
