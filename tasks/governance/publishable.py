"""Whether a list may leave: every price that moves has a floor, and no price is below its own.

A floor is a known cost, or the cost of a margin that the approver agreed to. An assumed margin that nobody
agreed to makes a draft, never a published list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import PRICE, PRODUCT, REFERENCE_PRICE, STORE
from tasks.governance.published_rows import minor

SHOWN = 3  # products that a reason names


@dataclass(frozen=True, kw_only=True)
class GuardedList:
    """A list, and whether it may be published.

    Attributes:
        rows: of the list that may leave.
        left_out: rows whose price in force is itself outside its bounds; nobody may publish it.
        reasons: why the list may not be published; none: it may.
    """

    rows: pd.DataFrame
    left_out: pd.DataFrame
    reasons: tuple[str, ...]

    @property
    def publishable(self) -> bool:
        """Return whether it may be published."""
        return not self.reasons


def guarded_list(
    rows: pd.DataFrame, floor: np.ndarray, assumed: np.ndarray, *, margins_agreed: bool
) -> GuardedList:
    """Return a list with the reasons for which it may not be published.

    Args:
        rows: with product, store, price and price in force (currency/unit).
        floor: lowest price of every row by its known cost or a named floor, nan where there is none
            (rows,), currency/unit.
        assumed: whether a stated margin stands in for the cost (rows,), bool.
        margins_agreed: whether the approver agrees to the stated margins.
    """
    price, in_force = rows[PRICE].to_numpy(float), rows[REFERENCE_PRICE].to_numpy(float)
    moves = minor(rows[PRICE]).to_numpy() != minor(rows[REFERENCE_PRICE]).to_numpy()
    valid = np.isfinite(price) & (price > 0)
    below = valid & (price < floor)
    without = valid & moves & np.isnan(floor) & ~(assumed & margins_agreed)
    outside = below & ~moves
    kept = rows[~outside].reset_index(drop=True)
    faults = (
        (~valid, "have no price that is finite and above 0"),
        (below & moves, "would be moved below their floor"),
        (
            without & assumed,
            "rest on an assumed margin: give their unit cost with --prices, or agree with --agree-margins",
        ),
        (without & ~assumed, "have neither a cost nor a floor: give their unit cost with --prices"),
    )
    reasons = tuple(f"{_named(rows[rule])} {text}" for rule, text in faults if rule.any())
    if not len(kept):
        reasons = (*reasons, "no row is left in the list")
    return GuardedList(rows=kept, left_out=rows[outside & np.isfinite(in_force)], reasons=reasons)


def _named(rows: pd.DataFrame) -> str:
    shown = ", ".join(
        f"{product} in {store}"
        for product, store in rows[[PRODUCT, STORE]].head(SHOWN).itertuples(index=False)
    )
    return f"{len(rows)} prices ({shown}{', ...' if len(rows) > SHOWN else ''})"
