"""The vocabulary: names of columns and their units, the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable

# The sales table: one row per product, store and period.
DATE = "date"  # local date of the shop, first day of the period
PRODUCT = "product_id"  # text
STORE = "store_id"  # text; store, market or channel
UNITS = "units"  # units/period, >= 0
PRICE = "price"  # currency/unit, what buyers paid, > 0
LIST_PRICE = "list_price"  # currency/unit, before promotion
UNIT_COST = "unit_cost"  # currency/unit
STOCK = "stock"  # units at the start of the period
COMPETITOR_PRICE = "competitor_price"  # currency/unit
CURRENCY = "currency"  # text; ISO 4217 code of all money
TAX_RATE = "tax_rate"  # tax in the price over the price without it, 0..1; only where prices include tax
# Where stores have channels, it is tax and fee in one: what the shop does not keep over what it keeps.
SALES_TAX = "sales_tax"  # the tax alone, over the price without it
CHANNEL_FEE = "channel_fee"  # the fee alone, share of the price
RANDOMISED = "randomised_price"  # part of the log price that was drawn at random
REFERENCE_PRICE = "reference_price"  # currency/unit, in force before the price was decided
PROPENSITY = "propensity"  # probability with which the price was drawn, above 0 up to 1
CATEGORY = "category"  # text; products that may replace each other
DEPARTMENT = "department"  # text
NAME = "name"  # text
PROMOTION_PREFIX = "promotion_"  # share of the period's sales or stores, 0..1
OPEN = "open"  # 1 or 0; rows of closed shops are left out, then the column is dropped
ORDER = "order_id"  # text; tells equal order lines from copies, then dropped
LINE = "line_id"  # text; likewise
ROW = "row"  # position in the source, from 1, for messages

# A published list: one row per product, store and channel.
CHANNEL = "channel"  # text; through which the price is charged
ACTION = "action"  # text; what the list does to the price
RULE = "binding_rule"  # text; which rule binds the price, empty where none does
EFFECTIVE_FROM = "effective_from"  # moment from which the price holds
EFFECTIVE_UNTIL = "effective_until"  # moment until which it holds, missing where no promotion ends
PRICE_AFTER = "price_after"  # currency/unit, from then on; missing where no promotion ends

ALL_STORES = "all"
PERIOD_DAYS = {"D": 1, "W": 7}  # length of a period (days)
PERIOD_FREQUENCY = {period: f"{days}D" for period, days in PERIOD_DAYS.items()}  # for pandas
DAYS_A_WEEK = 7
SERIES = [PRODUCT, STORE]
KEY = [DATE, PRODUCT, STORE]
REQUIRED = [DATE, PRODUCT, UNITS, PRICE]
TEXT = [PRODUCT, STORE, CATEGORY, DEPARTMENT, NAME]
NUMERIC = [
    UNITS,
    PRICE,
    LIST_PRICE,
    UNIT_COST,
    STOCK,
    COMPETITOR_PRICE,
    RANDOMISED,
    REFERENCE_PRICE,
    PROPENSITY,
    TAX_RATE,
]

# The forecast table: one row per series, origin, target and model.
MODEL = "model"
ORIGIN = "origin"  # date of the last known period
HORIZON = "horizon"  # 1 for the first target
MEAN = "mean"  # units/period
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)  # probabilities of the quantiles

# The elasticity table: one row per product.
ELASTICITY = "elasticity"  # % units per % price, negative
LOW = "low"
HIGH = "high"
IDENTIFIED = "identified"  # bool
REASON = "reason"  # text; why it is not
REFUSAL = "refusal"  # the same in the market table, which has other reasons as well


def quantile_name(level: float) -> str:
    """Return the column of a quantile: ``q05`` for 0.05."""
    return f"q{round(100 * level):02d}"


QUANTILES = [quantile_name(level) for level in LEVELS]


def promotions(columns: Iterable[str]) -> list[str]:
    """Return the promotion columns among the given ones, in their order."""
    return [name for name in columns if name.startswith(PROMOTION_PREFIX)]
