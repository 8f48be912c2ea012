"""What a retraining claims for its own price list: a week with it in force, instead of the prices in force.

    lift = sum_i m_i(p_i) q_i(p) / sum_i m_i(p_i0) q_i(p_0) - 1

with m the revenue or the profit of a unit and q the units of demand that knows substitutes, everything else
equal. The interval holds what is not known about slopes and curve; both sides of a draw share them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from expectations.columns import PRICE
from tasks.pricing.list_outcome import outcome
from tasks.pricing.products import Products
from tasks.pricing.recommend import STEP
from tasks.pricing.rules import Rules

LEAST_EARNED = 1e-9  # currency/week; below it there is nothing to compare with
MARGIN_DECIMALS = 4  # of a stated margin, share


class CategoryClaim(TypedDict):
    """What a list does to a category.

    ``mean_change`` is the mean relative change of its prices, those that hold among them; ``gain`` is what it
    is expected to earn more in a week (currency), none where nothing is known of what it earns.
    """

    category: str
    up: int
    down: int
    held: int
    mean_change: float
    gain: float | None


class Changes(TypedDict):
    """The change of the objective of a week: relative, and in currency/week, both with their interval."""

    lift: float | None
    low: float | None
    high: float | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None


UNKNOWN = Changes(lift=None, low=None, high=None, gain=None, gain_low=None, gain_high=None)


class ListClaim(Changes):
    """A price list against the prices in force: prices that move, and what changes in a week.

    ``at_ends`` counts prices at the largest step up or down, ``at_ends_share`` is their share of the list.
    ``assumed`` counts products whose cost is that of a stated margin, ``assumed_margins`` are the lowest and
    the highest of these margins (share of the price), none where no cost is assumed. ``index`` is the change
    of the revenue-weighted price index. ``lift``, ``low`` and ``high`` are the relative change of the
    objective, ``gain``, ``gain_low`` and ``gain_high`` the same in currency/week, with the interval of what
    is not known about slopes and curve. ``refusal`` says why the change is not identified, and is empty where
    it is; no list may be published on one that is not.
    """

    objective: str
    assumed: int
    assumed_margins: list[float] | None
    up: int
    down: int
    held: int
    at_ends: int
    at_ends_share: float
    index: float
    categories: list[CategoryClaim]
    refusal: str


def list_claim(
    table: pd.DataFrame,
    products: Products,
    rules: Rules,
    *,
    confidence: float,
    refusal: str,
    categories: Sequence[str] = (),
) -> ListClaim:
    """Return the claim of a price list.

    Args:
        table: the list, as ``price_list`` returns it for all products of the market in turn.
        products: of the market.
        rules: objective and ladder.
        confidence: probability of the interval.
        refusal: why the demand is not identified; empty where it is.
        categories: of the products (products,); none: the claim has no categories.
    """
    ratio, step = table[PRICE].to_numpy(float) / products.price, table[STEP].to_numpy(float)
    before, after = (outcome(products, rules, prices).earned for prices in (np.ones(len(ratio)), ratio))
    weight = products.price * products.units / (products.price * products.units).sum()
    margins = _assumed_margins(products, rules)
    comparable = bool((before.sum(axis=1) > LEAST_EARNED).all())
    figures = changes_between(before.sum(axis=1), after.sum(axis=1), confidence) if comparable else UNKNOWN
    ends, (up, down, held) = at_ends(step, rules), _counts(step)
    return ListClaim(
        objective=rules.objective,
        assumed=len(margins),
        assumed_margins=[float(margins.min()), float(margins.max())] if len(margins) else None,
        up=up,
        down=down,
        held=held,
        at_ends=int(ends.sum()),
        at_ends_share=float(ends.mean()),
        index=float(np.expm1(weight @ np.log(ratio))),
        **figures,
        categories=_by_category(categories, step, (after - before).mean(axis=0) if comparable else None),
        refusal=refusal,
    )


def changes_between(before: np.ndarray, after: np.ndarray, confidence: float) -> Changes:
    """Return the relative and the absolute change with their intervals, from earnings in draws (draws,)."""
    tails, lift, gain = [(1 - confidence) / 2, (1 + confidence) / 2], after / before - 1, after - before
    (low, high), (gain_low, gain_high) = np.quantile(lift, tails), np.quantile(gain, tails)
    return Changes(
        lift=float(lift.mean()),
        low=float(low),
        high=float(high),
        gain=float(gain.mean()),
        gain_low=float(gain_low),
        gain_high=float(gain_high),
    )


def _assumed_margins(products: Products, rules: Rules) -> np.ndarray:
    """Return the stated margins that the objective rests on, share of the price (assumed,)."""
    assumed = products.cost_assumed.astype(bool) & (rules.objective == "profit")
    return np.asarray(1 - (products.covering_price / products.price)[assumed]).round(MARGIN_DECIMALS)


def _counts(step: np.ndarray) -> tuple[int, int, int]:
    """Return how many prices rise, fall and hold."""
    return int((step > 1).sum()), int((step < 1).sum()), int((step == 1).sum())


def _by_category(categories: Sequence[str], step: np.ndarray, gain: np.ndarray | None) -> list[CategoryClaim]:
    """Return the claims of the categories, the largest gain first."""
    names = np.asarray(categories, dtype=object)
    claims = []
    for name in sorted(set(categories)):
        rows = names == name
        up, down, held = _counts(step[rows])
        claims.append(
            CategoryClaim(
                category=str(name),
                up=up,
                down=down,
                held=held,
                mean_change=float((step[rows] - 1).mean()),
                gain=None if gain is None else float(gain[rows].sum()),
            )
        )
    return sorted(claims, key=lambda claim: -(claim["gain"] or 0.0))


def at_ends(step: np.ndarray, rules: Rules) -> np.ndarray:
    """Return which steps are the largest ones, as far as prices can be rounded to them (products,), bool."""
    near = np.abs(step[:, None] - rules.ladder).argmin(axis=1)
    return np.isin(near, (0, len(rules.ladder) - 1))


def earned(products: Products, rules: Rules, ratio: np.ndarray) -> np.ndarray:
    """Return what a week is expected to earn in every draw, currency/week (draws,); see ``outcome``."""
    return np.asarray(outcome(products, rules, ratio).earned.sum(axis=1))


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


def assumption(claim: Mapping[str, Any]) -> str:
    """Return at which margin profit is assumed, empty where no cost is."""
    margins = claim["assumed_margins"]
    if margins is None:
        return ""
    low, high = (f"{100 * margin:.3g} %" for margin in margins)
    return f"at an assumed margin of {low}" if low == high else f"at assumed margins of {low} to {high}"


def figures(claim: Mapping[str, Any]) -> dict[str, float]:
    """Return the claim's figures by metric name, such as ``list.lift``."""
    counts = ("up", "down", "held", "at_ends", "at_ends_share", "index")
    names = (*counts, "lift", "low", "high", "gain", "gain_low", "gain_high")
    return {f"list.{name}": float(claim[name]) for name in names if claim.get(name) is not None}
