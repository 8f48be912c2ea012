"""The circuit breaker: a list whose prices move too far as a whole publishes nothing.

A guarded list is never far off, so the breaker looks at the prices that were wanted as well: a model whose
outputs are halved asks for -50 % everywhere, and the step would turn that into a list of -5 % everywhere. A
wanted change counts as 100 % at most: a single absurd price is the guard's, not the breaker's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

NEAR = 1e-9  # what floats need at a limit, share
PERCENTILE = 95


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """Limits of the changes of a whole list (share of the price in force).

    Attributes:
        mean, median: most that mean and median change may differ from 0, up or down.
        percentile_95: most that 95 % of the prices may change, up or down.
    """

    mean: float
    median: float
    percentile_95: float


class Changes(NamedTuple):
    """Mean and median change, and the 95th percentile of its size (share of the price in force)."""

    mean: float
    median: float
    percentile_95: float


def changes(price: np.ndarray, in_force: np.ndarray, counted: np.ndarray) -> Changes:
    """Return how far prices move; 0 where none counts.

    Args:
        price: currency/unit (rows,); what is no number does not count.
        in_force: currency/unit (rows,).
        counted: which rows count (rows,), bool.
    """
    rows = counted & np.isfinite(price) & np.isfinite(in_force) & (in_force > 0)
    if not rows.any():
        return Changes(0.0, 0.0, 0.0)
    before = in_force[rows]
    moved = np.clip(price[rows], 0.0, 2.0 * before) / before - 1.0
    return Changes(
        mean=float(moved.mean()),
        median=float(np.median(moved)),
        percentile_95=float(np.percentile(np.abs(moved), PERCENTILE)),
    )


def tripped(breaker: Breaker, moved: Changes, what: str) -> list[str]:
    """Return a sentence for every limit that a list exceeds, none where it may be published.

    Args:
        breaker: limits.
        moved: of ``changes``.
        what: name of the prices, for the sentences.
    """
    return [
        f"breaker: the {name.replace('percentile_95', '95th percentile')} change of the {what} is "
        f"{100 * value:+.1f} %, the limit `guard.breaker.{name}` {100 * limit:.1f} %"
        for name, value in moved._asdict().items()
        if not abs(value) <= (limit := getattr(breaker, name)) + NEAR
    ]
