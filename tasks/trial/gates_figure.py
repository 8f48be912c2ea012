"""Picture of the gates: how far each figure is from its limit, in words that need no manual."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from expectations.palette import BLACK, FAILS, PALE, PASSES, UNTESTED
from tasks.trial.gates import Gate

DECIMALS = 2  # of a figure; more where it would else read like its limit
MOST_DECIMALS = 6
SIGNS = {">": "above", ">=": "at least", "<": "below", "<=": "at most"}
NO_FIGURE = "no figure"


class Words(NamedTuple):
    """How a gate is written: what its figure is, and whether it is a share, written in percent."""

    title: str
    share: bool = False


WORDS = {
    "forecast": Words("Forecast error, against repeating the past", share=True),
    "forecast_coverage": Words("Forecast bands: miss of their 80 % beyond chance", share=True),
    "forecast_varies": Words("Forecasts differ (spread, units/period)"),
    "response_identified": Words("Products whose response to price is known", share=True),
    "response_sign": Words("Dearer sells less (median elasticity)"),
    "response_width": Words("Elasticities are precise (width of interval)"),
    "response_predicts": Words("Response foresees later weeks (slope, ideal 1)"),
    "weights_finite": Words("Numbers of the models that are valid", share=True),
    "policy_over_hold": Words("Gain over holding all prices, lower end", share=True),
    "policy_over_best_fixed": Words("Gain over the best list kept all season, lower end", share=True),
    "policy_over_myopic": Words("Gain over the best list of each week, lower end", share=True),
    "trial_ratio": Words("Simulated trial: arms are balanced (p-value)"),
    "trial_lift": Words("Simulated trial: gain of the season, lower end", share=True),
    "list_lift": Words("This price list: gain of a week, lower end", share=True),
}


def gates(outcomes: Sequence[Gate], verdict: str) -> Figure:
    """Draw the distance of every figure from its limit, the gates that failed first."""
    ordered = sorted(outcomes, key=lambda gate: (gate.passed, not gate.untested if gate.passed else False))
    figure = Figure(figsize=(13.5, 1.9 + 0.42 * len(ordered)), layout="constrained")
    figure.get_layout_engine().set(rect=(0, 0, 0.98, 1))  # type: ignore[union-attr, call-arg]
    axis = figure.subplots()
    axis.axvspan(-1.1, 0, color=PALE, alpha=0.5, lw=0, zorder=0)
    for place, gate in enumerate(ordered):
        _row(axis, place, gate)
    axis.axvline(0, color=BLACK, lw=1.2)
    axis.set_yticks(range(len(ordered)), [_words(gate).title for gate in ordered], fontsize=10)
    axis.set(xlim=(-1.1, 1.1), ylim=(len(ordered) - 0.4, -0.6))
    axis.set_xticks([-0.55, 0, 0.55], ["fails", "limit", "passes"])
    axis.set_xlabel("distance from the limit: the longer the bar, the clearer the result")
    axis.tick_params(axis="both", length=0)
    axis.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axis.set_title(headline(outcomes, verdict), fontsize=13, fontweight="bold", pad=12)
    return figure


def headline(outcomes: Sequence[Gate], verdict: str) -> str:
    """Return the verdict with the number of gates behind it."""
    failed, untested = (
        sum(not gate.passed for gate in outcomes),
        sum(gate.passed and gate.untested for gate in outcomes),
    )
    passed = f"{failed} of {len(outcomes)} gates failed" if failed else f"all {len(outcomes)} gates passed"
    doubt = f", {untested} of them untested" if untested and not failed else ""
    doubt = f", {untested} could not be tested" if untested and failed else doubt
    return f"{verdict}: {passed}{doubt}"


def figure_of(gate: Gate) -> str:
    """Return the figure of a gate and its limit in plain words, such as ``5.85 %, must be above 0 %``."""
    share = _words(gate).share
    if gate.untested:
        return NO_FIGURE if gate.value is None else f"{gate.value:.2f}, too uncertain to test"
    value = NO_FIGURE if gate.value is None else written(gate.value, gate.threshold, share)
    if gate.sign == "holds":
        return f"{value}, its interval must hold {gate.threshold:g}"
    limit = f"{100 * gate.threshold:g} %" if share else f"{gate.threshold:g}"
    return f"{value}, must be {SIGNS[gate.sign]} {limit}"


def written(value: float, threshold: float, share: bool) -> str:
    """Return a figure with as many decimals as tell it from its threshold."""
    factor, unit = (100, " %") if share else (1, "")
    if math.isclose(value, threshold, rel_tol=1e-9, abs_tol=1e-12):
        return f"{factor * threshold:g}{unit}"
    decimals = DECIMALS
    while decimals < MOST_DECIMALS and round(factor * (value - threshold), decimals) == 0:
        decimals += 1
    return f"{round(factor * value, decimals) + 0.0:.{decimals}f}{unit}"


def _words(gate: Gate) -> Words:
    return WORDS.get(gate.name, Words(gate.name))


def _row(axis: Axes, place: int, gate: Gate) -> None:
    """Draw a gate: its bar from the limit, its sign and word, and its figure and limit in words."""
    untested = gate.passed and gate.untested
    colour = UNTESTED if untested else PASSES if gate.passed else FAILS
    word = "? untested" if untested else "✓ pass" if gate.passed else "✗ FAIL"
    margin = 0.0 if untested else -1.0 if gate.margin is None else max(-1.0, min(1.0, gate.margin))
    hatch = "" if gate.passed else "xxx" if gate.margin is None else "//"
    axis.barh(place, margin, 0.62, color=colour, hatch=hatch, ec="white", lw=0)
    axis.plot(0, place, "o", ms=7, color=colour, mec="white", zorder=3)
    for points, text in ((8, word), (92, figure_of(gate))):
        axis.annotate(
            text,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(points, 0),
            textcoords="offset points",
            va="center",
            fontsize=10,
            color=BLACK if gate.passed else FAILS,
            fontweight="normal" if gate.passed else "bold",
            annotation_clip=False,
        )
