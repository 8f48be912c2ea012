"""Pictures of the price response."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from expectations.columns import CATEGORY, ELASTICITY, HIGH, IDENTIFIED, LOW
from tasks.response.pooling import RAW
from tasks.response.predictive_check import PredictiveCheck

MOVES, HOLDS = "#4c78a8", "#b0b0b0"  # colours of products whose price may move, and whose price holds
SHOWN = (-8, 4)  # elasticities between which estimates are drawn; the rest is counted


def elasticities(table: pd.DataFrame) -> Figure:
    """Draw every elasticity with its interval, and beside the estimate of the product alone.

    Args:
        table: as ``panel_response`` returns it.
    """
    figure = Figure(figsize=(13, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    ordered = table.sort_values(ELASTICITY, ignore_index=True)
    for moves, colour in ((True, MOVES), (False, HOLDS)):
        rows = ordered[ordered[IDENTIFIED] == moves]
        label = f"identified ({len(rows)})" if moves else f"not identified ({len(rows)}): the price holds"
        left.vlines(rows.index, rows[LOW], rows[HIGH], color=colour, lw=1, alpha=0.6)
        left.plot(rows.index, rows[ELASTICITY], ".", color=colour, ms=4, label=label)
        inside = rows[rows[RAW].between(*SHOWN)]
        right.plot(inside[RAW], inside[ELASTICITY], ".", color=colour, ms=5)
    left.axhline(0, color="black", lw=0.8)
    left.set(
        xlabel="products, the most elastic first",
        ylabel="own-price elasticity",
        title="Own-price elasticities with intervals",
    )
    left.legend(fontsize=8)
    right.plot(SHOWN, SHOWN, color="black", lw=0.8, ls="--", label="not pulled at all")
    hidden = int((~table[RAW].between(*SHOWN)).sum())
    right.set(xlabel="estimate of the product alone", ylabel="after learning from its category", xlim=SHOWN)
    right.set_title(f"What a product learns from its category ({hidden} lie beyond the edges)", fontsize=10)
    right.legend(fontsize=8)
    return figure


def by_category(table: pd.DataFrame) -> Figure:
    """Draw the identified elasticities of every category."""
    identified = table[table[IDENTIFIED]]
    order = identified.groupby(CATEGORY)[ELASTICITY].median().sort_values()
    figure = Figure(figsize=(9, 1.5 + 0.2 * max(len(order), 4)), layout="constrained")
    axis = figure.subplots()
    place = {name: k for k, name in enumerate(order.index[::-1])}
    axis.plot(identified[ELASTICITY], identified[CATEGORY].map(place), "o", color=MOVES, ms=4, alpha=0.7)
    axis.plot(
        order.to_numpy(), [place[name] for name in order.index], "|", color="black", ms=10, label="median"
    )
    axis.set_yticks(np.arange(len(order)), [str(name).title() for name in order.index[::-1]], fontsize=7)
    axis.axvline(0, color="black", lw=0.8)
    axis.set(xlabel="own-price elasticity", title="Identified elasticities by category")
    axis.legend(fontsize=8)
    return figure


def predictive_check(check: PredictiveCheck) -> Figure:
    """Draw the calibration slope of group revenue on held-out weeks with its interval, against 1."""
    figure = Figure(figsize=(8, 2), layout="constrained")
    axis = figure.subplots()
    slope, low, high = (check["slope"], check["low"], check["high"])
    if slope is not None and low is not None and high is not None:
        axis.hlines(0, low, high, color=MOVES, lw=3)
        axis.plot(slope, 0, "o", color=MOVES, ms=9)
    axis.axvline(1, color="black", lw=0.8, ls="--", label="a model that is right")
    axis.set(yticks=[], xlabel="change of log revenue over the change that earlier weeks predict")
    what = f"Revenue of {check['groups']} groups in {check['weeks']} held-out weeks"
    axis.set_title(f"{what}: {check['status']}", fontsize=10)
    axis.legend(fontsize=8)
    return figure
