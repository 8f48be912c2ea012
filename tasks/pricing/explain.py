"""Why a price: what every step is worth in its list, and what it is expected to sell and earn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import PRICE
from tasks.pricing.demand import answer_of, own_elasticities, pull
from tasks.pricing.known_cost import cost_holds
from tasks.pricing.listing import ListPlan
from tasks.pricing.rules import NEAR, Rules
from tasks.pricing.state import View

LEVELS = (0.025, 0.975)  # quantiles of an interval that holds 95 %
FREE, AT_LOW, AT_HIGH = "none", "the largest step down of a week", "the largest step up of a week"
AT_COST, AT_BAND = "no step below the cost", "the band around its usual price (slow reference)"
AT_INDEX = "the index of the shop's prices may change only so much"
UNIDENTIFIED = "elasticity not identified: the price holds"


class Explanation(NamedTuple):
    """Why a price.

    Attributes:
        ladder: a row per step: step, price (currency/unit), allowed, chosen, q_value, and units, revenue and
            profit per week with ``_low`` and ``_high`` (95 % of the draws of the slopes), the other prices as
            in the list; profit is nan without a cost. A Q-value is what the season earns beyond keeping the
            price at the end of the training, less what the index costs, in weeks of usual revenue; ``gain``
            is what it earns beyond keeping the price in force now (currency), 0 for that price itself. Both
            are those of its group, and minus infinity and nan where a step is not allowed.
        elasticity: mean own elasticity at the price in force.
        elasticity_low, elasticity_high: 95 % of it.
        binding: rule that bound the price, ``none`` where the policy was free; where the price holds because
            its elasticity is not identified, with the test that failed.
    """

    ladder: pd.DataFrame
    elasticity: float
    elasticity_low: float
    elasticity_high: float
    binding: str


def explain(plan: ListPlan, rules: Rules, row: int, refusal: str = "") -> Explanation:
    """Explain one price of a list.

    Args:
        plan: the list.
        rules: of its market.
        row: of the product.
        refusal: which test of identification the product failed; empty where none is known.
    """
    view = plan.view
    product = view.products.take(np.array([row]))
    prices = view.prices(rules)[row]
    elasticity = own_elasticities(view.products)[:, row]
    low, high = np.quantile(elasticity, LEVELS)
    ladder = pd.DataFrame(
        {
            "step": prices / view.ratio[row],
            PRICE: prices * product.price,
            "allowed": np.isfinite(plan.worth[row]),
            "chosen": np.arange(len(prices)) == plan.actions[row],
            "q_value": plan.worth[row],
            "gain": _gain(plan, rules, row),
        }
    )
    return Explanation(
        ladder=ladder.assign(**_outcomes(view, rules, row)),
        elasticity=float(elasticity.mean()),
        elasticity_low=float(low),
        elasticity_high=float(high),
        binding=_binding(plan, rules, row, refusal),
    )


def _gain(plan: ListPlan, rules: Rules, row: int) -> np.ndarray:
    """Return what the season earns beyond holding, by step: currency, nan where not allowed (actions,)."""
    products, worth = plan.view.products, plan.worth[row]
    gain = (worth - worth[rules.hold]) * products.price[row] * products.units[row]
    return np.where(np.isfinite(worth), gain, np.nan)


def _outcomes(view: View, rules: Rules, row: int) -> dict[str, np.ndarray]:
    """Return units, revenue and profit of the week by step, with their intervals (actions,)."""
    products = view.products
    members = np.flatnonzero(products.episode == products.episode[row])
    place, draws = int(np.flatnonzero(members == row)[0]), len(products.slopes)
    group = products.take(members).repeat(draws)
    answer, units = answer_of(group, group.season), []
    for ratio in view.prices(rules)[row]:
        prices = view.planned[members].copy()
        prices[place] = ratio
        pulled = pull(prices, view.remembered[members], view.ratio[members], rules)
        pulls = np.tile(np.broadcast_to(pulled, prices.shape), draws)
        units.append(answer.units(group, np.tile(prices, draws), pulls).reshape(draws, -1)[:, place])
    sold = np.minimum(np.stack(units), view.stock[row])  # (actions, draws)
    price = view.prices(rules)[row] * products.price[row]
    cost = products.unit_cost[row] if np.isfinite(products.unit_cost[row]) else np.nan
    profit = price / (1 + products.tax_rate[row]) - cost
    outcomes = {}
    for name, worth in (("units", np.ones(len(price))), ("revenue", price), ("profit", profit)):
        earned = sold * worth[:, None]
        outcomes[name] = earned.mean(axis=1)
        outcomes[f"{name}_low"], outcomes[f"{name}_high"] = np.quantile(earned, LEVELS, axis=1)
    return outcomes


def _binding(plan: ListPlan, rules: Rules, row: int, refusal: str) -> str:
    """Return the rule that bound the chosen step of a product."""
    view, may, chosen = plan.view, np.isfinite(plan.worth[row]), int(plan.actions[row])
    products = view.products
    covering = rules.floor(products)[row : row + 1]
    price = products.price[row : row + 1] * view.ratio[row]
    cost = np.where(products.cost_assumed[row], price / 2, covering)
    held = cost_holds(price, cost, products.cost_stale[row : row + 1], rules.objective)[0]
    if held:
        return f"{held}: the price holds"
    if not products.identified[row]:
        return f"{UNIDENTIFIED}, because {refusal}" if refusal else UNIDENTIFIED
    if chosen == may.argmax() > 0:
        return AT_COST if covering[0] > products.lowest[row] * (1 + NEAR) else AT_BAND
    if chosen == len(may) - 1 - may[::-1].argmax() < len(may) - 1:
        return AT_BAND
    if chosen in (0, len(may) - 1):
        return AT_LOW if chosen == 0 else AT_HIGH
    return AT_INDEX if plan.side[row] else FREE
