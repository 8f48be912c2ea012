"""Posterior draws of how substitute groups answer prices, as the response stage hands them to the market."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Self

import numpy as np

from tasks.pricing.errors import MarketError

LEAST_SLOPE = 0.05  # within slope and slope of a single product: raising a price never raises demand
LEAST_GROUP = 0.0  # slope of a group of several: it may not answer at all
CURVES = (0.0, 0.5, 1.0, 2.0, 4.0)
"""k of h_k(r) = (r^k - 1) / k: constant elasticity, in between, exponential, and ever faster falls."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SlopeDraws:
    """D draws of the slopes of G groups; a draw holds for all groups at once: common errors stay common.

    Attributes:
        within: b, how members of a group compete, above 0 (D, G).
        whole: eta, how a group as a whole answers its price index (D, G).
        curve: k of ``CURVES`` (D,).
        by_revenue: whether buyers who switch keep money, 1, or units, 0 (D,).
        link: groups that receive and cause, in two rows (2, L): what is charged in one moves the other.
        cross: zeta, change of the receiver's log units per unit of the other's log price index (D, L).
    """

    within: np.ndarray
    whole: np.ndarray
    curve: np.ndarray
    by_revenue: np.ndarray = field(default_factory=lambda: np.empty(0))
    link: np.ndarray = field(default_factory=lambda: np.empty((2, 0), int))
    cross: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together, and slopes by which dearer products would sell more."""
        if not self.by_revenue.size:
            object.__setattr__(self, "by_revenue", np.zeros(len(self.curve)))
        if not self.link.size:
            object.__setattr__(self, "cross", np.zeros((len(self.curve), 0)))
        per_draw = self.within.shape[:1]
        shapes = self.whole.shape, self.curve.shape, self.by_revenue.shape
        if shapes != (self.within.shape, per_draw, per_draw):
            raise MarketError(
                "SlopeDraws: `within` and `whole` need a row per draw and a column per group, `curve` and "
                "`by_revenue` a number per draw. Received: "
                f"{self.within.shape}, {self.whole.shape}, {self.curve.shape}, {self.by_revenue.shape}."
            )
        groups, links = self.within.shape[1], (len(self.curve), self.link.shape[1])
        if self.cross.shape != links or not ((self.link >= 0) & (self.link < groups)).all():
            raise MarketError(
                f"SlopeDraws: `link` needs two of {groups} groups a column, `cross` a row per draw and a "
                f"column per link. Received: {self.link.tolist()} and {self.cross.shape}."
            )
        if not np.isfinite(self.whole).all() or not (self.within >= LEAST_SLOPE).all():
            raise MarketError(
                f"SlopeDraws: slopes must be finite, and `within` at least {LEAST_SLOPE}. "
                f"Received: {self.within.min()} as the least."
            )
        if not np.isin(self.curve, CURVES).all():
            raise MarketError(f"SlopeDraws: `curve` must hold {CURVES}. Received: {np.unique(self.curve)}.")

    @classmethod
    def of_single_products(
        cls, elasticity: np.ndarray, error: np.ndarray, draws: int, rng: np.random.Generator
    ) -> Self:
        """Return normal draws for products that sell for themselves, with exponential demand.

        Args:
            elasticity: own-price elasticities, below 0 (products,).
            error: their standard errors (products,).
            draws: number of draws.
            rng: source of them.
        """
        slope = -elasticity + error * rng.normal(size=(draws, len(elasticity)))
        slope = np.maximum(slope, LEAST_SLOPE)
        return cls(within=slope, whole=slope, curve=np.ones(draws))

    @property
    def with_lone_products(self) -> Self:
        """Return the slopes with one more column, the mean of all groups, for products that have no group."""
        within, whole = (
            np.column_stack([slopes, slopes.mean(axis=1)]) for slopes in (self.within, self.whole)
        )
        return replace(self, within=within, whole=whole)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Return the draws by name, as they are stored."""
        names = [column.name for column in fields(self)]
        return {name: getattr(self, name) for name in names}

    def __len__(self) -> int:
        """Return the number of draws."""
        return len(self.curve)

    @cached_property
    def mean_within(self) -> np.ndarray:
        """Return the mean within slope of every group (G,)."""
        return self.within.mean(axis=0)

    @cached_property
    def mean_whole(self) -> np.ndarray:
        """Return the mean group slope of every group (G,)."""
        return self.whole.mean(axis=0)

    @cached_property
    def within_variance(self) -> np.ndarray:
        """Return the variance of the within slope of every group (G,)."""
        return self.within.var(axis=0)

    @cached_property
    def whole_variance(self) -> np.ndarray:
        """Return the variance of the group slope of every group (G,)."""
        return self.whole.var(axis=0)

    @cached_property
    def mean_cross(self) -> np.ndarray:
        """Return the mean answer of every link (1, L)."""
        return self.cross.mean(axis=0, keepdims=True)

    @cached_property
    def curve_weights(self) -> np.ndarray:
        """Return the probability of every curve (K,)."""
        return np.array([(self.curve == k).mean() for k in CURVES])
