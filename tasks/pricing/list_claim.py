"""What a retraining claims for its own price list: a week with it in force, instead of the prices in force.

    lift = sum_i m_i(p_i) q_i(p) / sum_i m_i(p_i0) q_i(p_0) - 1

with m the revenue or the profit of a unit and q the units of demand that knows substitutes, everything else
equal. The interval holds what is not known about slopes and curve; both sides of a draw share them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from tasks.pricing.products import Products
from tasks.pricing.recommend import STEP
from tasks.pricing.rules import Rules

LEAST_EARNED = 1e-9  # currency/week; below it there is nothing to compare with


class ListClaim(TypedDict):
    """A price list against the prices in force: prices that move, and the relative change of the objective.

    ``at_ends`` counts prices at the first or the last step of the ladder. ``refusal`` says why the change is
    not identified, and is empty where it is; no list may be published on the strength of one that is not.
    """

    objective: str
    up: int
    down: int
    held: int
    at_ends: int
    lift: float | None
    low: float | None
    high: float | None
    refusal: str


def earned(products: Products, rules: Rules, prices: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Return what a week earns in every draw (draws,).

    Profit counts the products whose cost is trusted.

    Args:
        products: of the market (n,).
        rules: give the objective.
        prices: currency/unit (n,).
        units: units/week (draws, n).
    """
    return np.asarray(units @ rules.margin(products, prices / products.price))


def list_claim(
    table: pd.DataFrame,
    rules: Rules,
    *,
    before: np.ndarray,
    after: np.ndarray,
    confidence: float,
    refusal: str,
) -> ListClaim:
    """Return the claim of a price list.

    Args:
        table: the list, as ``price_list`` returns it.
        rules: objective and ladder.
        before: what a week at the prices in force earns in every draw (draws,).
        after: what it earns at the list (draws,).
        confidence: probability of the interval.
        refusal: why the demand is not identified; empty where it is.
    """
    step = table[STEP].to_numpy(float)
    ends = np.isin(step, rules.ladder[[0, -1]]) & (step != 1.0)
    claim = ListClaim(
        objective=rules.objective,
        up=int((step > 1).sum()),
        down=int((step < 1).sum()),
        held=int((step == 1).sum()),
        at_ends=int(ends.sum()),
        lift=None,
        low=None,
        high=None,
        refusal=refusal,
    )
    if (before <= LEAST_EARNED).any():
        return claim
    lift, tail = after / before - 1, (1 - confidence) / 2
    low, high = np.quantile(lift, [tail, 1 - tail])
    claim["lift"], claim["low"], claim["high"] = float(lift.mean()), float(low), float(high)
    return claim


def sentence(claim: ListClaim) -> str:
    """Return the claim in words."""
    counts = f"{claim['down']} prices down, {claim['up']} up, {claim['held']} held"
    ends = f"{claim['at_ends']} at the ends of the ladder"
    if claim["lift"] is None or claim["low"] is None or claim["high"] is None:
        return f"This list: {counts}, {ends}: its {claim['objective']} cannot be compared."
    span = f"{100 * claim['lift']:+.1f} % ({100 * claim['low']:+.1f} to {100 * claim['high']:+.1f})"
    doubt = f"; not identified: {claim['refusal']}" if claim["refusal"] else ""
    return f"This list: {counts}, {ends}: {claim['objective']} of a week {span}, substitutes counted{doubt}."


def figures(claim: ListClaim) -> dict[str, float]:
    """Return the claim's figures by metric name, such as ``list.lift``."""
    names = ("up", "down", "held", "at_ends", "lift", "low", "high")
    values = {name: claim[name] for name in names}  # type: ignore[literal-required]
    return {f"list.{name}": float(value) for name, value in values.items() if value is not None}
