"""What the rows of one product say about its price: the estimates from which it is identified or not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import CATEGORY, PRODUCT, STORE
from tasks.response.controls import COMPETITOR, LAST, REMEMBERED, panel_of
from tasks.response.influence import NO_INFLUENCE, Influence, influence_of
from tasks.response.panel import RANK, Panel, within
from tasks.response.pooling import between_variance
from tasks.response.slopes import (
    NOTHING,
    Estimate,
    bends_up,
    beside,
    by_store,
    double_ml,
    fixed_effects,
    follows_demand,
    omission,
    overdispersion,
    two_stage,
)

METHODS = ("fixed_effects", "two_stage_least_squares")
SAME_PRICE = 2  # decimals of the log price to which two prices are the same: about 1 %
SPARE_ROWS = 10  # rows beyond the number of controls that an estimate needs
DISPERSION = "dispersion"  # variance of demand beyond Poisson's: Var[units] = mean + dispersion mean^2


class Slopes(NamedTuple):
    """The price slope of the same rows by both methods, in the order of ``METHODS``."""

    fixed_effects: Estimate
    two_stage: Estimate


NO_SLOPES = Slopes(NOTHING, NOTHING)


@dataclass(frozen=True, kw_only=True)
class ProductEstimates:
    """Estimates of a product.

    Attributes:
        product, category: of which they are.
        rows: weeks of all stores with sales.
        prices: number of distinct prices.
        variation: standard deviation of log prices within a store.
        whole: slopes over the whole time.
        halves: slopes over the first and over the second half of the weeks.
        check: slope by double machine learning.
        bends: whether units rise with the price somewhere on the ladder.
        following: covariance of price and last week's surprise, and its variance.
        remembered: slope of log units on log(remembered price / price) beside the price.
        omission: what leaving the remembered price out adds to the price's slope, per unit of ``remembered``.
        cross: slope of log units on the competitor's log price.
        reaction: slope of the competitor's log price on the own log price of last week.
        influence: the week that moves the slope by fixed effects most.
        dispersion: variance of demand beyond Poisson's, relative to its squared mean; nan where unknown.
        rivals: elasticity to the price of each rival, where they are few enough to have coefficients.
        stores: elasticity by store, drawn towards the product's by empirical Bayes.
    """

    product: str
    category: str
    rows: int
    prices: int
    variation: float
    whole: Slopes = NO_SLOPES
    halves: tuple[Slopes, Slopes] = (NO_SLOPES, NO_SLOPES)
    check: Estimate = NOTHING
    bends: bool = False
    following: tuple[float, float] = (0.0, 0.0)
    remembered: Estimate = NOTHING
    omission: float = 0.0
    cross: Estimate = NOTHING
    reaction: Estimate = NOTHING
    influence: Influence = NO_INFLUENCE
    dispersion: float = float("nan")
    rivals: dict[str, float] = field(default_factory=dict)
    stores: dict[str, float] = field(default_factory=dict)

    @property
    def estimated(self) -> bool:
        """Return whether the price moves by itself, so that its slope has an estimate."""
        return bool(np.isfinite(self.whole.fixed_effects.error))


def product_estimates(rows: pd.DataFrame, controls: list[str], confidence: float) -> ProductEstimates:
    """Return the estimates of a product; only its name and counts where its price does not move by itself.

    Args:
        rows: rows of the product, as ``panels`` returns them.
        controls: names of their controls.
        confidence: of the claim that units rise with the price.
    """
    panel = panel_of(rows, controls)
    counts = ProductEstimates(
        product=str(rows[PRODUCT].iloc[0]),
        category=str(rows[CATEGORY].iloc[0]),
        rows=len(rows),
        prices=len(np.unique(panel.price.round(SAME_PRICE))),
        variation=float(np.sqrt((within(panel.price, panel.series) ** 2).mean())),
    )
    if len(rows) < len(controls) + SPARE_ROWS:
        return counts
    estimate = fixed_effects(panel)
    if not np.isfinite(estimate.error):
        return counts
    cross, reaction = _competitor(rows, controls, panel) if COMPETITOR in controls else (NOTHING, NOTHING)
    return replace(
        counts,
        whole=Slopes(estimate, two_stage(panel)),
        halves=_halves(panel),
        check=double_ml(panel),
        bends=bends_up(panel, confidence),
        following=follows_demand(panel, estimate.slope),
        remembered=beside(panel, rows[REMEMBERED].to_numpy(), panel.units) if REMEMBERED in rows else NOTHING,
        omission=omission(panel, rows[REMEMBERED].to_numpy()) if REMEMBERED in rows else 0.0,
        cross=cross,
        reaction=reaction,
        influence=influence_of(panel, estimate.slope),
        dispersion=overdispersion(panel, estimate.slope),
        rivals=_rivals(panel, controls),
        stores=_stores(panel, rows, estimate) if panel.series.max() > 0 else {},
    )


def _halves(panel: Panel) -> tuple[Slopes, Slopes]:
    """Return the slopes over the first and over the second half of the weeks."""
    middle = np.median(np.unique(panel.week))
    first, second = (panel.take(rows) for rows in (panel.week < middle, panel.week >= middle))
    return Slopes(fixed_effects(first), two_stage(first)), Slopes(fixed_effects(second), two_stage(second))


def _competitor(rows: pd.DataFrame, controls: list[str], panel: Panel) -> tuple[Estimate, Estimate]:
    """Return how demand answers the competitor's price, and how that answers the own price of last week."""
    rest = panel._replace(controls=rows[[name for name in controls if name != COMPETITOR]].to_numpy(float))
    competitor = rows[COMPETITOR].to_numpy()
    return beside(rest, competitor, panel.units), beside(rest, rows[LAST].to_numpy(), competitor)


def _rivals(panel: Panel, controls: list[str]) -> dict[str, float]:
    """Return the elasticity to the price of every named rival: the coefficients of the same regression."""
    named = {name: name.removeprefix("rival ") for name in controls if name.startswith("rival ")}
    if not named:
        return {}
    x = within(np.column_stack([panel.price, panel.controls]), panel.series)
    beta = np.linalg.lstsq(x, within(panel.units, panel.series), rcond=RANK)[0][1:]
    return {named[name]: float(value) for name, value in zip(controls, beta, strict=True) if name in named}


def _stores(panel: Panel, rows: pd.DataFrame, product: Estimate) -> dict[str, float]:
    """Return elasticities by store, drawn towards the product's by empirical Bayes.

    The more uncertain a store's slope is, and the less the stores differ, the closer it comes to the
    product's.
    """
    slope, error = by_store(panel)
    known = np.isfinite(slope)
    if known.sum() < 2:
        return {}
    between = between_variance(slope[known], error[known], np.zeros(int(known.sum()), int))
    trust = np.where(known, between / (between + np.where(known, error, 1.0) ** 2), 0.0)
    value = product.slope + trust * (np.where(known, slope, product.slope) - product.slope)
    return {str(name): float(v) for name, v in zip(pd.factorize(rows[STORE])[1], value, strict=True)}
