"""Prices that include sales tax: what buyers pay, and what the shop keeps of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import PRICE, TAX_RATE
from expectations.refusals import Breach, broken, refusal

LARGEST_RATE = 1.0  # tax as large as the price without it; a larger number is a percentage


def net_prices(sales: pd.DataFrame) -> pd.Series:
    """Return the prices without tax, currency/unit (rows,): as they are where no tax is stated."""
    return sales[PRICE] / (1 + sales[TAX_RATE]) if TAX_RATE in sales else sales[PRICE]


def with_tax(sales: pd.DataFrame, price_includes_tax: float | str | None) -> pd.DataFrame:
    """Return the sales with a column ``tax_rate`` where prices include tax.

    Args:
        sales: sales table; the rates that stand in a column of the source are there already.
        price_includes_tax: rate of all rows, name of that column, or none where prices are without tax.

    Raises:
        DataError: the source has no column of that name.
    """
    if isinstance(price_includes_tax, float):
        return sales.assign(**{TAX_RATE: price_includes_tax})
    if price_includes_tax is not None and TAX_RATE not in sales:
        rule, remedy = "the column of the rates exists", "set source.price_includes_tax=0.19, or to its name"
        raise refusal(TAX_RATE, "source.price_includes_tax", repr(price_includes_tax), rule, remedy)
    return sales


def wrong_rates(lines: pd.DataFrame) -> list[Breach]:
    """Return the rows without a rate, or with one that is none, where rates are a column of the source.

    Args:
        lines: rows with their origin.
    """
    if TAX_RATE not in lines:
        return []
    rates = lines[TAX_RATE].to_numpy(float)
    rule = "a rate of tax is a share of the price without it, 0 to 1, in every row"
    remedy = "write 0.19 for 19 %, and 0 where nothing is due"
    return broken(lines, ~((rates >= 0) & (rates <= LARGEST_RATE)) & ~np.isinf(rates), TAX_RATE, rule, remedy)
