"""Best prices that have a formula: a single product with unlimited stock, in a single period."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

    =================== ============================= =================================================
    demand              units                         best price
    =================== ============================= =================================================
    constant_elasticity A p^-e                        e c / (e - 1), e > 1
    logit               M exp(u - b p) / (1 + ...)    c + (1 + W(exp(u - b c - 1))) / b, W of Lambert
    linear              a - b p                       (a / b + c) / 2
    exponential         a exp(-b p)                   c + 1 / b
    =================== ============================= =================================================

    Args:
        demand: kind of demand, as in the table.
        parameters: the table's symbols by name, and the unit cost ``c``.

    Raises:
        FormError: an unknown demand, or one that is not elastic enough to have a best price.
    """
    if demand not in FORMS:
        raise FormError(
            "closed form: `demand` must be constant_elasticity, logit, linear or exponential. "
            f"Received: {demand}."
        )
    price, quantity = FORMS[demand](parameters)
    return Best(float(price), float(quantity), float((price - parameters["c"]) * quantity))


def _constant_elasticity(parameters: Mapping[str, float]) -> tuple[float, float]:
    """Return the best price and its units at constant elasticity."""
    elasticity, cost = parameters["e"], parameters["c"]
    if elasticity <= 1:
        raise FormError(
            "constant_elasticity: `e` must be above 1, else a higher price always earns more. "
            f"Received: {elasticity}."
        )
    price = elasticity * cost / (elasticity - 1)
    return price, parameters["A"] * price**-elasticity


def _logit(parameters: Mapping[str, float]) -> tuple[float, float]:
    """Return the best price and its units where buyers choose by a logit."""
    utility, b, cost = parameters["u"], parameters["b"], parameters["c"]
    price = cost + (1 + float(lambertw(np.exp(utility - b * cost - 1)).real)) / b
    pull = np.exp(utility - b * price)
    return price, parameters["M"] * pull / (1 + pull)


def _linear(parameters: Mapping[str, float]) -> tuple[float, float]:
    """Return the best price and its units for linear demand."""
    a, b = parameters["a"], parameters["b"]
    price = (a / b + parameters["c"]) / 2
    return price, a - b * price


def _exponential(parameters: Mapping[str, float]) -> tuple[float, float]:
    """Return the best price and its units for exponential demand."""
    b = parameters["b"]
    price = parameters["c"] + 1 / b
    return price, parameters["a"] * np.exp(-b * price)


FORMS: dict[str, Callable[[Mapping[str, float]], tuple[float, float]]] = {
    "constant_elasticity": _constant_elasticity,
    "logit": _logit,
    "linear": _linear,
    "exponential": _exponential,
}
"""Best price and its units by kind of demand."""
