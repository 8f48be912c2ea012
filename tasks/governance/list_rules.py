"""The guard of a whole list: parity, pack order, price index and change budget, after the rules of its rows.

Channels that are bound to another one follow it first. After that all of these rules only turn moves into
holds, round by round until nothing changes, so that a list that was guarded is not changed again. Announced
prices, and prices that come back inside a hard bound, are never held by them: hard rules come first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tasks.governance.guard import GuardError, index_bounds
from tasks.governance.list_guard import Action, Guarded, Why, guard_rows
from tasks.governance.money import NO_AMOUNT, parts
from tasks.governance.parity import Parity
from tasks.governance.rules import HouseRules, Limits, Rule, Shelf

NEAR = 1e-12  # relative; prices per unit of content that differ by less are equal
INDEX_NEAR = 1e-8  # of the log index, what floats may take
BUDGET_NEAR = 1e-9  # products


class IndexMoved(NamedTuple):
    """Log change of the price index before the list: over the last seven local days, and over the season."""

    week: float = 0.0
    season: float = 0.0


UNMOVED = IndexMoved()


def guard_list(
    wanted: np.ndarray, shelf: Shelf, limits: Limits, house: HouseRules, index_moved: IndexMoved = UNMOVED
) -> Guarded:
    """Return the list after all rules.

    Args:
        wanted: prices, currency/unit (rows,).
        shelf: what is known of the products.
        limits: rules of the rows.
        house: rules of the list.
        index_moved: how far the price index has moved before.

    Raises:
        GuardError: two packs of a family have one size.
    """
    result = guard_rows(wanted, shelf, limits)
    free = ~shelf.announced & (result.outside == Rule.NONE)
    rules = _ListRules(shelf, house, index_moved, free, *_pairs(shelf))
    parity = Parity(shelf, limits, house.parity, shelf.places, free) if shelf.places else None
    result, before = parity.followed(result) if parity else result, -1
    while before != (before := int(result.moved.sum())):
        result = parity.apart(result) if parity else result
        for beyond, why, rule in (
            (rules.dearer_per_unit, Why.PACK, Rule.PACK),
            (rules.beyond_index, Why.INDEX, Rule.INDEX),
            (rules.beyond_budget, Why.BUDGET, Rule.BUDGET),
        ):
            result = result.holding(beyond(result), why, rule, shelf.in_force)
    return result


@dataclass(frozen=True)
class _ListRules:
    """Which moves of a list hold by a rule of the list.

    Attributes:
        shelf, house, index_moved: as ``guard_list`` takes them.
        free: rows that the list may hold (rows,), bool.
        smaller, larger: rows of every pack and of the next larger one of its family (pairs,).
    """

    shelf: Shelf
    house: HouseRules
    index_moved: IndexMoved
    free: np.ndarray
    smaller: np.ndarray
    larger: np.ndarray

    def dearer_per_unit(self, result: Guarded) -> np.ndarray:
        """Return the moves that make a larger pack dearer per unit than the next smaller one (rows,), bool.

        A pair that is out of order already may only move towards it.
        """
        price = np.where(result.moved, result.price, self.shelf.in_force)
        with np.errstate(invalid="ignore"):
            unit = price / self.shelf.size
        dearer = unit[self.larger] > unit[self.smaller] * (1 + NEAR)
        rows = np.zeros(len(price), bool)
        rows[self.larger[dearer]] |= result.action[self.larger[dearer]] == Action.RAISE
        rows[self.smaller[dearer]] |= result.action[self.smaller[dearer]] == Action.LOWER
        return rows & self.free

    def beyond_index(self, result: Guarded) -> np.ndarray:
        """Return the moves by which the list leaves the band of its price index, the least worth first."""
        counted = result.moved & ~self.shelf.announced
        ratio = np.where(counted, result.price, 1.0) / np.where(counted, self.shelf.in_force, 1.0)
        spans = self.shelf.weight * np.log(ratio)
        week, season = self.index_moved
        low, high = index_bounds(np.array([season]), self.house.guard, week)
        total = spans.sum()
        excess = max(total - high, 0.0) - max(low - total, 0.0)
        if abs(excess) <= INDEX_NEAR:
            return np.zeros(len(spans), bool)
        spent = spans * np.sign(excess)
        rows = np.flatnonzero(self.free & result.moved & (spent > 0))
        rows = rows[np.argsort(self.shelf.worth[rows] / spent[rows], kind="stable")]
        back = np.cumsum(spent[rows])
        return _marked(rows[back - spent[rows] < abs(excess)], len(spans))

    def beyond_budget(self, result: Guarded) -> np.ndarray:
        """Return the moves beyond the share of products that may change, the least worth first."""
        moved = result.moved
        most = int(self.house.change_share * len(moved) + BUDGET_NEAR)
        rows = np.flatnonzero(moved & self.free)
        excess = int(moved.sum()) - most
        if excess <= 0:
            return np.zeros(len(moved), bool)
        change = np.abs(result.price[rows] / self.shelf.in_force[rows] - 1)
        order = np.lexsort((change, self.shelf.worth[rows]))
        return _marked(rows[order[:excess]], len(moved))


def _pairs(shelf: Shelf) -> tuple[np.ndarray, np.ndarray]:
    """Return every pack with a price in force and the next larger one, row numbers (pairs,), (pairs,)."""
    charged = parts(shelf.in_force, shelf.decimals) != NO_AMOUNT
    rows = np.flatnonzero((shelf.family >= 0) & charged & (shelf.size > 0))
    rows = rows[np.lexsort((shelf.size[rows], shelf.family[rows]))]
    smaller, larger = rows[:-1], rows[1:]
    together = shelf.family[smaller] == shelf.family[larger]
    same = together & (shelf.size[smaller] == shelf.size[larger])
    if same.any():
        size = shelf.size[smaller[same.argmax()]]
        raise GuardError(
            f"pack order: a family has one product of every pack size. Received: two of size {size:g} "
            f"in rows {smaller[same.argmax()] + 1} and {larger[same.argmax()] + 1}. "
            "Give variants families of their own."
        )
    return smaller[together], larger[together]


def _marked(rows: np.ndarray, size: int) -> np.ndarray:
    marks = np.zeros(size, bool)
    marks[rows] = True
    return marks
