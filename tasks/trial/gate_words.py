"""Gates in words that need no manual: what a figure is, its value, its limit, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

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
    share = WORDS.get(gate.name, Words(gate.name)).share
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


def title_of(name: str) -> str:
    """Return what the figure of a gate is; its name where no words are known."""
    return WORDS.get(name, Words(name)).title
