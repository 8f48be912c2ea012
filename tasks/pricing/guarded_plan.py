"""What a guard decided of the prices that a policy planned; an operation introduces the guard to the list."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from expectations.columns import ACTION, RULE

GUARD_REASON = "guard_reason"
LEAVE_OUT, HOLD, RAISE, LOWER = "leave out", "hold", "raise", "lower"


class GuardedPlan(Protocol):
    """Planned prices after the guard."""

    @property
    def price(self) -> np.ndarray:
        """Return the prices, that in force where the product is left out, currency/unit (rows,)."""

    @property
    def left_out(self) -> np.ndarray:
        """Return which products the list must not have (rows,), bool."""

    @property
    def free(self) -> np.ndarray:
        """Return which prices may be varied at random, from ``low`` to ``high`` (rows,), bool."""

    @property
    def low(self) -> np.ndarray:
        """Return the lowest allowed prices, currency/unit (rows,)."""

    @property
    def high(self) -> np.ndarray:
        """Return the highest allowed prices, currency/unit (rows,)."""

    @property
    def rule(self) -> np.ndarray:
        """Return the names of the rules that bind, empty where none does (rows,), text."""

    @property
    def reason(self) -> np.ndarray:
        """Return sentences, empty where the guard changed nothing (rows,), text."""


class ListGuard(Protocol):
    """What decides whether a planned price may stand."""

    def __call__(self, products: pd.DataFrame, wanted: np.ndarray) -> GuardedPlan:
        """Return the plan after the guard.

        Args:
            products: of ``shelf.with_shelf``.
            wanted: planned prices, currency/unit (rows,).
        """


def guard_columns(plan: GuardedPlan, price: np.ndarray, in_force: np.ndarray) -> dict[str, np.ndarray]:
    """Return ``action``, ``binding_rule`` and ``guard_reason`` of a list.

    Args:
        plan: after the guard.
        price: of the list, varied, currency/unit (rows,).
        in_force: price in force, currency/unit (rows,).
    """
    moves = np.where(price > in_force, RAISE, np.where(price < in_force, LOWER, HOLD))
    action = np.where(plan.left_out, LEAVE_OUT, moves).astype(object)
    return {ACTION: action, RULE: plan.rule, GUARD_REASON: plan.reason}
