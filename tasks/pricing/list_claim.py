"""What a retraining claims for its own price list: a week with it in force, instead of the prices in force.

    lift = sum_i m_i(p_i) q_i(p) / sum_i m_i(p_i0) q_i(p_0) - 1

with m the revenue or the profit of a unit and q the units of demand that knows substitutes, everything else
equal. The interval holds what is not known about slopes and curve; both sides of a draw share them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from expectations.columns import PRICE
from tasks.pricing.counts import expected_sales
from tasks.pricing.demand import answer_of
from tasks.pricing.products import Products
from tasks.pricing.recommend import STEP
from tasks.pricing.rules import Rules

LEAST_EARNED = 1e-9  # currency/week; below it there is nothing to compare with


class ListClaim(TypedDict):
    """A price list against the prices in force: prices that move, and the relative change of the objective.

    ``at_ends`` counts prices at the largest step up or down, ``assumed`` products whose cost is that of a
    stated margin. ``index`` is the change of the revenue-weighted price index. ``refusal`` says why the
    change is not identified, and is empty where it is; no list may be published on one that is not.
    """

    objective: str
    assumed: int
    up: int
    down: int
    held: int
    at_ends: int
    index: float
    lift: float | None
    low: float | None
    high: float | None
    refusal: str


def list_claim(
    table: pd.DataFrame, products: Products, rules: Rules, *, confidence: float, refusal: str
) -> ListClaim:
    """Return the claim of a price list.

    Args:
        table: the list, as ``price_list`` returns it for all products of the market in turn.
        products: of the market.
        rules: objective and ladder.
        confidence: probability of the interval.
        refusal: why the demand is not identified; empty where it is.
    """
    ratio, step = table[PRICE].to_numpy(float) / products.price, table[STEP].to_numpy(float)
    before, after = (earned(products, rules, prices) for prices in (np.ones(len(ratio)), ratio))
    weight = products.price * products.units / (products.price * products.units).sum()
    claim = ListClaim(
        objective=rules.objective,
        assumed=int(products.cost_assumed.astype(bool).sum()) if rules.objective == "profit" else 0,
        up=int((step > 1).sum()),
        down=int((step < 1).sum()),
        held=int((step == 1).sum()),
        at_ends=int(at_ends(step, rules).sum()),
        index=float(np.expm1(weight @ np.log(ratio))),
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


def at_ends(step: np.ndarray, rules: Rules) -> np.ndarray:
    """Return which steps are the largest ones, as far as prices can be rounded to them (products,), bool."""
    near = np.abs(step[:, None] - rules.ladder).argmin(axis=1)
    return np.isin(near, (0, len(rules.ladder) - 1))


def earned(products: Products, rules: Rules, ratio: np.ndarray) -> np.ndarray:
    """Return what a week is expected to earn in every draw of the slopes (draws,).

    Profit counts the products whose cost is trusted or assumed. No more is sold than is on hand.

    Args:
        products: of the market, one season (n,).
        rules: give the objective.
        ratio: prices relative to the prices in force (n,).
    """
    draws = len(products.slopes)
    many = products.repeat(draws)
    wanted = answer_of(many, many.season).units(many, np.tile(ratio, draws))
    units = expected_sales(wanted, many.on_hand(many.stock), many.dispersion)
    worth = units * rules.margin(many, np.tile(ratio, draws))
    return np.asarray(worth.reshape(draws, -1).sum(axis=1))


def sentence(claim: Mapping[str, Any]) -> str:
    """Return the claim in words."""
    counts = f"{claim['down']} prices down, {claim['up']} up, {claim['held']} held"
    ends = f"{claim['at_ends']} by the largest step, price index {100 * claim['index']:+.1f} %"
    assumed = f" at an assumed margin ({claim['assumed']} products)" if claim["assumed"] else ""
    worth = f"{claim['objective']}{assumed}"
    if claim["lift"] is None or claim["low"] is None or claim["high"] is None:
        return f"This list: {counts}, {ends}: its {worth} cannot be compared."
    span = f"{100 * claim['lift']:+.1f} % ({100 * claim['low']:+.1f} to {100 * claim['high']:+.1f})"
    doubt = f"; not identified: {claim['refusal']}" if claim["refusal"] else ""
    return f"This list: {counts}, {ends}: {worth} of a week {span}, substitutes counted{doubt}."


def figures(claim: Mapping[str, Any]) -> dict[str, float]:
    """Return the claim's figures by metric name, such as ``list.lift``."""
    names = ("up", "down", "held", "at_ends", "index", "lift", "low", "high")
    return {f"list.{name}": float(claim[name]) for name in names if claim[name] is not None}
