"""Prices that include sales tax and the fee of a channel: what buyers pay, and what the shop keeps of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import PRICE, TAX_RATE
from expectations.refusals import Breach, broken, refusal

LARGEST_RATE = 1.0  # tax as large as the price without it; a larger number is a percentage


def net_prices(sales: pd.DataFrame) -> pd.Series:
    """Return the prices without tax and fee, currency/unit (rows,): as they are where none is stated."""
    return sales[PRICE] / (1 + sales[TAX_RATE]) if TAX_RATE in sales else sales[PRICE]


def kept_share(tax: Any, fee: Any) -> Any:
    """Return what the shop keeps of a price after tax and fee of its channel (share of the price).

    Of a price p with the tax t (share on top of the price without it) and the fee f (share of p), the shop
    keeps k p with

        k = 1 / (1 + t) - f
    """
    return 1 / (1 + tax) - fee


def charge_rate(tax: Any, fee: Any) -> Any:
    """Return tax and fee as one rate: what the shop does not keep over what it keeps, 1 / k - 1.

    A fee is a further tax. With the rate r, the profit of a price p at a cost c is k p - c = p / (1 + r) - c,
    and c (1 + r) is the price that just covers it.
    """
    return (1 + tax) / (1 - fee * (1 + tax)) - 1


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
