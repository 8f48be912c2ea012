"""Settings of `respond`: when an elasticity counts as identified, and what buyers remember."""

from __future__ import annotations

from pydantic import Field

from conf.section import Section


class Respond(Section):
    """When an own-price elasticity counts as identified."""

    confidence: float = Field(gt=0.5, lt=1)
    """Probability of the interval (1)."""
    min_prices: int = Field(ge=2)
    """Least number of distinct prices (prices)."""
    min_price_variation: float = Field(gt=0)
    """Least standard deviation of log prices within a product (log currency/unit)."""
    min_periods: int = Field(ge=3)
    """Least number of weeks with sales (weeks)."""
    max_width: float = Field(gt=0)
    """Widest interval that still identifies (elasticity)."""
    reference_memory: float = Field(ge=0, lt=1)
    """Weight of the past in the price that buyers remember (1/week)."""
