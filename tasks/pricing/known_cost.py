"""What is known of unit costs, and which prices hold for it.

A cost that is known and cannot be trusted is not a missing one: its price holds until the cost is corrected,
and the list says why.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from expectations.columns import CHANNEL_FEE, DATE, PRICE, PRODUCT, SERIES, STORE, TAX_RATE, UNIT_COST
from expectations.cost_words import COST_DATE
from tasks.pricing.assumed_cost import COST_ASSUMED, assumed_note

COST_STALE = "cost_stale"  # bool; the cost is too old to be trusted
NO_COST = "no cost known"
NO_AMOUNT = "the cost is no finite amount above 0"
NOT_BELOW = "the cost is not below the price in force"
STALE = "the cost is stale"
COST_FAULTS = (NO_AMOUNT, NOT_BELOW, STALE)
SHOWN = 5  # products that a note names


def with_costs(market: pd.DataFrame, sales: pd.DataFrame, since: pd.Timestamp) -> pd.DataFrame:
    """Return the market with the last known ``unit_cost``, and with its age if any cost is known.

    These are ``cost_date`` and ``cost_stale``.

    Args:
        market: a row per product and store.
        sales: sales table; ``unit_cost`` is optional (currency/unit).
        since: a cost that was last seen on or before this date is stale.
    """
    latest = latest_costs(sales) if UNIT_COST in sales else None
    if latest is None or latest.empty:
        return market.assign(**{UNIT_COST: np.nan})
    market = market.merge(latest, on=SERIES, how="left")
    return market.assign(**{COST_STALE: market[COST_DATE] <= since})


def latest_costs(sales: pd.DataFrame) -> pd.DataFrame:
    """Return product, store, ``unit_cost`` and ``cost_date`` of the series that ever had a cost (series, 4).

    Args:
        sales: sales table with ``unit_cost`` (currency/unit).
    """
    known = sales.dropna(subset=UNIT_COST).sort_values(DATE)
    latest = known.groupby(SERIES, as_index=False)[[UNIT_COST, DATE]].last()
    return latest.rename(columns={DATE: COST_DATE})


def trusted_costs(price: np.ndarray, cost: np.ndarray, stale: np.ndarray) -> np.ndarray:
    """Return which costs a price may be decided on (products,), bool: above 0, below the price and not stale.

    Args:
        price: in force, currency/unit (products,).
        cost: in prices with tax where those are, currency/unit, nan where none is known (products,).
        stale: whether the cost is older than the weeks in which the product sold (products,), bool.
    """
    return np.asarray((cost > 0) & (cost < price) & ~stale.astype(bool))


def cost_faults(price: np.ndarray, cost: np.ndarray, stale: np.ndarray) -> np.ndarray:
    """Return why a known cost cannot be trusted, empty where it can or where none is known (products,).

    Args:
        price, cost, stale: as ``trusted_costs`` takes them.
    """
    reasons = [
        (~np.isfinite(cost) | (cost <= 0), NO_AMOUNT),
        (cost >= price, NOT_BELOW),
        (stale.astype(bool), STALE),
    ]
    known = ~np.isnan(cost)
    return np.select([known & wrong for wrong, _ in reasons], [reason for _, reason in reasons], "").astype(
        object
    )


def cost_holds(price: np.ndarray, cost: np.ndarray, stale: np.ndarray, objective: str) -> np.ndarray:
    """Return why a price holds for what is known of its cost, empty where it need not (products,).

    Args:
        price, cost, stale: as ``trusted_costs`` takes them.
        objective: ``profit`` holds a product without a cost, too; ``revenue`` needs none.
    """
    missing = np.isnan(cost) & (objective == "profit")
    return np.where(missing, NO_COST, cost_faults(price, cost, stale))


def cost_notes(market: pd.DataFrame, objective: str) -> list[str]:
    """Return a note for every reason of a cost for which products hold; none where no cost is known at all.

    Args:
        market: product, store, price, ``unit_cost`` and, where some cost is known, ``cost_stale``.
        objective: of the policy.
    """
    market = market[~market.get(COST_ASSUMED, pd.Series(False, market.index))]
    known = market[UNIT_COST].notna()
    if not known.any():
        return []
    stale = market.get(COST_STALE, pd.Series(False, market.index))
    covering = market[UNIT_COST] * (1 + market.get(TAX_RATE, 0.0))
    holds = cost_holds(market[PRICE].to_numpy(), covering.to_numpy(), stale.to_numpy(), objective)
    notes = [
        _note(reason, market[holds == reason])
        for reason in (NOT_BELOW, STALE, NO_AMOUNT, NO_COST)
        if (holds == reason).any()
    ]
    if objective == "revenue" and not known.all():
        notes.append(
            f"note: the objective is revenue, a cost is known of {known.sum()} of {len(market)} products"
        )
    return notes


def costless_note(market: pd.DataFrame, objective: str) -> list[str]:
    """Return what it means for the prices that costs are assumed or that none is known.

    Args:
        market: with ``unit_cost``.
        objective: of the policy.
    """
    if COST_ASSUMED in market and market[COST_ASSUMED].any():
        return [f"The objective is {assumed_note(market)}."]
    if market[UNIT_COST].notna().any():
        return []
    meaning = (
        "the policy maximises profit, so every price holds; map unit_cost."
        if objective == "profit"
        else "the policy maximises revenue, which mostly lowers prices, and no price is protected by a cost; "
        "map unit_cost to maximise profit."
    )
    return [f"No unit cost in the sales: {meaning}"]


def _note(reason: str, held: pd.DataFrame) -> str:
    shown = held.head(SHOWN)
    costs = ["" if np.isnan(cost) else f"cost {cost:g}, " for cost in shown[UNIT_COST]]
    names = [
        f"{row[PRODUCT]} in {row[STORE]} ({cost}price {row[PRICE]:g}{_without_tax(row)})"
        for (_, row), cost in zip(shown.iterrows(), costs, strict=True)
    ]
    verb = "product holds" if len(held) == 1 else "products hold"
    return f"note: {len(held)} {verb}, {reason}: {', '.join(names)}{', ...' if len(held) > SHOWN else ''}"


def _without_tax(row: pd.Series) -> str:
    rate = row.get(TAX_RATE, 0.0)
    fee = " and fee" if row.get(CHANNEL_FEE, 0.0) else ""
    return f", {row[PRICE] / (1 + rate):g} without tax{fee}" if rate else ""


def earnings_note(
    unit_cost: np.ndarray,
    objective: str,
    stated_margin: float,
    *,
    taxed: bool = False,
    assumed: int = 0,
) -> str:
    """Return what the earnings of policies mean and what they assume.

    Args:
        unit_cost: currency/unit, nan where none is known (products,).
        objective: of the policy.
        stated_margin: margin that cost-plus assumes where no cost is known (share of the list price).
        taxed: prices include tax.
        assumed: products whose cost is that of a stated margin.
    """
    known = int((~np.isnan(unit_cost)).sum())
    costs = f"a cost is known of {known} of {len(unit_cost)} products" if known else "no cost is known"
    revenue = "revenue with tax" if taxed else "revenue"
    profit = "profit: price without tax and fees less unit cost" if taxed else "profit: price less unit cost"
    note = f"{revenue}: {costs}" if objective == "revenue" else profit
    if objective == "profit" and assumed:
        return f"{profit}, at an assumed margin for {assumed} of {len(unit_cost)} products"
    plus = f"; cost-plus assumes a margin of {stated_margin:.0%}" if np.isnan(unit_cost).any() else ""
    return note + plus
