"""Why a price of the list: one sentence that needs no model to be understood."""

from __future__ import annotations

import pandas as pd

from expectations.columns import RANDOMISED, REASON
from tasks.pricing.known_cost import NO_AMOUNT, NO_COST, NOT_BELOW, STALE
from tasks.pricing.list_claim import at_ends
from tasks.pricing.list_expectation import Expected
from tasks.pricing.recommend import ANNOUNCED, AT_INDEX, HOLD_BEST, NOT_IDENTIFIED, NOT_TRAINED, STEP
from tasks.pricing.rules import Rules
from tasks.pricing.variation import PLANNED

HELD = {
    HOLD_BEST: "Held: no allowed price earns more.",
    HOLD_BEST
    + AT_INDEX: "Held: no allowed price earns more within the limit on the price level of the list.",
    NOT_IDENTIFIED: "Held: the sales do not show clearly how buyers react to its price.",
    NOT_TRAINED: "Held: new product, its sales were not in the training.",
    NO_COST: "Held: its unit cost is not known.",
    NO_AMOUNT: "Held: its unit cost is not an amount above 0; correct it.",
    NOT_BELOW: "Held: its unit cost is not below its price; check both.",
    STALE: "Held: its unit cost is out of date; renew it.",
    ANNOUNCED: "Price of an announced promotion.",
}
"""Sentences of the reasons for which the policy does not move a price."""
LEAST = 0.005  # currency/week that is worth a word, rounded to cents


def sentences(table: pd.DataFrame, expected: Expected, rules: Rules) -> list[str]:
    """Return the reason of every price of a list in a plain sentence.

    Args:
        table: the list, as ``price_list`` returns it.
        expected: what it is expected to do.
        rules: objective and ladder.
    """
    step, ends = table[STEP].to_numpy(float), at_ends(table[STEP].to_numpy(float), rules)
    reasons = []
    for row, code in enumerate(table[REASON].to_list()):
        reason = HELD.get(code, "") if step[row] == 1.0 or code == ANNOUNCED else ""
        reason = reason or _moved(row, float(step[row]), expected, rules.objective, code)
        if ends[row] and code not in HELD:
            reason = reason.removesuffix(".") + "; the largest step of a week."
        reasons.append(reason)
    drawn = table[RANDOMISED].to_numpy(float) != 0
    planned = table[PLANNED].to_numpy(float)
    return [
        f"Test price, moved at random from {planned[row]:g} to learn how buyers react. {reason}"
        if drawn[row]
        else reason
        for row, reason in enumerate(reasons)
    ]


def _moved(row: int, step: float, expected: Expected, objective: str, code: str) -> str:
    """Return what a price that moves does to units and earnings; ``code`` is the policy's reason."""
    move = "Raised" if step > 1 else "Lowered"
    change = 100 * (expected.units.mean[row] / expected.units_before[row] - 1)
    units = f"{abs(change):.1f} % {'more' if change > 0 else 'fewer'} units a week"
    worth = objective + (" at the assumed margin" if expected.cost_assumed[row] else "")
    gain, group = float(expected.gain.mean[row]), float(expected.group_gain[row])
    if gain >= LEAST:
        return f"{move}: {units}, {_money(gain, expected)} more {worth}."
    if group >= LEAST:
        together = f"together with similar products {_money(group, expected)} more"
        return f"{move}: {units}; {together} {worth}."
    if code.endswith(AT_INDEX):
        others = "rise" if step < 1 else "fall"
        return f"{move}: {units}; keeps the price level of the list within its limit while others {others}."
    return f"{move}: {units}; a step towards better prices in the weeks to come."


def _money(amount: float, expected: Expected) -> str:
    return f"{amount:,.2f}" + (f" {expected.currency}" if expected.currency else "")
