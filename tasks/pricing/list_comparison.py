"""Two price lists for one catalogue, the candidate's and what it would replace, price by price.

    gain = sum_i m_i(p_i) q_i(p) - sum_i m_i(b_i) q_i(b)

with p the candidate's list, b the list that it would replace, m the revenue or the profit of a unit and q the
units of the candidate's demand, which knows substitutes. Both lists meet the same draws of slopes and curve,
so that the interval is that of the difference.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from expectations.columns import CATEGORY, PRICE, PRODUCT, REFERENCE_PRICE, STORE
from expectations.product_names import product_names, series_name
from tasks.pricing.list_claim import LEAST_EARNED, UNKNOWN, Changes, changes_between
from tasks.pricing.list_outcome import outcome
from tasks.pricing.recommend import PolicyModel

SAME = 1e-9  # share by which two prices differ that are the same
UNNAMED = "(no category)"


class Move(TypedDict):
    """A price that the candidate sets otherwise: in force, in the list that it would replace, and its own.

    Prices are in currency/unit. ``change`` is relative to the list that it would replace; ``gain`` is what
    the product is expected to earn more in a week (currency), none where that is not known.
    """

    name: str
    category: str
    product: str
    store: str
    in_force: float
    before: float
    after: float
    change: float
    gain: float | None


class CategoryMoves(TypedDict):
    """What the candidate sets otherwise in a category.

    ``mean_change`` is that of the prices that move; ``gain`` is what the category is expected to earn more in
    a week (currency), none where that is not known.
    """

    category: str
    prices: int
    up: int
    down: int
    mean_change: float
    gain: float | None


class ListComparison(TypedDict):
    """The candidate's list beside what it would replace.

    ``up``, ``down`` and ``same`` count its prices, ``median_change`` and ``largest_change`` are sizes of the
    relative changes of those that move, none where no price moves. ``index`` is the change of the
    revenue-weighted price index. ``difference`` is what the candidate's list is expected to bring beyond the
    other one in a week, ``candidate`` and ``before`` what they bring beyond the prices in force, all by the
    candidate's demand. ``categories`` come with the most moved prices first, ``largest`` with the largest
    relative change first.
    """

    objective: str
    prices: int
    up: int
    down: int
    same: int
    median_change: float | None
    largest_change: float | None
    index: float
    difference: Changes
    candidate: Changes
    before: Changes
    histogram: list[int]
    categories: list[CategoryMoves]
    largest: list[Move]


EDGES = (-np.inf, -0.10, -0.05, -0.02, -SAME, SAME, 0.02, 0.05, 0.10, np.inf)
"""Bins of ``ListComparison.histogram``: relative changes."""


def compare_lists(
    policy: PolicyModel, table: pd.DataFrame, before: np.ndarray, *, confidence: float, shown: int
) -> ListComparison:
    """Compare the candidate's list with the one that it would replace.

    Args:
        policy: the candidate, whose demand values both lists.
        table: its list, as ``price_list`` returns it for all products of its market in turn.
        before: prices of the list that it would replace, currency/unit (products,).
        confidence: probability of the intervals.
        shown: moves that are listed.
    """
    after, in_force = table[PRICE].to_numpy(float), table[REFERENCE_PRICE].to_numpy(float)
    change = after / before - 1
    change = np.where(np.abs(change) <= SAME, 0.0, change)
    force, old, new = (_earned(policy, prices) for prices in (in_force, before, after))
    known = all((earned.sum(axis=1) > LEAST_EARNED).all() for earned in (force, old, new))
    gain = (new - old).mean(axis=0) if known else None
    moved = np.abs(change[change != 0])
    return ListComparison(
        objective=policy.rules.objective,
        prices=len(change),
        up=int((change > 0).sum()),
        down=int((change < 0).sum()),
        same=int((change == 0).sum()),
        median_change=float(np.median(moved)) if len(moved) else None,
        largest_change=float(moved.max()) if len(moved) else None,
        index=_index_change(policy, after / before),
        difference=_changes(old, new, confidence) if known else UNKNOWN,
        candidate=_changes(force, new, confidence) if known else UNKNOWN,
        before=_changes(force, old, confidence) if known else UNKNOWN,
        histogram=np.histogram(change, bins=EDGES)[0].tolist(),
        categories=_by_category(_categories(policy), change, gain),
        largest=_largest(policy, table, before, change, gain)[:shown],
    )


def _earned(policy: PolicyModel, prices: np.ndarray) -> np.ndarray:
    """Return what a list earns in every draw, currency/week (draws, products)."""
    return outcome(policy.products, policy.rules, prices / policy.products.price).earned


def _changes(start: np.ndarray, end: np.ndarray, confidence: float) -> Changes:
    """Return the change between two lists from their earnings (draws, products)."""
    return changes_between(start.sum(axis=1), end.sum(axis=1), confidence)


def _index_change(policy: PolicyModel, ratio: np.ndarray) -> float:
    """Return the change of the revenue-weighted price index (share); ``ratio`` is of prices (products,)."""
    revenue = policy.products.price * policy.products.units
    return float(np.expm1(revenue @ np.log(ratio) / revenue.sum()))


def _categories(policy: PolicyModel) -> list[str]:
    """Return the category of every row of the market."""
    if CATEGORY not in policy.market:
        return [UNNAMED] * len(policy.market)
    return policy.market[CATEGORY].fillna("").astype(str).replace("", UNNAMED).tolist()


def _by_category(names: Sequence[str], change: np.ndarray, gain: np.ndarray | None) -> list[CategoryMoves]:
    """Return the moves of the categories in which a price moves, the one with the most moves first."""
    categories, moves = np.asarray(names, dtype=object), []
    for name in sorted(set(names)):
        inside = categories == name
        moved = change[inside & (change != 0)]
        if len(moved):
            moves.append(
                CategoryMoves(
                    category=name,
                    prices=int(inside.sum()),
                    up=int((moved > 0).sum()),
                    down=int((moved < 0).sum()),
                    mean_change=float(moved.mean()),
                    gain=None if gain is None else float(gain[inside].sum()),
                )
            )
    return sorted(moves, key=lambda row: -(row["up"] + row["down"]))


def _largest(
    policy: PolicyModel,
    table: pd.DataFrame,
    before: np.ndarray,
    change: np.ndarray,
    gain: np.ndarray | None,
) -> list[Move]:
    """Return the prices that move, the largest relative change first."""
    names, categories = product_names(policy.market), _categories(policy)
    order = np.argsort(-np.abs(change), kind="stable")
    rows = order[change[order] != 0].tolist()
    keys = table[[PRODUCT, STORE]].astype(str).to_numpy(object)
    return [
        Move(
            name=series_name(names, *keys[row]),
            category=categories[row],
            product=keys[row][0],
            store=keys[row][1],
            in_force=float(table[REFERENCE_PRICE].iloc[row]),
            before=float(before[row]),
            after=float(table[PRICE].iloc[row]),
            change=float(change[row]),
            gain=None if gain is None else float(gain[row]),
        )
        for row in rows
    ]
