"""A week of the market: all products of all groups stepped together in NumPy.

A season has a fixed number of weekly decisions. Demand is that of ``demand``; the slopes of the groups are
drawn once a season. The shop does not know them, and learns about them only from what it sells. The
remembered price is smoothed, and moves only by prices at which something sold: a price that nobody paid
anchors nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tasks.pricing.counts import expected_sales
from tasks.pricing.demand import DemandDraws, pull
from tasks.pricing.errors import MarketError
from tasks.pricing.rules import Rules  # versions registered earlier import it from here, too
from tasks.pricing.slopes import LEAST_GROUP, LEAST_SLOPE
from tasks.pricing.state import View, expected_worths

SURPRISE_MEMORY = 0.5  # weight of the past in the smoothed surprise, 1/week


@dataclass(frozen=True, kw_only=True)
class Week:
    """What a week brought to B products.

    Attributes:
        price: currency/unit (B,).
        units: units sold (B,).
        reward: currency (B,).
        advantage: the difference that the product makes to what its group is expected to earn, by what the
            shop knows, beside the planned prices of the others: over having the price in force, in shares of
            its revenue at that price, less what the index costs (B,). The learning signal: free of demand
            draws, of what nobody could know, and of steps that the others only explore.
    """

    price: np.ndarray
    units: np.ndarray
    reward: np.ndarray
    advantage: np.ndarray


def step(view: View, actions: np.ndarray, draws: DemandDraws, rules: Rules) -> tuple[View, Week]:
    """Sell for a week, and return what the shop knows then and what it earned.

    Args:
        view: what the shop knows before.
        actions: indices into the ladder (B,).
        draws: what chance decides.
        rules: of the market.

    Raises:
        MarketError: an action is not allowed to its product.
    """
    products, ratio = view.products, view.ratio * rules.ladder[actions]
    if not rules.may(products, view.ratio, ratio[:, None]).all():
        raise MarketError(
            "step: an action must be allowed to its product. Received: a move of one that must hold, "
            "a price below cost or one outside its bounds."
        )
    pulled = pull(ratio, view.remembered, view.ratio, rules)
    mu = draws.answer.units(products, ratio, pulled)
    expected = mu * draws.frailty[view.week]
    units = np.minimum(draws.buyers(view.week, expected), np.floor(view.stock))
    advantage = expected_worths(view, rules, ratio[:, None])[:, 0]
    if np.isfinite(view.stock).any():
        advantage += _unserved(view, ratio, mu, expected, rules) / (products.price * products.units)
    week = Week(
        price=ratio * products.price,
        units=units,
        reward=rules.margin(products, ratio) * units,
        advantage=advantage,
    )
    return _updated(view, ratio, pulled, units, rules), week


def _unserved(
    view: View, ratio: np.ndarray, mu: np.ndarray, expected: np.ndarray, rules: Rules
) -> np.ndarray:
    """Return what the difference of a product loses as its own stock cannot serve all buyers (B,)."""
    sales = expected_sales(expected, view.stock)
    return np.asarray(rules.margin(view.products, ratio) * (sales - mu) * np.isfinite(view.stock))


def _updated(
    view: View, ratio: np.ndarray, pulled: np.ndarray | float, units: np.ndarray, rules: Rules
) -> View:
    """Return the view after a week."""
    products, sold_out = view.products, units >= np.floor(view.stock)
    mu = view.believed.units(products, ratio, pulled)
    remembered = rules.reference_memory * view.remembered + (1 - rules.reference_memory) * ratio
    surprise = SURPRISE_MEMORY * view.surprise + (1 - SURPRISE_MEMORY) * (units / mu - 1)
    weight = products.price * products.units
    moved = products.season_sum(weight * np.log(ratio / view.ratio)) / products.season_sum(weight)
    learned = replace(
        view,
        week=view.week + 1,
        ratio=ratio,
        planned=ratio,
        remembered=np.where(units > 0, remembered, view.remembered),
        surprise=np.where(sold_out, view.surprise, surprise),
        stock=products.on_hand(view.stock - units),
        index=view.index + moved,
    )
    return _learned(learned, mu, units, ~sold_out)


def _learned(view: View, mu: np.ndarray, units: np.ndarray, served: np.ndarray) -> View:
    """Update the belief by a week: an extended Kalman step, demand linearised at the believed means.

    What a group sells in all moves with much that is not its prices. So members teach their within slope by
    how they share it: with z = x less its mean over the group's units, and r = units - N mu / M the units
    beyond the share of the total N,

        h = -z mu,  v = mu + dispersion mu^2,  1 / P' = 1 / P + sum h^2 / v,  b' = b + P' sum h r / v

    over the members. The only product of a group teaches its slope by its units themselves (z = x,
    r = units - mu). Holding (z = 0) teaches nothing. Nor does a week that sold out: its sales are not the
    demand.
    """
    products, alone = view.products, view.products.alone
    x = view.believed.change(products, view.ratio)
    total = products.group_sum(mu)
    z = np.where(alone, x, x - products.group_sum(mu * x) / total)
    surplus = units - np.where(alone, mu, products.group_sum(units) * mu / total)
    whole_group = products.group_sum((~served).astype(float)) == 0
    h = -z * mu * whole_group
    v = mu + products.dispersion * mu**2
    information, score = products.group_sum(h**2 / v), products.group_sum(h * surplus / v)
    belief = {}
    for name, rows, least in (("within", ~alone, LEAST_SLOPE), ("whole", alone, LEAST_GROUP)):
        mean, before = getattr(view, name), getattr(view, f"{name}_variance")
        variance = before / (1 + before * information)
        new = np.maximum(mean + variance * score, np.minimum(mean, least))
        belief[name] = np.where(rows, new, mean)
        belief[f"{name}_variance"] = np.where(rows, variance, before)
    return replace(view, **belief)
