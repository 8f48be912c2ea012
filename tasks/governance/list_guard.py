"""The guard of every row of a list: a price that its rules allow, what was done, and why.

A wanted price is accepted if it is finite and inside. What is finite and outside becomes the nearest price
inside, rounded and ended last; what is no price at all, or has no safe price, holds the price in force. A
product whose price in force breaks a hard rule and cannot be brought inside is left out of the list. An
announced price is accepted or held, never changed. ``guard(guard(p)) = guard(p)``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from tasks.governance.endings import nearest_ending
from tasks.governance.list_bounds import Bounds, Fault, bounds_of
from tasks.governance.money import NO_AMOUNT, PARTS, amounts, minor, minor_down, minor_up, parts
from tasks.governance.rules import Limits, Rule, Shelf


class Action(IntEnum):
    """What the list does to a price."""

    LEAVE_OUT = 0
    HOLD = 1
    RAISE = 2
    LOWER = 3


ACTIONS = ("leave out", "hold", "raise", "lower")


class Why(IntEnum):
    """Why a price is what it is; ``guard_reasons`` puts it into a sentence, with the rules."""

    FREE = 0
    AT_LOW = 1
    AT_HIGH = 2
    AT_ENDING = 3
    STAYS = 4
    NO_PRICE = 5
    NOT_IN_FORCE = 6
    CONFLICT = 7
    NOT_ROUND = 8
    NO_ENDING = 9
    ANNOUNCED_OUTSIDE = 10
    NO_REDUCTION = 11
    PACK = 12
    INDEX = 13
    BUDGET = 14
    NO_FLOOR = 15
    COST_NO_AMOUNT = 16
    COST_NOT_BELOW = 17
    COST_STALE = 18
    NO_VALUE = 19
    FOLLOWS = 20
    APART = 21
    PRIOR_UNKNOWN = 22


OF_FAULT = np.array([Why[fault.name] if fault else Why.FREE for fault in Fault])


@dataclass(frozen=True)
class Guarded:
    """A list after the guard (rows,).

    Attributes:
        price: currency/unit; the price in force where it holds, nan where the product is left out.
        action: see ``Action``.
        why: see ``Why``.
        rule, other: what binds, and the second rule of a conflict; ``Rule.NONE`` where there is none.
        outside: the hard rule that the price in force breaks; ``Rule.NONE`` where it breaks none.
        low, high: bounds of a new price, minor units.
    """

    price: np.ndarray
    action: np.ndarray
    why: np.ndarray
    rule: np.ndarray
    other: np.ndarray
    outside: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def moved(self) -> np.ndarray:
        """Return which prices change (rows,), bool."""
        return np.asarray(self.action >= Action.RAISE)

    def holding(self, rows: np.ndarray, why: Why, rule: Rule, in_force: np.ndarray) -> Guarded:
        """Return the list in which some rows hold the price in force after all (rows,), bool."""
        return replace(
            self,
            price=np.where(rows, in_force, self.price),
            action=np.where(rows, Action.HOLD, self.action),
            why=np.where(rows, why, self.why),
            rule=np.where(rows, rule, self.rule),
            other=np.where(rows, Rule.NONE, self.other),
        )


class Case(NamedTuple):
    """Rows that are decided alike; the first case that a row belongs to decides it (rows,)."""

    rows: np.ndarray
    why: np.ndarray | Why
    rule: np.ndarray | Rule = Rule.NONE
    other: np.ndarray | Rule = Rule.NONE
    moves: bool = False


def guard_rows(wanted: np.ndarray, shelf: Shelf, limits: Limits) -> Guarded:
    """Return the list after the rules of single rows; ``list_rules.guard_list`` adds those of the list.

    Args:
        wanted: prices, currency/unit (rows,).
        shelf: what is known of the products.
        limits: rules of the rows.
    """
    bounds = bounds_of(shelf, limits)
    low, high = minor_up(bounds.low), minor_down(bounds.high)
    number, units = parts(wanted, shelf.decimals), minor(wanted, shelf.decimals)
    inside = bounds.outside == Rule.NONE
    none = (number == NO_AMOUNT) & (units == NO_AMOUNT)
    nearest = np.where(shelf.announced, units, np.clip(units, low, high))
    ended = _ended(nearest, (low, high), bounds, limits.endings)
    final = np.where(shelf.announced | (ended == NO_AMOUNT), nearest, ended)
    cases = [
        Case(bounds.in_force == NO_AMOUNT, Why.NOT_IN_FORCE),
        Case((number == bounds.in_force) & inside, Why.FREE),
        Case(bounds.fault != Fault.NONE, OF_FAULT[bounds.fault], bounds.fault_rule),
        Case(none, Why.NO_PRICE),
        *_announced(wanted, units, shelf, bounds),
        *_impossible(low, high, bounds),
        *_stays(units, nearest, (low, high), bounds),
        Case((ended == NO_AMOUNT) & inside, Why.NO_ENDING, Rule.ENDING),
        Case(final != nearest, Why.AT_ENDING, Rule.ENDING, moves=True),
        Case(units < low, Why.AT_LOW, bounds.low_rule, moves=True),
        Case(units > high, Why.AT_HIGH, bounds.high_rule, moves=True),
        Case(np.ones(len(units), bool), Why.FREE, moves=True),
    ]
    return _decided(cases, final, (low, high), shelf, bounds)


def _ended(
    nearest: np.ndarray, ends: tuple[np.ndarray, np.ndarray], bounds: Bounds, endings: np.ndarray
) -> np.ndarray:
    """Return the nearest price with an ending on the same side of the price in force, minor units (rows,).

    A rise never ends below the price in force, nor a cut above it. A price that must come inside its hard
    bounds may end on either side.
    """
    low, high = ends
    inside, rises = bounds.outside == Rule.NONE, nearest * PARTS > bounds.in_force
    above, below = minor_down(bounds.in_force) + 1, minor_up(bounds.in_force) - 1
    low = np.where(inside & rises, np.maximum(low, above), low)
    high = np.where(inside & ~rises, np.minimum(high, below), high)
    return nearest_ending(nearest, low, high, endings)


def _announced(wanted: np.ndarray, units: np.ndarray, shelf: Shelf, bounds: Bounds) -> list[Case]:
    """Return the cases of announced prices (currency/unit, minor units): accepted as they are, or held."""
    announced, number = shelf.announced, units * PARTS
    reduces = number < bounds.in_force
    prior, known = parts(shelf.prior, shelf.decimals), ~np.isnan(shelf.prior)
    return [
        Case(announced & (bounds.outside != Rule.NONE), Why.STAYS, bounds.outside),
        Case(announced & (amounts(units, shelf.decimals) != wanted), Why.NOT_ROUND, Rule.ROUNDING),
        Case(announced & (number < bounds.hard_low), Why.ANNOUNCED_OUTSIDE, bounds.hard_low_rule),
        Case(announced & (number > bounds.hard_high), Why.ANNOUNCED_OUTSIDE, bounds.hard_high_rule),
        Case(announced & known & (number >= prior), Why.NO_REDUCTION, Rule.PRIOR),
        Case(announced & shelf.prior_unknown & reduces, Why.PRIOR_UNKNOWN, Rule.PRIOR),
        Case(announced, Why.FREE, moves=True),
    ]


def _impossible(low: np.ndarray, high: np.ndarray, bounds: Bounds) -> list[Case]:
    """Return the cases in which the rules leave no price, or none with the decimals of the currency."""
    hard, hard_other = _pair(bounds.hard_low_rule, bounds.hard_high_rule)
    first, second = _pair(bounds.low_rule, bounds.high_rule)
    return [
        Case(bounds.hard_low > bounds.hard_high, Why.CONFLICT, hard, hard_other),
        Case(bounds.low > bounds.high, Why.CONFLICT, first, second),
        Case(low > high, Why.NOT_ROUND, first, second),
    ]


def _pair(low_rule: np.ndarray, high_rule: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two rules in their precedence; of one rule, it and ``Rule.NONE`` (rows,), (rows,)."""
    first, last = np.minimum(low_rule, high_rule), np.maximum(low_rule, high_rule)
    return first, np.where(first == last, Rule.NONE, last)


def _stays(
    units: np.ndarray, nearest: np.ndarray, ends: tuple[np.ndarray, np.ndarray], bounds: Bounds
) -> list[Case]:
    """Return the cases in which the nearest price inside is the one in force."""
    low, high = ends
    same = nearest * PARTS == bounds.in_force
    return [
        Case(same & (units < low), Why.STAYS, bounds.low_rule),
        Case(same & (units > high), Why.STAYS, bounds.high_rule),
        Case(same, Why.FREE),
    ]


def _decided(
    cases: list[Case],
    final: np.ndarray,
    ends: tuple[np.ndarray, np.ndarray],
    shelf: Shelf,
    bounds: Bounds,
) -> Guarded:
    """Return the list in which every row is decided by its first case; ``final`` are minor units (rows,)."""
    rows = [case.rows for case in cases]
    moves = np.select(rows, [case.moves for case in cases])
    safe = (bounds.outside == Rule.NONE) & (bounds.in_force != NO_AMOUNT)
    held = np.where(safe, Action.HOLD, Action.LEAVE_OUT)
    move = np.where(final * PARTS > bounds.in_force, Action.RAISE, Action.LOWER)
    action = np.where(moves, move, held)
    price = np.where(moves, amounts(final, shelf.decimals), np.where(safe, shelf.in_force, np.nan))
    why, rule, other = (
        np.select(rows, [np.broadcast_to(getattr(case, name), len(final)) for case in cases])
        for name in ("why", "rule", "other")
    )
    return Guarded(price, action, why, rule, other, outside=bounds.outside, low=ends[0], high=ends[1])
