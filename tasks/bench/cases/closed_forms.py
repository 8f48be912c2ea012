"""Prices that have a formula: one product and unlimited stock, one period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.special import lambertw


class Best(NamedTuple):
    """The best price (currency/unit), what it sells (units) and what it earns (currency)."""

    price: float
    quantity: float
    profit: float


class FormError(ValueError):
    """Demand without a best price."""


def best_price(demand: str, parameters: Mapping[str, float]) -> Best:
    """Return the price of the highest profit.

    ================== ============================= =================================================
    demand             units                         best price
    ================== ============================= =================================================
    constant_elasticity A p^-e                       e c / (e - 1), e > 1
    logit              M exp(u - b p) / (1 + ...)    c + (1 + W(exp(u - b c - 1))) / b, W of Lambert
    linear             a - b p                       (a / b + c) / 2
    exponential        a exp(-b p)                   c + 1 / b
    ================== ============================= =================================================

    Raises:
        FormError: an unknown demand, or one that is not elastic enough to have a best price.
    """
    told = dict(parameters)
    c = told["c"]
    if demand == "constant_elasticity":
        if told["e"] <= 1:
            raise FormError(
                f"constant_elasticity: `e` must be above 1, else a higher price always earns more. Received: {told['e']}."
            )
        price = told["e"] * c / (told["e"] - 1)
        quantity = told["A"] * price ** -told["e"]
    elif demand == "logit":
        price = c + (1 + float(lambertw(np.exp(told["u"] - told["b"] * c - 1)).real)) / told["b"]
        pull = np.exp(told["u"] - told["b"] * price)
        quantity = told["M"] * pull / (1 + pull)
    elif demand == "linear":
        price = (told["a"] / told["b"] + c) / 2
        quantity = told["a"] - told["b"] * price
    elif demand == "exponential":
        price = c + 1 / told["b"]
        quantity = told["a"] * np.exp(-told["b"] * price)
    else:
        raise FormError(
            f"closed form: `demand` must be constant_elasticity, logit, linear or exponential. Received: {demand}."
        )
    return Best(float(price), float(quantity), float((price - c) * quantity))
