"""Causal price response of a panel: which estimator to believe, what products learn from each other, and who may move a price.

The controls remove what can be seen. What cannot be seen is removed only by an instrument: a cost, or a price that was drawn at random.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from expectations.columns import (
    CATEGORY,
    ELASTICITY,
    HIGH,
    IDENTIFIED,
    LOW,
    PRODUCT,
    REASON,
    UNITS,
    promotions,
)
from tasks.response.controls import panels
from tasks.response.pooling import pool, shrunk
from tasks.response.product import NAMES, Found, found
from tasks.response.slopes import Estimate
from tasks.response.weeks import (
    DISPERSION,
    ERROR,
    FREEDOM,
    RAW,
    RAW_ERROR,
    Effect,
    ResponseError,
    Rules,
    weekly,
)

log = logging.getLogger("repricer")

PRODUCTS_A_LINE = 100  # products between two lines of progress
SILENT = 0.1  # most weeks without a sale: they have no log, and without them a product looks less elastic (share of weeks)
STRONG = 10.0  # least first-stage F (Staiger and Stock 1997)
CONFOUNDED = 3.0  # standard errors between the methods from which the instrument is believed; and of price following demand
MAX_CHANGE = (
    1.5  # most that an elasticity may change between the halves of the time, unless its errors explain it
)
DISAGREES = 1.0  # most that double machine learning may differ, unless its errors explain it
REMEDY = "Bring a unit cost, or publish a small randomised price variation."
UNEXPLAINED = (
    "nothing in the table tells why the price moved (no promotion, no strong cost, no randomised price): "
    f"demand that nobody recorded cannot be ruled out. {REMEDY}"
)
NO_EFFECT = Effect(estimate=0.0, low=0.0, high=0.0)


@dataclass(frozen=True)
class PanelResponse:
    """The answer of a panel.

    Attributes:
        table: one row per product: product_id, category, elasticity, low, high, standard_error, identified, reason, method, first_stage_f,
            raw_elasticity, raw_error, first_half, second_half, double_ml, dispersion, rivals, stores.
        flags: what holds for all of them, in words; none if nothing is wrong.
        promotable: whether a price may be moved on its strength.
        remembered: change of log units per unit of log(remembered price / price).
        cross: change of log units per unit of the competitor's log price.
        reaction: change of the competitor's log price per unit of the own one of last week.
    """

    table: pd.DataFrame
    flags: list[str]
    promotable: bool
    remembered: Effect
    cross: Effect
    reaction: Effect


def panel_response(
    sales: pd.DataFrame, period: str, rules: Rules, memory: float | None = None
) -> PanelResponse:
    """Return own and cross elasticities with intervals, from any table of the vocabulary: without stores, promotions or costs if need be.

    Args:
        sales: sales table.
        period: ``D`` for days, ``W`` for weeks.
        rules: when an elasticity counts as identified.
        memory: weight of the past in the price that buyers remember (1/week). The elasticities are then those beside it: what stays of a
            price change once buyers are used to it. None: they are not told apart.

    Raises:
        ResponseError: no product sells at several prices.
    """
    weeks = weekly(sales, period)
    every: list[Found] = []
    for own, controls in panels(weeks, memory):
        every.append(found(own, controls, rules.confidence))
        if len(every) % PRODUCTS_A_LINE == 0:
            log.info("price response: %d products", len(every))
    if not any(np.isfinite(one.own[0].error) for one in every):
        raise ResponseError(
            f"price response: a product must sell at several prices. Received: {len(every)} products, none does."
        )
    instrumented, flags = _choice(every, bool(promotions(weeks.columns)))
    remembered, cross, reaction = (
        _shared([getattr(one, name) for one in every], rules.confidence)
        for name in ("remembered", "cross", "reaction")
    )
    if instrumented:  # a remembered price has no instrument of its own
        remembered = NO_EFFECT
    table = _table(every, int(instrumented), remembered["estimate"], rules)
    table["silent"] = table[PRODUCT].map((weeks[UNITS] == 0).groupby(weeks[PRODUCT]).mean())
    table[REASON] = [
        _reason(row, one, rules, flags) for (_, row), one in zip(table.iterrows(), every, strict=True)
    ]
    table[IDENTIFIED] = table[REASON] == ""
    promotable = not flags and bool(table[IDENTIFIED].any())
    return PanelResponse(table.astype({REASON: "str"}), flags, promotable, remembered, cross, reaction)


def _choice(every: list[Found], explained: bool) -> tuple[bool, list[str]]:
    """Return whether the instrument is believed for all products, and what is wrong with the panel.

    An instrument is believed if it is strong for most products, in either half of the time too (half the weeks give half the F), and the
    two methods differ by more than chance (Hausman 1978, Econometrica 46:1251): else the fixed effects are as right, and more precise.
    One whose own estimates change more between the halves than their errors allow is none: costs that follow promotions are no cause of
    the price. Without an instrument, promotions must explain the prices.
    """
    told = [one for one in every if np.isfinite(one.own[0].error)]
    strong = [one for one in told if one.own[1].first_stage_f >= STRONG]
    usable = len(strong) >= 0.5 * len(told)
    if usable and _lasting(strong, len(told)):
        gap = np.array([one.own[1].slope - one.own[0].slope for one in strong])
        variance = np.array(
            [max(one.own[1].error ** 2 - one.own[0].error ** 2, one.own[1].error ** 2 / 4) for one in strong]
        )
        mean, error = float(np.average(gap, weights=1 / variance)), float(1 / np.sqrt((1 / variance).sum()))
        if abs(mean) > CONFOUNDED * error:
            return True, []
    if not usable and not explained:
        return False, [UNEXPLAINED]
    covariance, variance_ = (sum(values) for values in zip(*(one.following for one in told), strict=True))
    score = covariance / np.sqrt(variance_) if variance_ > 0 else 0.0
    if score > CONFOUNDED and not usable:
        return False, [
            f"price follows demand: it carries last week's surprise ({score:.1f} standard errors). {REMEDY}"
        ]
    return False, []


def _lasting(strong: list[Found], products: int) -> bool:
    """Return whether an instrument is strong in both halves of the time, and says the same in them."""
    halves = [(one.halves[0][1], one.halves[1][1]) for one in strong]
    turned = np.array([first.slope - second.slope for first, second in halves])
    errors = np.array([np.hypot(first.error, second.error) for first, second in halves])
    lasting = sum(min(half.first_stage_f for half in both) >= STRONG / 2 for both in halves) >= 0.5 * products
    return (
        lasting
        and float(np.mean((turned / errors) ** 2)) < CONFOUNDED
        and float(np.median(np.abs(turned))) < MAX_CHANGE
    )


def _shared(estimates: Sequence[Estimate], confidence: float) -> Effect:
    """Return a coefficient that all products share, and that theory puts at 0 or above: the mean of its normal, cut at 0.

    Nobody buys more because a price was lower before (Kalyanaram and Winer 1995, Marketing Science 14:G161) or because the competitor is
    cheaper, and no competitor answers a cut with a rise. 0 where no product has an estimate.
    """
    known = [one for one in estimates if np.isfinite(one.error) and one.error > 0]
    if not known:
        return NO_EFFECT
    told = pool(np.array([one.slope for one in known]), np.array([one.error for one in known]))
    error = float(np.sqrt(told.variance))
    cut = stats.truncnorm(-told.mean / error, np.inf, told.mean, error)
    low, high = cut.interval(confidence)
    return Effect(estimate=float(cut.mean()), low=float(low), high=float(high))


def _table(every: list[Found], method: int, remembered: float, rules: Rules) -> pd.DataFrame:
    """Return a row per product, and what each learned from the others.

    Weak instruments count for the others as little as their errors say, not nothing: to screen them out would leave the lucky ones
    (Angrist and Kolesar 2024, J. Econometrics 240:105398).
    """
    own = [one.own[method] for one in every]
    raw = pd.DataFrame(
        {
            PRODUCT: [one.product for one in every],
            CATEGORY: [one.category for one in every],
            RAW: [told.slope - remembered * one.leaning for one, told in zip(every, own, strict=True)],
            RAW_ERROR: [told.error for told in own],
            FREEDOM: [told.freedom for told in own],
            "method": [NAMES[method] if np.isfinite(told.error) else "pooled" for told in own],
            "first_stage_f": [one.own[1].first_stage_f for one in every],
            "half_error": [
                float(np.hypot(one.halves[0][method].error, one.halves[1][method].error)) for one in every
            ],
            "double_ml": [one.check.slope for one in every],
            DISPERSION: [one.dispersion for one in every],
            "rivals": [one.rivals for one in every],
            "stores": [one.stores for one in every],
        }
    )
    table = pd.concat([raw, shrunk(raw)], axis=1)
    for half, name in enumerate(("first_half", "second_half")):
        each = [one.halves[half][method] for one in every]
        part = pd.DataFrame(
            {
                CATEGORY: raw[CATEGORY],
                RAW: [one.slope for one in each],
                RAW_ERROR: [one.error for one in each],
            }
        )
        part[FREEDOM] = [one.freedom for one in each]
        table[name] = shrunk(part)[ELASTICITY] if np.isfinite(part[RAW_ERROR]).any() else np.nan
    known = table.groupby(CATEGORY)[DISPERSION].transform("median")
    table[DISPERSION] = table[DISPERSION].fillna(known).fillna(table[DISPERSION].median())
    return table.assign(
        **{LOW: table[ELASTICITY] - rules.z * table[ERROR], HIGH: table[ELASTICITY] + rules.z * table[ERROR]}
    )


def _reason(row: pd.Series, one: Found, rules: Rules, flags: list[str]) -> str:
    """Return why an elasticity may not move a price, or nothing: prices, sign, width, ladder, halves, instrument, the check, the panel."""
    z = float(stats.norm.ppf(0.995))
    if one.prices < rules.min_prices:
        return f"{one.prices} different prices, {rules.min_prices} needed"
    if one.variation < rules.min_price_variation:
        return f"log prices vary by {one.variation:.3f}, {rules.min_price_variation} needed"
    if not np.isfinite(one.own[0].error):
        return "the price moves only together with promotions, rivals or season"
    instrumented = row["method"] != NAMES[0]
    if instrumented and not row["first_stage_f"] >= STRONG:
        return f"price and demand move together unseen, and the first-stage F is {row['first_stage_f']:.1f}, {STRONG:g} needed"
    if one.rows < rules.min_periods:
        return f"{one.rows} weeks with sales, {rules.min_periods} needed"
    if row["silent"] > SILENT:
        return f"nothing sold in {row['silent']:.0%} of its weeks, at most {SILENT:.0%} allowed"
    if row[HIGH] >= 0:
        return f"the sign is not certain: {row[LOW]:.2f} to {row[HIGH]:.2f}"
    if row[HIGH] - row[LOW] > rules.max_width:
        return f"the interval is {row[HIGH] - row[LOW]:.1f} wide, at most {rules.max_width} allowed"
    if one.bends:
        return "units rise with the price in a part of the ladder"
    change = row["first_half"] - row["second_half"]
    if not abs(change) <= max(MAX_CHANGE, z * row["half_error"]):
        return f"it changed from {row['first_half']:.2f} to {row['second_half']:.2f} between the halves of the time"
    own, gap = one.own[0], one.check.slope - one.own[0].slope
    if not instrumented and abs(gap) > max(DISAGREES, z * np.hypot(own.error, one.check.error)):
        return f"double machine learning says {one.check.slope:.2f}, fixed effects {own.slope:.2f}"
    return flags[0] if flags else ""
