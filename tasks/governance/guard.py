"""The rules of a shop: how far a price may move, and how far all prices together.

A price moves by at most ``step`` over any seven local days and stays inside a ``band`` around its slow
reference price (``shelf_prices.slow_references``). The revenue-weighted price index of the whole list stays
inside a band of its own, for the week and for the season.

Every rule is an interval that holds what is in force: a price may always hold, and none is forced to jump.
What is outside already may stay or move towards the inside. A rule accepts what is finite and inside; it does
not reject what is outside, because a comparison with nan is false and nan would pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.governance.money import NO_AMOUNT, PARTS, parts
from tasks.governance.step_band import band_bounds, step_bounds

DECIMALS = 2  # of the minor unit in whose parts bounds are counted
SCALE = PARTS * 10.0**DECIMALS  # parts of a unit of the currency
TOLERANCE = 1e-12
"""Share by which a decimal price may miss a bound: in binary, 1.15 x 1.2 is 1.3799999999999999, not 1.38."""


class GuardError(ValueError):
    """A rule, a price or an index with which no bounds can be computed."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """The rules, as the section ``price.guard`` of the settings has them.

    Attributes:
        step: most that a price differs from any price of the last seven local days (share of that price).
        band: most that a price differs from its slow reference price (share of the reference).
        reference_weeks: trailing weeks whose median the slow reference price follows (weeks).
        reference_year: most that the slow reference price moves in a year (share of it per year).
        index_week: most that the price index of the list moves in a week (share of the index).
        index_season: most that it has moved at any time since the season began (share of the index).
    """

    step: float
    band: float
    reference_weeks: int
    reference_year: float
    index_week: float
    index_season: float

    def __post_init__(self) -> None:
        """Refuse shares that are not at least 0 and below 1, and a median of no week."""
        for name in ("step", "band", "reference_year", "index_week", "index_season"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise GuardError(
                    f"Guard: `{name}` must be a share of at least 0 and below 1. Received: {value}. "
                    "Write 0.05 for 5 %."
                )
        if self.reference_weeks < 1:
            raise GuardError(
                f"Guard: `reference_weeks` must be at least 1. Received: {self.reference_weeks}. "
                "Write 52 for a year."
            )


def price_bounds(
    in_force: np.ndarray,
    recent_low: np.ndarray,
    recent_high: np.ndarray,
    reference: np.ndarray,
    guard: Guard,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest price that the rules allow now, currency/unit (products,).

    They are those of ``step_band``, to the part of a minor unit. What is too small or too large to be counted
    in these holds.

    Args:
        in_force: price of now, currency/unit (products,).
        recent_low, recent_high: lowest and highest price charged today and in the six local days before; the
            price in force where they are unknown, currency/unit (products,).
        reference: slow reference price, currency/unit (products,).
        guard: ``step`` and ``band``.

    Raises:
        GuardError: a price is not finite and above 0, or a lowest price is above the highest.
    """
    in_force = _prices("in_force", in_force)
    recent_low, recent_high = _prices("recent_low", recent_low), _prices("recent_high", recent_high)
    reference = _prices("reference", reference)
    _require("recent_low", recent_low, recent_low <= recent_high, "be at most `recent_high`")

    now, least, most, slow = (_parts(prices) for prices in (in_force, recent_low, recent_high, reference))
    counted = np.min([now, least, most, slow], axis=0) != NO_AMOUNT
    step, band = step_bounds(now, least, most, guard.step), band_bounds(now, slow, guard.band)
    low, high = np.maximum(step[0], band[0]) / SCALE, np.minimum(step[1], band[1]) / SCALE
    return (
        np.where(counted, np.minimum(low, in_force), in_force),
        np.where(counted, np.maximum(high, in_force), in_force),
    )


def index_bounds(
    changes: np.ndarray, guard: Guard, within_week: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest log change that the price index may make now (...,).

    With the sum m of the season so far, v of it in the last seven days, the band w of a week and the band s
    of the season, a change c has

        log(1 - w) <= v + c <= log(1 + w)    and    log(1 - s) <= m + c <= log(1 + s)

    and no change, 0, is always allowed. Where a band is exceeded, only the way back is open.

    Args:
        changes: log changes of the revenue-weighted price index in the weeks of the season so far, of none
            at its beginning (weeks, ...).
        guard: ``index_week`` and ``index_season``.
        within_week: v, its log change over the lists of the last seven local days.

    Raises:
        GuardError: a change is not finite.
    """
    changes = np.asarray(changes, dtype=float)
    _require("changes", changes, np.isfinite(changes), "be finite")
    moved = changes.sum(axis=0)
    low = np.maximum(np.log1p(-guard.index_week) - within_week, np.log1p(-guard.index_season) - moved)
    high = np.minimum(np.log1p(guard.index_week) - within_week, np.log1p(guard.index_season) - moved)
    return np.minimum(low, 0.0), np.maximum(high, 0.0)


def inside(price: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return which prices are finite and inside their bounds (products,), bool; none is at a bound of nan."""
    above = np.asarray(price) >= np.asarray(low) * (1 - TOLERANCE)
    below = np.asarray(price) <= np.asarray(high) * (1 + TOLERANCE)
    return np.isfinite(price) & above & below


def _parts(prices: np.ndarray) -> np.ndarray:
    return parts(prices, np.full(len(prices), DECIMALS))


def _prices(name: str, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    _require(name, values, np.isfinite(values) & (values > 0), "be finite and above 0")
    return values


def _require(name: str, values: np.ndarray, holds: np.ndarray, rule: str) -> None:
    """Refuse values that break a rule by their name, with the first of them and its place."""
    if np.all(holds):
        return
    broken = np.flatnonzero(~np.ravel(holds))
    raise GuardError(
        f"`{name}` must {rule}. Received: {np.ravel(values)[broken[0]]} in row {broken[0] + 1} "
        f"({len(broken)} of {values.size} rows). Correct it, or leave the product out of the list."
    )
