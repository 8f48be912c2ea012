"""What a price list sells: the answer of the response model to a request of prices."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from expectations.columns import ALL_STORES, HIGH, LOW, PRICE, PRODUCT, SERIES, STORE, UNITS
from tasks.response.group_demand import demand_of, interval


class ListError(ValueError):
    """A list that names a product twice, or a price that is none."""


def list_answer(
    request: pd.DataFrame, products: pd.DataFrame, draws: Mapping[str, np.ndarray], confidence: float
) -> pd.DataFrame:
    """Return units a week of every row of a list, with their interval: ``units``, ``low``, ``high``.

    All rows are one list: a price also moves the units of its substitutes. Products that are not in it, and
    rows without a price, keep the price in force. The interval is that of the mean units at what is not known
    about slopes and curve. A product that was not in the training has no units.

    Args:
        request: product, price (currency/unit) and, if there are several, store.
        products: as ``GroupResponse`` keeps them.
        draws: posterior draws, as ``GroupResponse`` keeps them.
        confidence: probability of the intervals.

    Raises:
        ListError: a product stands twice, or a price is not finite and above 0.
    """
    wanted = _checked(request)
    place = pd.MultiIndex.from_frame(products[SERIES]).get_indexer(pd.MultiIndex.from_frame(wanted[SERIES]))
    known = place >= 0
    prices, given = products[PRICE].to_numpy(float).copy(), wanted[PRICE].to_numpy(float)
    moved = known & ~np.isnan(given)
    prices[place[moved]] = given[moved]
    units = demand_of(products, draws).units_of_list(prices)[:, place]
    low, high = interval(units, confidence)
    answer = {UNITS: units.mean(axis=0), LOW: low, HIGH: high}
    return pd.DataFrame(
        {name: np.where(known, values, np.nan) for name, values in answer.items()}, index=request.index
    )


def _checked(request: pd.DataFrame) -> pd.DataFrame:
    """Return product, store and price of a request as the model knows them."""
    stores = request[STORE].fillna(ALL_STORES) if STORE in request else ALL_STORES
    wanted = request[[PRODUCT, PRICE]].assign(**{STORE: stores}).astype({PRODUCT: "str", STORE: "str"})
    twice = wanted.duplicated(SERIES)
    if twice.any():
        first = wanted[twice].iloc[0]
        raise ListError(
            "price response: a list has one row per product and store. "
            f"Received: {first[PRODUCT]} in {first[STORE]} twice. Keep one."
        )
    prices = wanted[PRICE].to_numpy(float)
    wrong = ~np.isnan(prices) & ~(np.isfinite(prices) & (prices > 0))
    if wrong.any():
        raise ListError(
            f"price response: a price must be finite and above 0. Received: {prices[wrong][0]}. "
            "Leave it empty to keep the price in force."
        )
    return wanted
