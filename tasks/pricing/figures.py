"""Pictures of the pricing policy. Every value in them is simulated, in the market fitted to the sales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from expectations.columns import CURRENCY
from expectations.palette import BLACK, DARK, MODELS, WORDS
from tasks.pricing.comparison import Interval, steps_of
from tasks.pricing.demand import own_elasticities
from tasks.pricing.known_cost import earnings_note
from tasks.pricing.listing import Policy
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.state import opening
from tasks.pricing.training import Candidate

MONEY = "currency"  # of a label where no currency is named
DIRECTIONS = (("v", -1, "down"), ("o", 0, "held"), ("^", 1, "up"))  # marker, sign of the step, word


def figures_of(candidate: Candidate) -> dict[str, Figure]:
    """Draw a candidate policy: its training, its earnings, its decisions and its prices, by file name."""
    products, rules = candidate.products, candidate.rules
    moving = np.flatnonzero(rules.moves(products))
    shown = moving if moving.size else np.arange(len(products))
    taxed = bool(products.tax_rate.any())
    assumed = int(products.cost_assumed.astype(bool).sum())
    note = earnings_note(
        products.unit_cost, rules.objective, rules.stated_margin, taxed=taxed, assumed=assumed
    )
    steps = steps_of(candidate.seasons["dqn"], products.price)[:, shown]
    money = MONEY if CURRENCY not in candidate.market else str(candidate.market[CURRENCY].iloc[0])
    gain = candidate.gains["over_hold"]
    return {
        "policy_learning.png": learning(candidate.learning, candidate.bars, rules.objective),
        "policy_values.png": values(candidate.earnings, gain, f"{rules.objective} ({money})", note),
        "policy_map.png": policy_map(candidate.policy, products, rules),
        "policy_prices.png": prices(steps, rules),
    }


def learning(records: pd.DataFrame, bars: Mapping[str, float], objective: str) -> Figure:
    """Draw the gain of the policy over holding and the loss as training goes on, and which one was kept.

    Args:
        records: columns ``step``, ``loss``, ``value`` (currency per product-week), ``best``.
        bars: what ``hold`` and ``myopic`` earn on the same draws (currency per product-week).
        objective: what the value is.
    """
    figure = Figure(figsize=(10, 7), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    gain = 100 * (records["value"] / bars["hold"] - 1)
    best = int(records.index[records["best"]][-1])
    words = {"color": MODELS["dqn"], "label": WORDS["dqn"]}
    top.plot(records["step"], gain, marker="o", ms=4, lw=2, **words)
    top.plot(records["step"][best], gain[best], "o", ms=14, mfc="none", mew=2, color=BLACK, label="kept")
    for name, style in (("myopic", "--"), ("hold", ":")):
        bar = 100 * (bars[name] / bars["hold"] - 1)
        top.axhline(bar, color=MODELS[name], lw=1.8, ls=style, label=WORDS[name])
    top.set(ylabel=f"{objective} against holding\nall prices (%)")
    top.set_title(_kept(int(records["step"][best]), float(gain[best])), fontsize=11)
    trained = records[records["step"] > 0]  # no loss is known before the first step
    bottom.plot(trained["step"], trained["loss"], color=DARK, lw=1.4, marker=".")
    bottom.set(xlabel="training steps", ylabel="training error\n(Huber loss)")
    bottom.set_ylim(bottom=0)
    bottom.set_title(
        "The error is no measure of the policy: its target moves while it learns, so that it may rise.\n"
        "What is kept is the policy that earned most above, on draws of demand not used in training.",
        fontsize=9,
    )
    bottom.xaxis.set_major_formatter(FuncFormatter(lambda steps, _: f"{steps:,.0f}"))
    figure.legend(*top.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)
    return figure


def values(policy: Mapping[str, Interval], gain: Interval, worth: str, note: str) -> Figure:
    """Draw the value of every policy with its interval.

    Args:
        policy: ``value``, ``low``, ``high`` by name (currency per product-week).
        gain: of the learned policy over holding (share).
        worth: what the value is, with the currency.
        note: what it depends on.
    """
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axis = figure.subplots()
    for place, (name, interval) in enumerate(reversed(list(policy.items()))):
        error = [[interval["value"] - interval["low"]], [interval["high"] - interval["value"]]]
        style: dict[str, Any] = {"fmt": "D" if name == "dqn" else "o", "capsize": 4, "lw": 2}
        axis.errorbar(interval["value"], place, xerr=error, color=MODELS[name], **style)
        axis.annotate(
            f"{interval['value']:.2f}",
            (interval["value"], place),
            textcoords="offset points",
            xytext=(0, 9),
            ha="center",
            fontsize=9,
        )
    axis.set_yticks(range(len(policy)), [WORDS[name] for name in policy][::-1], fontsize=10)
    axis.set(xlabel=f"simulated {worth} per product and week", ylim=(-0.6, len(policy) - 0.2))
    ends = f"{100 * gain['low']:+.1f} to {100 * gain['high']:+.1f} %"
    axis.set_title(
        f"This policy earns {100 * gain['value']:+.1f} % against holding all prices ({ends}), simulated\n"
        f"{note}",
        fontsize=10,
    )
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
    most = 100 * np.abs(rules.ladder - 1).max()
    revenue = (products.price * products.units)[moving]
    size = 25 + 160 * revenue / max(revenue.max(initial=0.0), np.finfo(float).tiny)
    figure = Figure(figsize=(9.5, 5.8), layout="constrained")
    axis, counts = figure.subplots(), []
    marks = {"cmap": "RdBu_r", "vmin": -most, "vmax": most, "ec": DARK}
    for marker, sign, word in DIRECTIONS:
        rows = np.sign(step) == sign
        counts.append(f"{rows.sum()} {word}")
        style = {"c": step[rows], "s": size[rows], "marker": marker, "label": f"price {word}", **marks}
        points = axis.scatter(elasticity[rows], whole[rows], **style)
    axis.set(
        xlabel="own elasticity (% units per 1 % price of the product)",
        ylabel="fall of the whole group of substitutes\n(% units per 1 % price of the group)",
    )
    axis.set_title(
        f"The first list, products that may move: prices {', '.join(reversed(counts))}\n"
        "the larger the mark, the more revenue",
        fontsize=11,
    )
    figure.colorbar(points, ax=axis, label="change of the price (%)")
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def prices(steps: np.ndarray, rules: Rules) -> Figure:
    """Draw how often each step of the ladder is taken, by products that may move.

    Args:
        steps: prices relative to those of the week before (draws, products, weeks).
        rules: of the market.
    """
    share = [float(np.isclose(steps, step).mean()) for step in rules.ladder]
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axis = figure.subplots()
    names = [f"{100 * (step - 1):+.3g} %" if step != 1 else "held" for step in rules.ladder]
    bars = axis.bar(names, share, color=MODELS["dqn"])
    axis.bar_label(bars, [f"{100 * value:.0f} %" for value in share], fontsize=10)
    axis.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axis.set(xlabel="change of the price from week to week", ylabel="share of the products' weeks")
    held = 100 * share[rules.hold]
    axis.set_title(
        f"Over the season, products that may move hold their price in {held:.0f} % of the weeks", fontsize=11
    )
    axis.margins(y=0.12)
    return figure


def _kept(step: int, gain: float) -> str:
    """Return which policy of the training was kept, and why."""
    if step == 0:
        return (
            f"Kept: the policy as it began, which plans for each week ({gain:+.1f} % against holding)\n"
            "no step of the training earned more, on draws of demand not used in training"
        )
    return (
        f"Kept: the policy after {step:,} steps ({gain:+.1f} % against holding)\n"
        "it earned most on draws of demand not used in training"
    )
