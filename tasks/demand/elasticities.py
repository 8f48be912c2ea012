"""From the sales table to one row per product: its elasticity, the interval, and whether it may move a price."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
from scipy import stats

from expectations.columns import CATEGORY, ELASTICITY, HIGH, IDENTIFIED, LOW, PRICE, PRODUCT, REASON, SERIES, UNITS, promotions
from tasks.demand.response import (
    DISPERSION,
    ERROR,
    LOG_PRICE,
    PRICES,
    RAW,
    RAW_ERROR,
    REMEMBERED,
    RIVALS,
    SAME_PRICE,
    TRAFFIC,
    UNKNOWN,
    VARIATION,
    WEEK,
    WEEKS,
    ReferenceEffect,
    Rules,
    Slope,
    poisson_slope,
    shrunk,
    slow_cosines,
    weekly,
    with_controls,
)

log = logging.getLogger("repricer")

PRODUCTS_A_LINE = 100  # products between two lines of progress


class ResponseError(ValueError):
    """Sales that say nothing about the price of anything."""


def price_response(sales: pd.DataFrame, period: str, rules: Rules, memory: float) -> tuple[pd.DataFrame, ReferenceEffect]:
    """Return the elasticity of every product, and the effect of the remembered price on all.

    The elasticities are those beside the remembered price: what stays of a price change once buyers are used to it.

    Args:
        sales: sales table.
        period: ``D`` or ``W``.
        rules: when an elasticity counts as identified.
        memory: weight of the past in the remembered price (1/week).

    Returns:
        One row per product: product, category, elasticity, low, high, standard_error, identified, reason, prices, price_variation,
        raw_elasticity, weeks with sales, dispersion of weekly units.

    Raises:
        ResponseError: no product has an estimate of its own.
    """
    weeks = with_controls(weekly(sales, period), memory)
    effect = reference_effect(weeks, _estimated(weeks, np.zeros(len(weeks))), rules)
    table = _estimated(weeks, effect["estimate"] * weeks[REMEMBERED].to_numpy())
    if not np.isfinite(table[RAW_ERROR]).any():
        raise ResponseError(f"price response: a product must sell at several prices. Received: {len(table)} products, none does.")
    table = pd.concat([table, shrunk(table)], axis=1)
    table[LOW], table[HIGH] = table[ELASTICITY] - rules.z * table[ERROR], table[ELASTICITY] + rules.z * table[ERROR]
    table[REASON] = [_reason(row, rules) for _, row in table.iterrows()]
    table[IDENTIFIED] = table[REASON] == ""
    table[DISPERSION] = table[DISPERSION].fillna(table.groupby(CATEGORY)[DISPERSION].transform("median")).fillna(table[DISPERSION].median())
    names = [PRODUCT, CATEGORY, ELASTICITY, LOW, HIGH, ERROR, IDENTIFIED, REASON, PRICES, VARIATION, RAW, WEEKS, DISPERSION]
    return table[names].astype({REASON: "str"}), effect


def reference_effect(weeks: pd.DataFrame, table: pd.DataFrame, rules: Rules) -> ReferenceEffect:
    """Return how log units answer log(remembered price / price), over all products together.

    Products differ in their elasticity: each has its own as a known part, and the price a common correction beside the effect. Weeks of
    one product may depend on each other. Nobody buys more because a price was lower before, so the effect is not below 0: it is the mean
    of the normal of the estimate, cut at 0 (Kalyanaram and Winer 1995, Marketing Science 14:G161, for the sign).

    Args:
        weeks: as ``with_controls`` returns them.
        table: raw elasticities by product.
        rules: probability of the interval.
    """
    raw = weeks[PRODUCT].map(table.set_index(PRODUCT)[RAW])
    used = weeks[raw.notna()]
    if used.empty:
        return ReferenceEffect(estimate=0.0, low=0.0, high=0.0)
    x = np.column_stack([used[REMEMBERED], used[LOG_PRICE], _controls(used)])
    offset = (raw[raw.notna()] * used[LOG_PRICE]).to_numpy()
    series, products = (pd.factorize(pd.MultiIndex.from_frame(used[names]))[0] for names in (SERIES, [PRODUCT]))
    slope = poisson_slope(x, used[UNITS].to_numpy(), series, products, offset)
    if not np.isfinite(slope.error):
        return ReferenceEffect(estimate=0.0, low=0.0, high=0.0)
    cut = stats.truncnorm(-slope.estimate / slope.error, np.inf, slope.estimate, slope.error)
    low, high = cut.interval(rules.confidence)
    log.info("remembered price: %.2f, error %.2f; cut at 0: %.2f (%.2f to %.2f)", slope.estimate, slope.error, cut.mean(), low, high)
    return ReferenceEffect(estimate=float(cut.mean()), low=float(low), high=float(high))


def _estimated(weeks: pd.DataFrame, offset: np.ndarray) -> pd.DataFrame:
    """Return raw elasticities and what they rest on, one row per product."""
    rows = []
    for number, (product, own) in enumerate(weeks.assign(offset=offset).groupby(PRODUCT, sort=True), start=1):
        slope = _slope(own)
        rows.append(
            {
                PRODUCT: product,
                CATEGORY: own[CATEGORY].iloc[0],
                RAW: slope.estimate,
                RAW_ERROR: slope.error,
                DISPERSION: slope.dispersion,
                PRICES: int(np.log(own[PRICE]).round(SAME_PRICE).nunique()),
                VARIATION: float(np.sqrt((own[LOG_PRICE] ** 2).mean())),
                WEEKS: int((own.groupby(WEEK)[UNITS].sum() > 0).sum()),
            }
        )
        if number % PRODUCTS_A_LINE == 0:
            log.info("price response: %d products", number)
    return pd.DataFrame(rows)


def _slope(own: pd.DataFrame) -> Slope:
    sold = own.groupby(SERIES)[UNITS].transform("sum") > 0  # a series without sales has no level
    own = own[sold]
    if own.empty:
        return UNKNOWN
    x = np.column_stack([own[LOG_PRICE], _controls(own)])
    series = pd.factorize(pd.MultiIndex.from_frame(own[SERIES]))[0]
    return poisson_slope(x, own[UNITS].to_numpy(), series, pd.factorize(own[WEEK])[0], own["offset"].to_numpy())


def _controls(weeks: pd.DataFrame) -> np.ndarray:
    return np.column_stack([weeks[[*promotions(weeks.columns), RIVALS, TRAFFIC]].to_numpy(), slow_cosines(weeks[WEEK])])


def _reason(row: pd.Series, rules: Rules) -> str:
    """Return why an elasticity is not identified, or nothing."""
    if row[WEEKS] < rules.min_periods:
        return f"{row[WEEKS]} weeks with sales, {rules.min_periods} needed"
    if row[PRICES] < rules.min_prices:
        return f"{row[PRICES]} different prices, {rules.min_prices} needed"
    if row[VARIATION] < rules.min_price_variation:
        return f"log prices vary by {row[VARIATION]:.3f}, {rules.min_price_variation} needed"
    if not np.isfinite(row[RAW_ERROR]):
        return "the price moves only together with promotions, rivals or season"
    if row[HIGH] >= 0:
        return f"the sign is not certain: {row[LOW]:.2f} to {row[HIGH]:.2f}"
    if row[HIGH] - row[LOW] > rules.max_width:
        return f"the interval is {row[HIGH] - row[LOW]:.1f} wide, at most {rules.max_width} allowed"
    return ""
