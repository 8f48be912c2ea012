"""What the rows of one product say about its price: every estimate that the choice and the gate are made from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from expectations.columns import CATEGORY, PRODUCT, STORE
from tasks.response.controls import COMPETITOR, LAST, REMEMBERED, panel_of
from tasks.response.pooling import between_variance
from tasks.response.slopes import (
    NOTHING,
    Estimate,
    Panel,
    bends_up,
    beside,
    by_store,
    double_ml,
    fixed_effects,
    follows_demand,
    leaning,
    overdispersion,
    two_stage,
    within,
)

NAMES = ("fixed_effects", "two_stage_least_squares")
SAME_PRICE = 2  # decimals of the log price to which two prices are the same: about 1 %


@dataclass(frozen=True)
class Found:
    """Estimates of a product.

    Attributes:
        product, category: whose they are.
        rows: weeks of all stores with sales.
        prices: number of distinct prices.
        variation: standard deviation of log prices within a store.
        own: slope of the whole time by fixed effects; by two-stage least squares.
        halves: the same in the first and the second half of the weeks.
        check: slope by double machine learning.
        bends: whether units rise with the price somewhere on the ladder.
        following: covariance of price and last week's surprise, and its variance.
        remembered: slope of log units on log(remembered price / price) beside the price.
        leaning: what leaving that out adds to the price's slope, per unit of it.
        cross, reaction: slope of log units on the competitor's log price, and of that on the own log price of last week.
        dispersion: variance of demand beyond Poisson's, relative to its squared mean; nan where unknown.
        rivals: elasticity to the price of each rival, where they are named.
        stores: elasticity by store, pulled to the product's by empirical Bayes.
    """

    product: str
    category: str
    rows: int
    prices: int
    variation: float
    own: tuple[Estimate, Estimate] = (NOTHING, NOTHING)
    halves: tuple[tuple[Estimate, Estimate], tuple[Estimate, Estimate]] = (
        (NOTHING, NOTHING),
        (NOTHING, NOTHING),
    )
    check: Estimate = NOTHING
    bends: bool = False
    following: tuple[float, float] = (0.0, 0.0)
    remembered: Estimate = NOTHING
    leaning: float = 0.0
    cross: Estimate = NOTHING
    reaction: Estimate = NOTHING
    dispersion: float = float("nan")
    rivals: dict[str, float] = field(default_factory=dict)
    stores: dict[str, float] = field(default_factory=dict)


def found(own: pd.DataFrame, controls: list[str], confidence: float) -> Found:
    """Return the estimates of a product; only what names and counts it where its price does not move by itself.

    Args:
        own: its rows, as ``panels`` returns them.
        controls: names of their controls.
        confidence: of the claim that units rise with the price.
    """
    panel = panel_of(own, controls)
    product, category = str(own[PRODUCT].iloc[0]), str(own[CATEGORY].iloc[0])
    variation = float(np.sqrt((within(panel.price, panel.series) ** 2).mean()))
    known = (product, category, len(own), len(np.unique(panel.price.round(SAME_PRICE))), variation)
    if len(own) < len(controls) + 10:
        return Found(*known)
    one = fixed_effects(panel)
    if not np.isfinite(one.error):
        return Found(*known)
    middle = np.median(np.unique(panel.week))
    first, second = (panel.take(rows) for rows in (panel.week < middle, panel.week >= middle))
    cross, reaction = _competitor(own, controls, panel) if COMPETITOR in controls else (NOTHING, NOTHING)
    return Found(
        *known,
        own=(one, two_stage(panel)),
        halves=((fixed_effects(first), two_stage(first)), (fixed_effects(second), two_stage(second))),
        check=double_ml(panel),
        bends=bends_up(panel, confidence),
        following=follows_demand(panel, one.slope),
        remembered=beside(panel, own[REMEMBERED].to_numpy(), panel.units) if REMEMBERED in own else NOTHING,
        leaning=leaning(panel, own[REMEMBERED].to_numpy()) if REMEMBERED in own else 0.0,
        cross=cross,
        reaction=reaction,
        dispersion=overdispersion(panel, one.slope),
        rivals=_rivals(panel, controls),
        stores=_stores(panel, own, one) if panel.series.max() > 0 else {},
    )


def _competitor(own: pd.DataFrame, controls: list[str], panel: Panel) -> tuple[Estimate, Estimate]:
    """Return how demand answers the competitor's price, and how that answers the own price of last week."""
    rest = panel._replace(controls=own[[name for name in controls if name != COMPETITOR]].to_numpy(float))
    rival = own[COMPETITOR].to_numpy()
    return beside(rest, rival, panel.units), beside(rest, own[LAST].to_numpy(), rival)


def _rivals(panel: Panel, controls: list[str]) -> dict[str, float]:
    """Return the elasticity to the price of every named rival: the coefficients of the same regression."""
    named = {name: name.removeprefix("rival ") for name in controls if name.startswith("rival ")}
    if not named:
        return {}
    x = within(np.column_stack([panel.price, panel.controls]), panel.series)
    beta = np.linalg.lstsq(x, within(panel.units, panel.series), rcond=1e-10)[0][1:]
    return {named[name]: float(value) for name, value in zip(controls, beta, strict=True) if name in named}


def _stores(panel: Panel, own: pd.DataFrame, pooled: Estimate) -> dict[str, float]:
    """Return elasticities by store, each pulled to the product's by how uncertain it is and how much stores truly differ."""
    slope, error = by_store(panel)
    known = np.isfinite(slope)
    if known.sum() < 2:
        return {}
    between = between_variance(slope[known], error[known], np.zeros(int(known.sum()), int))
    trust = np.where(known, between / (between + np.where(known, error, 1.0) ** 2), 0.0)
    value = pooled.slope + trust * (np.where(known, slope, pooled.slope) - pooled.slope)
    return {str(name): float(v) for name, v in zip(pd.factorize(own[STORE])[1], value, strict=True)}
