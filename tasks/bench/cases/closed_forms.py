"""Best prices that have a formula: a single product with unlimited stock, in a single period."""

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
    """Return the price of the highest profit, with p the price and c the unit cost, both in currency/unit.

    ================== ============================= =================================================
    demand             units                         best price
    ================== ============================= =================================================
    constant_elasticity A p^-e                       e c / (e - 1), e > 1
    logit              M exp(u - b p) / (1 + ...)    c + (1 + W(exp(u - b c - 1))) / b, W of Lambert
    linear             a - b p                       (a / b + c) / 2
    exponential        a exp(-b p)                   c + 1 / b
    ================== ============================= =================================================

    Args:
        demand: kind of demand, as in the table.
        parameters: the table's symbols by name, and the unit cost ``c``.

    Raises:
        FormError: an unknown demand, or one that is not elastic enough to have a best price.
    """
    c = parameters["c"]
    if demand == "constant_elasticity":
        if parameters["e"] <= 1:
            raise FormError(
                "constant_elasticity: `e` must be above 1, else a higher price always earns more. "
                f"Received: {parameters['e']}."
            )
        price = parameters["e"] * c / (parameters["e"] - 1)
        quantity = parameters["A"] * price ** -parameters["e"]
    elif demand == "logit":
        price = (
            c
            + (1 + float(lambertw(np.exp(parameters["u"] - parameters["b"] * c - 1)).real)) / parameters["b"]
        )
        pull = np.exp(parameters["u"] - parameters["b"] * price)
        quantity = parameters["M"] * pull / (1 + pull)
    elif demand == "linear":
        price = (parameters["a"] / parameters["b"] + c) / 2
        quantity = parameters["a"] - parameters["b"] * price
    elif demand == "exponential":
        price = c + 1 / parameters["b"]
        quantity = parameters["a"] * np.exp(-parameters["b"] * price)
    else:
        raise FormError(
            "closed form: `demand` must be constant_elasticity, logit, linear or exponential. "
            f"Received: {demand}."
        )
    return Best(float(price), float(quantity), float((price - c) * quantity))
