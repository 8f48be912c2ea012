"""What the guard did to a price, in a plain sentence that names the rules."""

from __future__ import annotations

import numpy as np

from tasks.governance.list_guard import Action, Guarded, Why
from tasks.governance.rules import RULES, Rule

SENTENCES = {
    Why.FREE: "",
    Why.AT_LOW: "Set to the lowest price by the rule {rule}.",
    Why.AT_HIGH: "Set to the highest price by the rule {rule}.",
    Why.AT_ENDING: "Set to the nearest price with an allowed ending.",
    Why.STAYS: "Held: the rule {rule} allows no further move.",
    Why.NO_PRICE: "Held: the wanted price is no finite amount above 0.",
    Why.NOT_IN_FORCE: "Left out: the price in force is no finite amount above 0; correct it.",
    Why.CONFLICT: "Held: no price is allowed by {rules}.",
    Why.NOT_ROUND: "Held: no price with the decimals of the currency is allowed by {rules}.",
    Why.NO_ENDING: "Held: no price with an allowed ending lies inside the bounds.",
    Why.ANNOUNCED_OUTSIDE: "Held: the announced price breaks the rule {rule}.",
    Why.NO_REDUCTION: "Held: the announced price is not below the lowest price of the 30 days before.",
    Why.PRIOR_UNKNOWN: (
        "Held: the lowest price of the 30 days before is not known: give --sales that cover them."
    ),
    Why.PACK: "Held: a larger pack would be dearer per unit.",
    Why.INDEX: "Held: keeps the price index of the list inside its band.",
    Why.BUDGET: "Held: the list changes as many prices as it may.",
    Why.NO_FLOOR: "Held: no floor, for no cost is known and no least price is named.",
    Why.COST_NO_AMOUNT: "Held: its unit cost is not an amount above 0; correct it.",
    Why.COST_NOT_BELOW: "Held: its unit cost is not below its price; check both.",
    Why.COST_STALE: "Held: its unit cost is out of date; renew it.",
    Why.NO_VALUE: "Held: a value of the rule {rule} is no finite amount above 0; correct it.",
    Why.FOLLOWS: "Set to keep the parity of the channels.",
    Why.APART: "Held: keeps the parity of the channels.",
}
SIZES = (len(SENTENCES), len(RULES), len(RULES), len(RULES))
OUTSIDE = "Left out: the price in force breaks the rule {outside}. "


def binding_rules(guarded: Guarded) -> np.ndarray:
    """Return the names of the rules that bind, of a conflict both, empty where none does (rows,), text."""
    names = np.array(RULES, dtype=object)
    conflict = guarded.other != Rule.NONE
    return np.where(conflict, names[guarded.rule] + " and " + names[guarded.other], names[guarded.rule])


def reasons(guarded: Guarded) -> np.ndarray:
    """Return a sentence for every row, empty where the guard changed nothing (rows,), text."""
    left_out = guarded.action == Action.LEAVE_OUT
    outside = np.where(left_out, guarded.outside, Rule.NONE)
    codes = (guarded.why, guarded.rule, guarded.other, outside)
    kinds, kind = np.unique(np.ravel_multi_index(codes, SIZES), return_inverse=True)
    sentences = [_sentence(*map(int, np.unravel_index(number, SIZES))) for number in kinds]
    return np.array(sentences, dtype=object)[kind]


def _sentence(why: int, rule: int, other: int, outside: int) -> str:
    names = RULES[rule] if other == Rule.NONE else f"{RULES[rule]} and {RULES[other]}"
    text = SENTENCES[Why(why)].format(rule=RULES[rule], rules=names)
    if outside == Rule.NONE:
        return text
    remedy = text.removeprefix("Held: ")
    return OUTSIDE.format(outside=RULES[outside]) + remedy[:1].upper() + remedy[1:]
