"""Pictures of the pricing policy. Every value in them is simulated, in the market fitted to the sales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from expectations.columns import CURRENCY
from tasks.pricing.comparison import steps_of
from tasks.pricing.demand import own_elasticities
from tasks.pricing.known_cost import earnings_note
from tasks.pricing.listing import Policy
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.state import opening
from tasks.pricing.training import Candidate

COLOURS = {
    "dqn": "#54a24b",
    "myopic": "#f58518",
    "cost_plus": "#b279a2",
    "hold": "#7f7f7f",
    "random": "#b0b0b0",
}
MONEY = "currency"  # of a label where no currency is named


def figures_of(candidate: Candidate) -> dict[str, Figure]:
    """Draw a candidate policy: its training, its earnings, its decisions and its prices, by file name."""
    products, rules = candidate.products, candidate.rules
    moving = np.flatnonzero(rules.moves(products))
    shown = moving if moving.size else np.arange(len(products))
    baselines = {
        name: float(candidate.seasons[name].rewards[:, shown].mean())
        for name in ("myopic", "hold", "cost_plus", "random")
    }
    taxed = bool(products.tax_rate.any())
    assumed = int(products.cost_assumed.astype(bool).sum())
    note = earnings_note(
        products.unit_cost, rules.objective, rules.stated_margin, taxed=taxed, assumed=assumed
    )
    steps = steps_of(candidate.seasons["dqn"], products.price)[:, shown]
    money = MONEY if CURRENCY not in candidate.market else str(candidate.market[CURRENCY].iloc[0])
    return {
        "policy_learning.png": learning(candidate.learning, baselines, rules.objective, money),
        "policy_values.png": values(candidate.earnings, rules.objective, note, money),
        "policy_map.png": policy_map(candidate.policy, products, rules),
        "policy_prices.png": prices(steps, rules),
    }


def learning(
    records: pd.DataFrame, baselines: Mapping[str, float], objective: str, money: str = MONEY
) -> Figure:
    """Draw the value of the greedy policy and the loss as training goes on.

    Args:
        records: columns ``step``, ``loss``, ``value`` (currency per product-week), ``best``.
        baselines: value of every baseline in the seasons of the comparison.
        objective: what the value is.
        money: name of the currency.
    """
    figure = Figure(figsize=(9, 6), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    top.plot(records["step"], records["value"], color=COLOURS["dqn"], marker=".", label="dqn, greedy")
    best = records[records["best"]].iloc[-1]
    top.plot(best["step"], best["value"], "o", ms=9, mfc="none", color="black", label="kept")
    for name, value in baselines.items():
        top.axhline(value, color=COLOURS[name], lw=1.2, ls="--", label=name)
    top.set(
        ylabel=f"{objective} per product-week ({money})",
        title="Learning, evaluated on seasons not used in training; products that may move",
    )
    top.legend(fontsize=8, ncols=3)
    bottom.plot(records["step"], records["loss"], color="black", lw=1)
    bottom.set(xlabel="environment steps", ylabel="Huber loss")
    return figure


def values(policy: Mapping[str, Mapping[str, Any]], objective: str, note: str, money: str = MONEY) -> Figure:
    """Draw the value of every policy with its interval.

    Args:
        policy: ``value``, ``low``, ``high`` by name (currency per product-week).
        objective: what the value is.
        note: what it depends on.
        money: name of the currency.
    """
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axis = figure.subplots()
    for place, (name, interval) in enumerate(reversed(list(policy.items()))):
        error = [[interval["value"] - interval["low"]], [interval["high"] - interval["value"]]]
        axis.errorbar(interval["value"], place, xerr=error, fmt="o", color=COLOURS[name], capsize=4)
        axis.annotate(
            f"{interval['value']:.2f}",
            (interval["value"], place),
            textcoords="offset points",
            xytext=(0, 8),
            ha="center",
            fontsize=8,
        )
    axis.set_yticks(range(len(policy)), list(policy)[::-1])
    axis.set(xlabel=f"simulated {objective} per product-week ({money})", ylim=(-0.6, len(policy) - 0.2))
    axis.set_title(f"Policies on seasons not used in training\n{note}", fontsize=10)
    return figure


def policy_map(policy: Policy, products: Products, rules: Rules) -> Figure:
    """Draw the steps of the first list by own elasticity and slope of the group of every product.

    Args:
        policy: what is drawn.
        products: of the market, one season.
        rules: of the market.
    """
    plan = policy(opening(products), rules)
    moving = np.flatnonzero(rules.moves(products))
    elasticity = own_elasticities(products).mean(axis=0)[moving]
    whole = products.slopes.mean_whole[products.group][moving]
    step = 100 * (rules.ladder[plan.actions[moving]] - 1)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axis = figure.subplots()
    most = 100 * np.abs(rules.ladder - 1).max()
    revenue = (products.price * products.units)[moving]
    size = 15 + 120 * revenue / max(revenue.max(initial=0.0), np.finfo(float).tiny)
    points = axis.scatter(elasticity, whole, c=step, s=size, cmap="RdBu_r", vmin=-most, vmax=most, ec="grey")
    axis.set(
        xlabel="own elasticity at the price in force",
        ylabel="slope of the group as a whole",
        title="The first list: steps of the products that may move, sized by revenue",
    )
    figure.colorbar(points, ax=axis, label="step (%)")
    return figure


def prices(steps: np.ndarray, rules: Rules) -> Figure:
    """Draw how often each step of the ladder is taken, by products that may move.

    Args:
        steps: prices relative to those of the week before (draws, products, weeks).
        rules: of the market.
    """
    share = [(np.isclose(steps, step)).mean() for step in rules.ladder]
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axis = figure.subplots()
    axis.bar([f"{100 * (step - 1):+.3g} %" for step in rules.ladder], share, color=COLOURS["dqn"])
    axis.set(
        xlabel="change of the price from week to week",
        ylabel="share of product-weeks",
        title="Steps that the policy takes",
    )
    return figure
