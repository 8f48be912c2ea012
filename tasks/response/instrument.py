"""Which estimator the whole panel takes: the instrument where it can be believed, else fixed effects.

The controls remove what can be seen. What cannot be seen is removed only by an instrument: a cost, or a price
that was drawn at random.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tasks.response.product import ProductEstimates

STRONG = 10.0  # least first-stage F of an instrument (Staiger and Stock 1997)
MAJORITY = 0.5  # share of the products for which an instrument must be strong
CONFOUNDED = (
    3.0  # standard errors past which a difference of methods, or price following demand, is no chance
)
MAX_MEAN_SQUARE = 3.0  # most mean squared change between the halves of the time, in squared standard errors
MAX_CHANGE = 1.5  # most that an elasticity may change between the halves, unless its errors explain it
REMEDY = "Bring a unit cost, or publish a small randomised price variation."
UNEXPLAINED = (
    "nothing in the table tells why the price moved (no promotion, no strong cost, no randomised price): "
    f"demand that nobody recorded cannot be ruled out. {REMEDY}"
)


class Choice(NamedTuple):
    """The method of the whole panel.

    Attributes:
        instrumented: whether the instrument is believed, for all products.
        flags: what is wrong with the panel, in words; empty if nothing is.
    """

    instrumented: bool
    flags: list[str]


def chosen_method(products: list[ProductEstimates], explained: bool) -> Choice:
    """Return which method all products take.

    An instrument is believed if it is strong for most products, in either half of the time too (half the
    weeks give half the F), and if the two methods differ by more than chance (Hausman 1978, Econometrica
    46:1251). Otherwise the fixed effects are as right, and more precise. An instrument whose estimates
    change more between the halves than their errors allow is not believed: costs that follow promotions do
    not cause the price. Without an instrument, promotions must explain the prices.

    Args:
        products: estimates of every product.
        explained: whether the table has promotions.
    """
    estimated = [product for product in products if product.estimated]
    strong = [product for product in estimated if product.whole.two_stage.first_stage_f >= STRONG]
    usable = len(strong) >= MAJORITY * len(estimated)
    if usable and _lasting(strong, len(estimated)) and _methods_differ(strong):
        return Choice(True, [])
    if not usable and not explained:
        return Choice(False, [UNEXPLAINED])
    covariances, variances = zip(*(product.following for product in estimated), strict=True)
    variance = sum(variances)
    score = sum(covariances) / np.sqrt(variance) if variance > 0 else 0.0
    if score > CONFOUNDED and not usable:
        flag = (
            f"price follows demand: it carries last week's surprise ({score:.1f} standard errors). {REMEDY}"
        )
        return Choice(False, [flag])
    return Choice(False, [])


def _methods_differ(strong: list[ProductEstimates]) -> bool:
    """Return whether both methods differ by more than chance, over the products with a strong instrument.

    The variance of a gap is that of the instrument's estimate less that of the fixed effects, and at least a
    quarter of the former.
    """
    pairs = [product.whole for product in strong]
    gap = np.array([pair.two_stage.slope - pair.fixed_effects.slope for pair in pairs])
    variance = np.array(
        [
            max(pair.two_stage.error**2 - pair.fixed_effects.error**2, pair.two_stage.error**2 / 4)
            for pair in pairs
        ]
    )
    mean, error = float(np.average(gap, weights=1 / variance)), float(1 / np.sqrt((1 / variance).sum()))
    return abs(mean) > CONFOUNDED * error


def _lasting(strong: list[ProductEstimates], products: int) -> bool:
    """Return whether an instrument is strong in both halves of the time, and says the same in them.

    Args:
        strong: products for which it is strong over the whole time.
        products: number of products with an estimate.
    """
    halves = [(product.halves[0].two_stage, product.halves[1].two_stage) for product in strong]
    turned = np.array([first.slope - second.slope for first, second in halves])
    errors = np.array([np.hypot(first.error, second.error) for first, second in halves])
    strong_halves = sum(min(half.first_stage_f for half in both) >= STRONG / 2 for both in halves)
    return (
        strong_halves >= MAJORITY * products
        and float(np.mean((turned / errors) ** 2)) < MAX_MEAN_SQUARE
        and float(np.median(np.abs(turned))) < MAX_CHANGE
    )
