"""When an elasticity counts as identified, so that it may move a price, and the reason where it does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from expectations.columns import HIGH, LOW
from tasks.response.instrument import MAX_CHANGE, STRONG
from tasks.response.product import METHODS, ProductEstimates

SILENT = 0.1  # most weeks without a sale (share): they have no log, and leaving them out biases towards 0
MAX_DISAGREEMENT = 1.0  # most that double machine learning may differ, unless its errors explain it
UNLIKELY = float(stats.norm.ppf(0.995))  # standard errors that chance exceeds in 1 % of the cases


@dataclass(frozen=True, kw_only=True)
class Identification:
    """When an elasticity counts as identified, and what its estimation assumes.

    Attributes:
        confidence: probability of the interval.
        min_prices: least number of distinct prices.
        min_price_variation: least standard deviation of log prices within a series.
        min_periods: least number of weeks with sales.
        max_width: widest interval.
        reference_memory: weight of the past in the price that buyers remember (1/week). The elasticities
            are then those beside it: what stays of a price change once buyers are used to it. None: both
            are one effect.
    """

    confidence: float
    min_prices: int
    min_price_variation: float
    min_periods: int
    max_width: float
    reference_memory: float | None

    @property
    def z(self) -> float:
        """Return half the interval's width in standard errors."""
        return float(stats.norm.ppf(0.5 + self.confidence / 2))


def refusal(
    row: pd.Series, product: ProductEstimates, identification: Identification, flags: list[str]
) -> str:
    """Return which test of identification an elasticity fails, as a clause; empty where it may move a price.

    Args:
        row: the product's row of the table of elasticities.
        product: its estimates.
        identification: thresholds.
        flags: what is wrong with the whole panel.
    """
    return (
        _lacking(row, product, identification)
        or _doubtful(row, product, identification)
        or (flags[0] if flags else "")
    )


def _lacking(row: pd.Series, product: ProductEstimates, identification: Identification) -> str:
    """Return what the data lack: prices, their variation, an instrument, weeks, or sales in them."""
    least = identification
    if product.prices < least.min_prices:
        return f"it had {product.prices} different prices, {least.min_prices} needed"
    if product.variation < least.min_price_variation:
        return (
            f"its price hardly moved: its logs vary by {product.variation:.3f}, "
            f"{least.min_price_variation} needed"
        )
    if not product.estimated:
        return "its price moves only together with promotions, rivals or season"
    if row["method"] != METHODS[0] and not row["first_stage_f"] >= STRONG:
        return (
            "its price and its demand move together for unseen reasons, and the first-stage F is "
            f"{row['first_stage_f']:.1f}, {STRONG:g} needed"
        )
    if product.rows < least.min_periods:
        return f"it sold in {product.rows} weeks, {least.min_periods} needed"
    if row["silent"] > SILENT:
        return f"it sold nothing in {row['silent']:.0%} of its weeks, at most {SILENT:.0%} allowed"
    return ""


def _doubtful(row: pd.Series, product: ProductEstimates, identification: Identification) -> str:
    """Return why the estimate is in doubt: its sign, width, the ladder, the halves of the time, the check."""
    low, high = row[LOW], row[HIGH]
    if high >= 0:
        return f"the sign of its elasticity is not certain: {low:.2f} to {high:.2f}"
    if high - low > identification.max_width:
        return (
            f"the interval of its elasticity is {high - low:.1f} wide, "
            f"at most {identification.max_width} allowed"
        )
    if product.bends:
        return "its units rise with the price in a part of the ladder"
    first, second = row["first_half"], row["second_half"]
    if not abs(first - second) <= max(MAX_CHANGE, UNLIKELY * row["half_error"]):
        return f"its elasticity changed from {first:.2f} to {second:.2f} between the halves of the time"
    effects, check = product.whole.fixed_effects, product.check
    allowed = max(MAX_DISAGREEMENT, UNLIKELY * np.hypot(effects.error, check.error))
    if row["method"] == METHODS[0] and abs(check.slope - effects.slope) > allowed:
        return (
            f"two estimates of its elasticity differ: double machine learning says {check.slope:.2f}, "
            f"fixed effects {effects.slope:.2f}"
        )
    return ""
