"""The picture of a closed loop: what was claimed of every list and season, beside truth and possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

INCHES_A_SHOP, LEAST_HEIGHT = 0.22, 3.0
CLAIM, TRUTH, BEST = "tab:blue", "black", "tab:green"
PARTS = (
    ("list", "best_possible", "the first list, a week"),
    ("season", "best_possible_season", "the season, mean of its weeks"),
)


def figure_of(shops: Sequence[Mapping[str, Any]]) -> Figure:
    """Return a panel for lists and a panel for seasons, a line per shop: claim with interval, truth, best.

    Args:
        shops: results as ``ShopResult`` has them.
    """
    figure = Figure(figsize=(11, LEAST_HEIGHT + INCHES_A_SHOP * len(shops)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (part, best, title) in zip(panels, PARTS, strict=True):
        _panel(axes, [shop[part] for shop in shops], [shop[best] for shop in shops])
        axes.set(title=title, xlabel="change of the objective over holding all prices (%)")
    names = [f"{shop['shop']} {shop['verdict']}" for shop in shops]
    panels[0].set_yticks(range(len(shops)), names, fontsize="small")
    panels[0].invert_yaxis()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _panel(axes: Axes, claims: Sequence[Any], best: Sequence[float]) -> None:
    """Draw claims with their intervals, the truth and the best possible."""
    shown = [(row, claim) for row, claim in enumerate(claims) if claim["low"] is not None]
    lines = [row for row, _ in shown]
    low, high = ([100 * claim[end] for _, claim in shown] for end in ("low", "high"))
    axes.hlines(lines, low, high, color=CLAIM, linewidth=4, alpha=0.4, label="claimed, with its interval")
    points = [(row, claim["lift"]) for row, claim in enumerate(claims) if claim["lift"] is not None]
    axes.plot([100 * lift for _, lift in points], [row for row, _ in points], "|", color=CLAIM)
    true, rows = [100 * claim["true"] for claim in claims], range(len(claims))
    axes.plot([100 * lift for lift in best], rows, "D", color=BEST, mfc="none", label="best possible")
    axes.plot(true, rows, "o", color=TRUTH, label="true")
    axes.axvline(0, color="grey", linewidth=0.8)
