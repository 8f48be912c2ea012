"""The rules of a price list as records, in their precedence.

Hard rules hold for every price that is published. Soft rules bound how a price moves and always allow the
price in force. List rules decide which of the moves that are left are made. ``RULES`` is the precedence:
where two rules bind at the same price, the first is named; where two leave no price between them, the price
holds and both are named. A later rule never moves a price past the bound of an earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from tasks.governance.breaker import Breaker
from tasks.governance.guard import Guard


class Rule(IntEnum):
    """Rules in their precedence, the first is the strongest."""

    ABSOLUTE = 0
    FIXED = 1
    MARGIN = 2
    ADVERTISED = 3
    PRIOR = 4
    STEP = 5
    BAND = 6
    COMPETITOR = 7
    ENDING = 8
    ROUNDING = 9
    PARITY = 10
    PACK = 11
    INDEX = 12
    BUDGET = 13
    NONE = 14


RULES = (
    "absolute bounds",
    "fixed price",
    "margin floor",
    "minimum advertised price",
    "prior price",
    "step",
    "reference band",
    "competitor index",
    "ending",
    "rounding",
    "parity",
    "pack order",
    "price index",
    "change budget",
    "",
)
"""Names of the rules, as the list shows them."""
OF_COST, OF_PRICE = "cost", "price"  # what the share of a margin floor is of


class ParityRule(NamedTuple):
    """A channel that is not dearer than another one, or ``equal`` to it."""

    channel: str
    equal: bool
    reference: str


@dataclass(frozen=True, kw_only=True)
class HouseRules:
    """The rules of the settings; a table of rules may say otherwise of a category or a product.

    Attributes:
        guard: step, reference band and price index.
        least_price, most_price: absolute bounds, currency/unit; none: there is none.
        margin_floor: share of the cost that is added to it, or of the price that must be left above it.
        margin_of: ``cost`` or ``price``.
        competitor_low, competitor_high: bounds relative to the competitor's price; none: there is none.
        endings: last digits of a new price, such as 99 and 95; of none, every price may be.
        parity: rules between channels, a channel after the one that it follows.
        change_share: most of the products that a publication may change (share).
        breaker: limits of the whole list.
    """

    guard: Guard
    least_price: float | None = None
    most_price: float | None = None
    margin_floor: float = 0.0
    margin_of: str = OF_COST
    competitor_low: float | None = None
    competitor_high: float | None = None
    endings: tuple[str, ...] = ()
    parity: tuple[ParityRule, ...] = ()
    change_share: float = 1.0
    breaker: Breaker


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The rules of every row; nan: the row has no such rule (rows,).

    Attributes:
        least, most, fixed, advertised: absolute bounds, fixed price, minimum advertised price, currency/unit.
        margin: share of the margin floor; ``margin_of_price`` says of what (bool).
        step, band: shares.
        competitor_low, competitor_high: relative to the competitor's price.
        endings: last digits of a price with bars between them, such as ``99|95``; empty: every price may be.
    """

    least: np.ndarray
    most: np.ndarray
    fixed: np.ndarray
    advertised: np.ndarray
    margin: np.ndarray
    margin_of_price: np.ndarray
    step: np.ndarray
    band: np.ndarray
    competitor_low: np.ndarray
    competitor_high: np.ndarray
    endings: np.ndarray


class Places(NamedTuple):
    """Number of the product and name of the channel of every row (rows,)."""

    product: np.ndarray
    channel: np.ndarray


class Charges(NamedTuple):
    """What stands between cost and price where channels take tax and fee (rows,).

    Attributes:
        cost: without tax and fee, currency/unit; nan: it is not known.
        tax: share on top of the net price.
        fee: share of the price.
    """

    cost: np.ndarray
    tax: np.ndarray
    fee: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """What is known of every product on the shelf, money in currency/unit (rows,).

    Attributes:
        in_force: price of now.
        recent_low, recent_high: lowest and highest price of the last seven days; nan: the price in force.
        reference: slow reference price; nan: the price in force.
        cost: price that just covers the cost, with tax and fee where prices have them; nan: it is not known.
        stale: whether the cost is out of date (bool).
        unprotected: whether a price may move in a draft without a cost and a named floor (bool).
        competitor: price of the competitor; nan: it is not known.
        announced: whether the wanted price is that of an announced promotion (bool).
        prior: lowest price of the 30 days before the announcement; nan: it is not known.
        prior_unknown: whether a reduction needs it nevertheless (bool).
        decimals: of a price in the row's currency.
        family: number of the family of packs in the store; -1: none.
        size: of the pack, such as litres; nan: it is not known.
        weight: share of the shop's revenue, for the price index.
        worth: what the wanted price is worth; the least worth holds first where not all may move.
        charges: what ``cost`` is of, so that floors are exact; none: there are no channels.
        places: whose channels are compared; none: there is no rule of parity.
    """

    in_force: np.ndarray
    recent_low: np.ndarray
    recent_high: np.ndarray
    reference: np.ndarray
    cost: np.ndarray
    stale: np.ndarray
    unprotected: np.ndarray
    competitor: np.ndarray
    announced: np.ndarray
    prior: np.ndarray
    prior_unknown: np.ndarray
    decimals: np.ndarray
    family: np.ndarray
    size: np.ndarray
    weight: np.ndarray
    worth: np.ndarray
    charges: Charges | None = None
    places: Places | None = None
