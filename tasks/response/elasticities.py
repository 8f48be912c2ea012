"""Causal price response of a panel: elasticities with intervals, and which of them may move a price."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import (
    CATEGORY,
    ELASTICITY,
    HIGH,
    IDENTIFIED,
    LOW,
    PRODUCT,
    REASON,
    promotions,
)
from tasks.response.bounds import BoundedWeeks, bounded_weeks
from tasks.response.controls import panels
from tasks.response.identification import Identification, refusal
from tasks.response.influence import influence_table
from tasks.response.instrument import chosen_method
from tasks.response.pooling import ERROR, FREEDOM, RAW, RAW_ERROR, shrunk
from tasks.response.product import DISPERSION, METHODS, ProductEstimates, product_estimates
from tasks.response.shared_effects import NO_EFFECT, Effect, shared_effect
from tasks.response.weeks import WEEK

log = logging.getLogger("repricer")

PRODUCTS_A_LINE = 100  # products between two lines of progress
POOLED = "pooled"  # method of a product without an estimate: it takes the elasticity of its category
UNMOVED = "no price moves by itself: the elasticity is assumed, and no price may be moved by it"
# Mean of 1,851 published own-price elasticities (Bijmolt, van Heerde and Pieters 2005, J. Mark. Res. 42:141).
ASSUMED_ELASTICITY = -2.62
ASSUMED_ERROR = 2.0  # so wide that the interval holds nearly all that was published


@dataclass(frozen=True, kw_only=True)
class PanelResponse:
    """How demand answers the prices of a panel.

    Attributes:
        table: one row per product: product_id, category, elasticity, low, high, standard_error, identified,
            reason, method, first_stage_f, raw_elasticity, raw_error, first_half, second_half, double_ml,
            dispersion, rivals, stores.
        flags: what is wrong with the whole panel, in words; empty if nothing is.
        confidence: probability of the intervals.
        remembered: change of log units per unit of log(remembered price / price).
        cross: change of log units per unit of the competitor's log price.
        reaction: change of the competitor's log price per unit of the own one of last week.
        weeks: the weeks that it is estimated from, and the rows of the sales table that count for less.
        influence: which week moved the estimate of a product most, and its rows that count for less.
    """

    table: pd.DataFrame
    flags: list[str]
    confidence: float
    remembered: Effect
    cross: Effect
    reaction: Effect
    weeks: BoundedWeeks
    influence: pd.DataFrame

    @property
    def identified(self) -> pd.DataFrame:
        """Return the rows of the identified products."""
        return self.table[self.table[IDENTIFIED]]

    @property
    def instrumented(self) -> bool:
        """Return whether an instrument gave the estimates."""
        return bool((self.table["method"] == METHODS[1]).any())

    @property
    def promotable(self) -> bool:
        """Return whether a price may be moved on the strength of this response."""
        return not self.flags and bool(self.table[IDENTIFIED].any())

    @property
    def spec(self) -> dict[str, object]:
        """Return what all products share, as the registered model keeps it."""
        return {
            "reference_effect": self.remembered,
            "rival_cross": self.cross,
            "rival_reaction": self.reaction,
            "confidence": self.confidence,
            "flags": self.flags,
        }

    @property
    def median_elasticity(self) -> float | None:
        """Return the median elasticity of the identified products, or none without one."""
        rows = self.identified
        return float(rows[ELASTICITY].median()) if len(rows) else None

    @property
    def median_width(self) -> float | None:
        """Return the median width of the identified products' intervals, or none without one."""
        rows = self.identified
        return float((rows[HIGH] - rows[LOW]).median()) if len(rows) else None


def panel_response(sales: pd.DataFrame, period: str, identification: Identification) -> PanelResponse:
    """Return own and cross elasticities with intervals; stores, promotions and costs are optional.

    Where no price moves by itself, no product is identified, and a published mean is assumed for all of them.

    Args:
        sales: sales table.
        period: ``D`` for days, ``W`` for weeks.
        identification: when an elasticity counts as identified, and the memory of the remembered price.
    """
    bounded = bounded_weeks(sales, period)
    weeks = bounded.table
    products = _estimates(weeks, identification)
    instrumented, flags = (
        chosen_method(products, bool(promotions(weeks.columns)))
        if any(product.estimated for product in products)
        else (False, [UNMOVED])
    )
    confidence = identification.confidence
    remembered = shared_effect([product.remembered for product in products], confidence)
    if instrumented:  # a remembered price has no instrument of its own
        remembered = NO_EFFECT
    table = _table(products, int(instrumented), remembered["estimate"], identification.z)
    table["silent"] = table[PRODUCT].map(bounded.silent)
    table[REASON] = [
        _reason(row, product, identification, flags)
        for (_, row), product in zip(table.iterrows(), products, strict=True)
    ]
    table[IDENTIFIED] = table[REASON] == ""
    return PanelResponse(
        table=table.astype({REASON: "str"}),
        flags=flags,
        confidence=confidence,
        remembered=remembered,
        cross=shared_effect([product.cross for product in products], confidence),
        reaction=shared_effect([product.reaction for product in products], confidence),
        weeks=bounded,
        influence=_influence(products, bounded),
    )


def _reason(
    row: pd.Series, product: ProductEstimates, identification: Identification, flags: list[str]
) -> str:
    """Return why an elasticity may not move a price, the plainest first; empty where it may."""
    if UNMOVED in flags and product.prices == 1:
        return "its price never moved"
    return refusal(row, product, identification, flags)


def _influence(products: list[ProductEstimates], bounded: BoundedWeeks) -> pd.DataFrame:
    """Return which week moved the estimate of every product most, and its rows that count for less."""
    first = bounded.table[WEEK].min()
    known = [product for product in products if product.estimated]
    table = pd.DataFrame(
        {
            PRODUCT: pd.Series([product.product for product in known], dtype="str"),
            WEEK: [first + pd.Timedelta(weeks=product.influence.week) for product in known],
            "change": [product.influence.change for product in known],
            RAW_ERROR: [product.whole.fixed_effects.error for product in known],
        }
    )
    return influence_table(table, bounded)


def _estimates(weeks: pd.DataFrame, identification: Identification) -> list[ProductEstimates]:
    """Return the estimates of every product, logging the progress."""
    products: list[ProductEstimates] = []
    for rows, controls in panels(weeks, identification.reference_memory):
        products.append(product_estimates(rows, controls, identification.confidence))
        if len(products) % PRODUCTS_A_LINE == 0:
            log.info("price response: %d products", len(products))
    return products


def _table(products: list[ProductEstimates], method: int, remembered: float, z: float) -> pd.DataFrame:
    """Return a row per product, with what it learned from the others.

    Weak instruments count for the others as little as their errors say, but they count: to leave them out
    would keep those that look strong by chance (Angrist and Kolesar 2024, J. Econometrics 240:105398).

    Args:
        products: estimates of every product.
        method: place of the panel's method in ``METHODS``.
        remembered: effect of the remembered price.
        z: half the interval's width in standard errors.
    """
    raw = _raw(products, method, remembered)
    table = pd.concat([raw, _pooled(raw)], axis=1)
    for half, name in enumerate(("first_half", "second_half")):
        estimates = [product.halves[half][method] for product in products]
        part = pd.DataFrame(
            {
                CATEGORY: raw[CATEGORY],
                RAW: [estimate.slope for estimate in estimates],
                RAW_ERROR: [estimate.error for estimate in estimates],
                FREEDOM: [estimate.freedom for estimate in estimates],
            }
        )
        table[name] = shrunk(part)[ELASTICITY] if np.isfinite(part[RAW_ERROR]).any() else np.nan
    category = table.groupby(CATEGORY)[DISPERSION].transform("median")
    table[DISPERSION] = table[DISPERSION].fillna(category).fillna(table[DISPERSION].median())
    table[DISPERSION] = table[DISPERSION].fillna(0.0)  # no product has an estimate: demand as Poisson's
    return table.assign(
        **{LOW: table[ELASTICITY] - z * table[ERROR], HIGH: table[ELASTICITY] + z * table[ERROR]}
    )


def _pooled(raw: pd.DataFrame) -> pd.DataFrame:
    """Return elasticity and standard error of every product, assumed where no product has an estimate."""
    if np.isfinite(raw[RAW_ERROR]).any():
        return shrunk(raw)
    return pd.DataFrame({ELASTICITY: ASSUMED_ELASTICITY, ERROR: ASSUMED_ERROR}, index=raw.index)


def _raw(products: list[ProductEstimates], method: int, remembered: float) -> pd.DataFrame:
    """Return the estimates of the products alone, one row per product; arguments as in ``_table``."""
    estimates = [product.whole[method] for product in products]
    return pd.DataFrame(
        {
            PRODUCT: [product.product for product in products],
            CATEGORY: [product.category for product in products],
            RAW: [
                estimate.slope - remembered * product.omission
                for product, estimate in zip(products, estimates, strict=True)
            ],
            RAW_ERROR: [estimate.error for estimate in estimates],
            FREEDOM: [estimate.freedom for estimate in estimates],
            "method": [METHODS[method] if np.isfinite(estimate.error) else POOLED for estimate in estimates],
            "first_stage_f": [product.whole.two_stage.first_stage_f for product in products],
            "half_error": [
                float(np.hypot(product.halves[0][method].error, product.halves[1][method].error))
                for product in products
            ],
            "double_ml": [product.check.slope for product in products],
            DISPERSION: [product.dispersion for product in products],
            "rivals": [product.rivals for product in products],
            "stores": [product.stores for product in products],
        }
    )
