"""Why a price: the policy's value of every step, and what the step is expected to sell and earn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from expectations.columns import PRICE
from tasks.pricing.belief import draw_elasticities
from tasks.pricing.demand import demand_ratio, pull
from tasks.pricing.greedy import Greedy
from tasks.pricing.known_cost import cost_holds
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.state import View, observe, opening

DRAWS = 4000  # elasticities over which expected units are averaged
LEVELS = (0.025, 0.975)  # quantiles of an interval that holds 95 %
FREE, AT_LOW, AT_HIGH = "none", "lowest step of the ladder", "highest step of the ladder"
AT_COST = "no step below the cost"
UNIDENTIFIED = "elasticity not identified: the price holds"


class Explanation(NamedTuple):
    """Why a price.

    Attributes:
        ladder: a row per step: step, price (currency/unit), allowed, chosen, q_value, and units, revenue and
            profit per week with ``_low`` and ``_high`` (95 % of the plausible elasticities); profit is nan
            without a cost. A Q-value is the discounted gain of the season over holding the price, in weeks of
            usual revenue.
        elasticity: mean of the belief that was used.
        elasticity_low, elasticity_high: 95 % of it.
        binding: rule that bound the price, ``none`` where the policy was free.
    """

    ladder: pd.DataFrame
    elasticity: float
    elasticity_low: float
    elasticity_high: float
    binding: str


def explain(product: Products, rules: Rules, policy: Greedy, seed: int) -> Explanation:
    """Explain the first price of a season for one product.

    Args:
        product: exactly one.
        rules: of its market.
        policy: what decides.
        seed: of the drawn elasticities.

    Raises:
        ValueError: there is not exactly one product.
    """
    if len(product) != 1:
        raise ValueError(f"explain: exactly one product. Received: {len(product)}.")
    view = opening(product)
    chosen = int(policy(view, rules)[0])
    uniform = np.random.default_rng(seed).random(DRAWS)
    elasticity = draw_elasticities(product.elasticity[0], product.standard_error[0], uniform)
    ladder = pd.DataFrame(
        {
            "step": rules.ladder,
            PRICE: rules.ladder * product.price,
            "allowed": rules.allowed(product)[0],
            "chosen": np.arange(len(rules.ladder)) == chosen,
            "q_value": policy.q_values(observe(view, rules))[0],
        }
    )
    low, high = np.quantile(elasticity, LEVELS)
    return Explanation(
        ladder=ladder.assign(**_outcomes(view, rules, elasticity)),
        elasticity=float(view.mean[0]),
        elasticity_low=float(low),
        elasticity_high=float(high),
        binding=_binding(product, rules, chosen),
    )


def _outcomes(view: View, rules: Rules, elasticity: np.ndarray) -> dict[str, np.ndarray]:
    """Return units, revenue and profit of the first week by step, with their intervals (actions,).

    Args:
        view: of one product.
        rules: of its market.
        elasticity: plausible ones (draws,).
    """
    product, steps = view.products, rules.ladder[:, None]
    pulled = pull(steps, view.remembered, view.ratio, rules)
    units = product.units * demand_ratio(steps, elasticity, pulled)
    units = np.minimum(units, product.stock + product.arrivals)  # (actions, draws)
    price = rules.ladder * product.price
    cost = np.where(np.isfinite(product.unit_cost), product.unit_cost, np.nan)
    profit = price / (1 + product.tax_rate) - cost
    outcomes = {}
    for name, worth in (("units", np.ones(len(price))), ("revenue", price), ("profit", profit)):
        earned = units * worth[:, None]
        outcomes[name] = earned.mean(axis=1)
        outcomes[f"{name}_low"], outcomes[f"{name}_high"] = np.quantile(earned, LEVELS, axis=1)
    return outcomes


def _binding(product: Products, rules: Rules, chosen: int) -> str:
    """Return the rule that bound the chosen step of one product."""
    held = cost_holds(product.price, product.covering_price, product.cost_stale, rules.objective)[0]
    if held:
        return f"{held}: the price holds"
    if not product.identified[0]:
        return UNIDENTIFIED
    bounds = {len(rules.ladder) - 1: AT_HIGH, int(rules.allowed(product)[0].argmax()): AT_COST, 0: AT_LOW}
    return bounds.get(chosen, FREE)
