"""How a price list looks in a workbook: plain headings with their units, and cents where money stands."""

from __future__ import annotations

from expectations.columns import (
    ACTION,
    CATEGORY,
    CURRENCY,
    NAME,
    PRICE,
    PRODUCT,
    PROPENSITY,
    RANDOMISED,
    REASON,
    REFERENCE_PRICE,
    RULE,
    STORE,
)
from tasks.pricing.list_sheet import (
    CHANGE,
    EXPECTED_GAIN,
    EXPECTED_UNITS,
    GAIN_HIGH,
    GAIN_LOW,
    STATUS,
    UNITS_HIGH,
    UNITS_LOW,
    VERSION,
    WEEK,
)
from tasks.pricing.recommend import STEP
from tasks.pricing.variation import PLANNED
from tasks.runtime.workbook import Look

MONEY, SIGNED_MONEY = "#,##0.00", "+#,##0.00;-#,##0.00;0.00"
LOOKS = {
    NAME: Look("Product"),
    CATEGORY: Look("Category"),
    PRODUCT: Look("Product id", "@"),
    STORE: Look("Store", "@"),
    REFERENCE_PRICE: Look("Price in force", MONEY),
    PRICE: Look("New price", MONEY),
    CHANGE: Look("Change (%)", "+0.0;-0.0;0.0"),
    EXPECTED_UNITS: Look("Units expected a week", "#,##0.0"),
    UNITS_LOW: Look("Units, from", "#,##0.0"),
    UNITS_HIGH: Look("Units, to", "#,##0.0"),
    EXPECTED_GAIN: Look("Gain expected a week", SIGNED_MONEY),
    GAIN_LOW: Look("Gain, from", SIGNED_MONEY),
    GAIN_HIGH: Look("Gain, to", SIGNED_MONEY),
    REASON: Look("Why"),
    ACTION: Look("Action"),
    RULE: Look("Rule that binds"),
    STATUS: Look("Status"),
    VERSION: Look("Version", "0"),
    WEEK: Look("Week from", "yyyy-mm-dd"),
    CURRENCY: Look("Currency"),
    PLANNED: Look("Planned price", MONEY),
    PROPENSITY: Look("Probability of the price", "0.000"),
    RANDOMISED: Look("Random part (log)", "0.0000"),
    STEP: Look("New over old price", "0.000"),
    "slope_trained": Look("Slope at training", "0.00"),
    "slope_now": Look("Slope now", "0.00"),
}
"""Of the columns of ``price_sheet``."""
