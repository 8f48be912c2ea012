"""Unit costs that are assumed by a stated margin where none is known.

An assumed cost sets what the policy earns; it is no floor, and it makes no known cost. Whatever depends on it
says so.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import numpy as np
import pandas as pd

from expectations.columns import CATEGORY, DEPARTMENT, PRICE, SALES_TAX, SERIES, TAX_RATE, UNIT_COST
from expectations.cost_words import COST_ASSUMED

SHOWN_DECIMALS = 4  # of a margin, share
OTHERS = "(all others)"
NEAREST = 3  # names that a refusal shows


class MarginError(ValueError):
    """A margin that is stated for no product of the market."""


def with_assumed_costs(market: pd.DataFrame, margins: Mapping[str, float], default: float) -> pd.DataFrame:
    """Return the market with a cost for every product, and ``cost_assumed`` where it was not known.

    Of a shelf price p with the tax rate t, a margin m leaves the cost (1 - m) p / (1 + t).

    Args:
        market: a row per product and store with ``price`` and ``unit_cost`` (currency/unit), ``department``
            or ``category`` and, where prices include tax, ``tax_rate``.
        margins: by the department where the market has departments, else by the category (share of the shelf
            price without tax).
        default: margin of all others (share).

    Raises:
        MarginError: a margin names no department or category of the market.
    """
    margin = _margins(market, margins, default)
    assumed = market[UNIT_COST].isna()
    cost = (1 - margin) * market[PRICE] / (1 + _tax(market))
    return market.assign(**{UNIT_COST: market[UNIT_COST].where(~assumed, cost), COST_ASSUMED: assumed})


def costed(sales: pd.DataFrame, market: pd.DataFrame) -> pd.DataFrame:
    """Return a sales table with the costs that a market assumes, where none is known (currency/unit)."""
    if COST_ASSUMED not in market:
        return sales
    assumed = market.loc[market[COST_ASSUMED]].set_index(SERIES)[UNIT_COST]
    cost = assumed.reindex(pd.MultiIndex.from_frame(sales[SERIES])).set_axis(sales.index)
    return sales.assign(**{UNIT_COST: sales.get(UNIT_COST, cost).fillna(cost)})


def assumed_note(market: pd.DataFrame) -> str:
    """Return which margins are assumed and of how many products, empty where every cost is known.

    Args:
        market: as ``with_assumed_costs`` returned it.
    """
    if COST_ASSUMED not in market or not market[COST_ASSUMED].any():
        return ""
    assumed = market[market[COST_ASSUMED]]
    cost = assumed[UNIT_COST] * (1 + _tax(assumed))
    used = np.unique((1 - cost / assumed[PRICE]).round(SHOWN_DECIMALS))
    margin = f"an assumed margin of {_percent(used[0])}"
    if len(used) > 1:
        margin = f"assumed margins of {_percent(used[0])} to {_percent(used[-1])}"
    count = f"{len(assumed)} of {len(market)} products"
    return f"profit at {margin} of the shelf price (no cost known of {count}); map unit_cost to know it"


def _tax(market: pd.DataFrame) -> pd.Series | float:
    """Return the tax in the prices; the fee of a channel lowers what a stated margin leaves (products,)."""
    tax: pd.Series | float = market.get(SALES_TAX, market.get(TAX_RATE, 0.0))
    return tax


def carried_margins(market: pd.DataFrame, default: float, objective: str) -> dict[str, float]:
    """Return the margins that stand for costs in a market, by the names of its groups (share).

    Groups with the default margin are ``OTHERS`` together. Where the objective is revenue, that margin stands
    for the cost of every product without one.

    Args:
        market: of a version.
        default: margin of all that have no own one (share).
        objective: of the version.
    """
    assumed, costless = _without_cost(market, objective)
    cost = market[UNIT_COST] * (1 + _tax(market))
    margin = (1 - cost / market[PRICE]).mask(costless, default)
    return _by_group(market[assumed | costless], margin[assumed | costless], default)


def stated_margins(
    market: pd.DataFrame, margins: Mapping[str, float], default: float, objective: str
) -> dict[str, float]:
    """Return the same margins of a market as settings state them (share).

    Args:
        market: of a version.
        margins, default: as ``with_assumed_costs`` takes them; names that the market lacks do not count.
        objective: of the version.
    """
    assumed, costless = _without_cost(market, objective)
    margin = _groups(market).map(dict(margins)).astype(float).fillna(default).mask(costless, default)
    return _by_group(market[assumed | costless], margin[assumed | costless], default)


def _without_cost(market: pd.DataFrame, objective: str) -> tuple[pd.Series, pd.Series]:
    """Return which costs are assumed, and which are unknown while prices move (products,), (products,)."""
    assumed = market.get(COST_ASSUMED, pd.Series(False, market.index)).astype(bool)
    return assumed, market[UNIT_COST].isna() & (objective == "revenue")


def _by_group(market: pd.DataFrame, margin: pd.Series, default: float) -> dict[str, float]:
    margin = margin.round(SHOWN_DECIMALS)
    names = _groups(market).where(margin != round(default, SHOWN_DECIMALS), OTHERS)
    shares = margin.groupby(names).first()  # in the order of the names
    return {str(name): float(share) for name, share in zip(shares.index, shares, strict=True)}


def _groups(market: pd.DataFrame) -> pd.Series:
    """Return the department or category of every product, by which margins are stated (products,), text."""
    column = DEPARTMENT if DEPARTMENT in market else CATEGORY
    names = market[column] if column in market else pd.Series(OTHERS, market.index)
    return names.fillna(OTHERS).astype(str)


def _margins(market: pd.DataFrame, margins: Mapping[str, float], default: float) -> pd.Series:
    """Return the stated margin of every product (products,), share."""
    column = DEPARTMENT if DEPARTMENT in market else CATEGORY
    if not margins:
        return pd.Series(default, index=market.index)
    names = sorted(market[column].dropna().unique())
    unknown = [name for name in margins if name not in names]
    if unknown:
        raise MarginError("\n".join(_unknown(name, column, names) for name in unknown))
    return market[column].map(dict(margins)).astype(float).fillna(default)


def _unknown(name: str, column: str, names: list[str]) -> str:
    by_folded = {known.casefold(): known for known in names}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=NEAREST, cutoff=0.0)
    nearest = ", ".join(by_folded[folded] for folded in close)
    return (
        f"price.margins: {name!r} is no {column} of the market. Nearest: {nearest or 'the market has none'}. "
        f"Write a {column} as the sales have it, with its margin as a share of the shelf price."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
