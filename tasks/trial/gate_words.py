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
HOLDS = "holds"  # sign of a gate whose interval must hold its threshold


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
    value = value_of(gate)
    if gate.untested:
        return value if gate.value is None else f"{value}, {limit_of(gate)}"
    return f"{value}, {'' if gate.sign == HOLDS else 'must be '}{limit_of(gate)}"


def value_of(gate: Gate) -> str:
    """Return the figure of a gate, such as ``5.85 %``."""
    if gate.value is None:
        return NO_FIGURE
    return f"{gate.value:.2f}" if gate.untested else written(gate.value, gate.threshold, _is_share(gate))


def limit_of(gate: Gate) -> str:
    """Return what a gate asks of its figure, such as ``above 0 %``."""
    if gate.untested:
        return "too uncertain to test"
    if gate.sign == HOLDS:
        return f"its interval must hold {gate.threshold:g}"
    limit = f"{100 * gate.threshold:g} %" if _is_share(gate) else f"{gate.threshold:g}"
    return f"{SIGNS[gate.sign]} {limit}"


def _is_share(gate: Gate) -> bool:
    return WORDS.get(gate.name, Words(gate.name)).share


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
