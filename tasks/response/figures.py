"""Pictures of the price response."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from expectations.columns import CATEGORY, ELASTICITY, HIGH, IDENTIFIED, LOW
from expectations.palette import BLACK, BLUE, GREY
from expectations.product_names import readable, shortened
from tasks.response.pooling import RAW
from tasks.response.predictive_check import FAILED, PASSED, UNTESTED, PredictiveCheck

MOVES, HOLDS = BLUE, GREY  # colours of products whose price may move, and whose price holds
VERDICTS = {
    PASSED: "Yes: the interval holds 1",
    FAILED: "No: the interval misses 1",
    UNTESTED: "Untested: too uncertain to say",
}
SHOWN = (-8, 4)  # elasticities between which estimates are drawn; the rest is counted


def elasticities(table: pd.DataFrame) -> Figure:
    """Draw every elasticity with its interval, and beside the estimate of the product alone.

    Args:
        table: as ``panel_response`` returns it.
    """
    figure = Figure(figsize=(13, 5.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    ordered = table.sort_values(ELASTICITY, ignore_index=True)
    for moves, colour, mark in ((True, MOVES, "o"), (False, HOLDS, "x")):
        rows = ordered[ordered[IDENTIFIED] == moves]
        known = "known well enough: the price may move" if moves else "not known: the price is held"
        left.vlines(rows.index, rows[LOW], rows[HIGH], color=colour, lw=1, alpha=0.6)
        left.plot(
            rows.index, rows[ELASTICITY], mark, color=colour, ms=4, label=f"{len(rows)} products {known}"
        )
        inside = rows[rows[RAW].between(*SHOWN)]
        right.plot(inside[RAW], inside[ELASTICITY], mark, color=colour, ms=5)
    left.axhline(0, color=BLACK, lw=0.8)
    left.set(
        xlabel="products, those that answer the price most first",
        ylabel="own-price elasticity (% units per 1 % price)",
        title="How sales answer the product's price",
    )
    right.plot(SHOWN, SHOWN, color=BLACK, lw=0.8, ls="--", label="nothing learned from the category")
    hidden = int((~table[RAW].between(*SHOWN)).sum())
    right.set(
        xlabel="estimate of the product alone (% units per 1 % price)",
        ylabel="with what its category tells (% units per 1 % price)",
        xlim=SHOWN,
    )
    beyond = f"\n({hidden} beyond the edges)" if hidden else ""
    right.set_title(f"What a product learns from its category{beyond}")
    figure.legend(loc="outside lower center", ncols=3, fontsize=10)
    return figure


def by_category(table: pd.DataFrame) -> Figure:
    """Draw the identified elasticities of every category."""
    identified = table[table[IDENTIFIED]]
    order = identified.groupby(CATEGORY)[ELASTICITY].median().sort_values()
    figure = Figure(figsize=(9, 2.0 + 0.22 * max(len(order), 4)), layout="constrained")
    axis = figure.subplots()
    place = {name: k for k, name in enumerate(order.index[::-1])}
    where = identified[CATEGORY].map(place)
    axis.plot(identified[ELASTICITY], where, "o", color=MOVES, ms=5, alpha=0.7, label="a product")
    medians = [place[name] for name in order.index]
    axis.plot(order.to_numpy(), medians, "|", color=BLACK, ms=12, label="median of the category")
    names = [shortened(readable(str(name))) for name in order.index[::-1]]
    axis.set_yticks(np.arange(len(order)), names, fontsize=9)
    axis.set_ylim(-0.8, max(len(order), 1) - 0.2)
    axis.axvline(0, color=BLACK, lw=0.8)
    axis.set(
        xlabel="own-price elasticity (% units per 1 % price)",
        title="How sales answer prices, by category (products whose price may move)",
    )
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def predictive_check(check: PredictiveCheck) -> Figure:
    """Draw the calibration slope of group revenue on held-out weeks with its interval, against 1."""
    figure = Figure(figsize=(9, 2.9), layout="constrained")
    axis = figure.subplots()
    slope, low, high = (check["slope"], check["low"], check["high"])
    if slope is not None and low is not None and high is not None:
        axis.hlines(0, low, high, color=MOVES, lw=4, label="measured, with interval")
        axis.plot(slope, 0, "o", color=MOVES, ms=10)
        axis.annotate(
            f"{slope:.2f} ({low:.2f} to {high:.2f})",
            (slope, 0),
            xytext=(0, 12),
            textcoords="offset points",
            ha="center",
        )
    axis.axvline(1, color=BLACK, lw=1, ls="--", label="a model that foresees exactly")
    axis.set(
        yticks=[],
        ylim=(-1, 1),
        xlabel="actual over predicted change of revenue (log points per log point)",
    )
    axis.set_title(
        f"Does the price response foresee later revenue? {VERDICTS[check['status']]}\n"
        f"{check['groups']} groups of substitutes, {check['weeks']} weeks not used in estimation",
        fontsize=11,
    )
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure
