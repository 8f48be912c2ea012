"""A guard that remembers what it saw, for the report of a list."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import ACTION, PRODUCT, STORE
from tasks.governance.price_guard import PriceGuard, Verdict
from tasks.governance.rule_table import strangers
from tasks.pricing.guarded_plan import GUARD_REASON, LEAVE_OUT


class WitnessedGuard:
    """A guard that remembers what it saw, for the report of the list."""

    def __init__(self, guard: PriceGuard) -> None:
        self.guard = guard

    def __call__(self, products: pd.DataFrame, wanted: np.ndarray) -> Verdict:
        """Return the verdict of the guard."""
        self.products, self.verdict = products, self.guard(products, wanted)
        return self.verdict

    def findings(self, table: pd.DataFrame) -> dict[str, Any]:
        """Return what the guard did to a list, and what keeps it from being published."""
        out = table[table[ACTION] == LEAVE_OUT]
        rows = zip(out[PRODUCT], out[STORE], out[GUARD_REASON], strict=True)
        return {
            "guarded": int((table[GUARD_REASON] != "").sum()) - len(out),
            "left_out": [f"{product} in {store}: {reason}" for product, store, reason in rows],
            "publishable": not self.verdict.hindrances,
            "hindrances": list(self.verdict.hindrances),
            "tripped": list(self.verdict.tripped),
            "strangers": [] if self.guard.table is None else strangers(self.products, self.guard.table),
        }
