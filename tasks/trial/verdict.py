"""Ship, keep or continue: what an analysed experiment says should be done, and why."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.trial.effects import Effect
from tasks.trial.sequential import obrien_fleming
from tasks.trial.spec import Metric, Spec

SHIP, KEEP, CONTINUE = "ship", "keep", "continue"


def decide(
    spec: Spec,
    best: Mapping[str, Effect],
    scale: Mapping[str, float],
    adjusted: Mapping[str, float],
    units: int,
    last: str | None = None,
) -> tuple[str, list[str]]:
    """Return the verdict and its reasons.

    The intervals for one look decide once the planned size is reached; until then, or where none is planned, those that hold at
    every look do; in a group-sequential trial the bound of the look does. A guardrail passes by non-inferiority: its whole interval
    lies above the loss that is tolerated.

    Args:
        best: metric -> its sharpest effect, relative where there is one.
        scale: metric -> what a share of 1 is in the unit of its effect (1 for a relative one).
        adjusted: metric -> p-value for one look, corrected for the number of metrics.
        units: units of randomisation in the trial.
        last: last period in it.
    """
    ended = spec.ended(units, last)
    told = [
        _side(name, spec.metrics[name], effect, spec, adjusted.get(name), ended)
        for name, effect in best.items()
        if name == spec.primary
    ]
    guards = [
        _guard(name, spec.metrics[name], effect, scale[name], ended)
        for name, effect in best.items()
        if spec.metrics[name].margin is not None
    ]
    side, reason = told[0]
    reasons = [reason, *(sentence for _, sentence in guards)]
    if any(state < 0 for state, _ in guards):
        return KEEP, reasons
    if side < 0:
        return KEEP, reasons
    if side > 0 and all(state > 0 for state, _ in guards):
        return SHIP, reasons
    if ended:
        return KEEP, [
            *reasons,
            f"the planned {_plan(spec)} are reached: what is not shown by now is not shipped",
        ]
    return CONTINUE, [
        *reasons,
        f"not decided yet: {units:,} units{f' up to {last}' if last else ''}, planned: {_plan(spec)}",
    ]


def _plan(spec: Spec) -> str:
    told = [f"{spec.planned:,} units"] if spec.planned else []
    return ", ".join([*told, *([f"last day {spec.ends}"] if spec.ends else [])]) or "no size"


def _side(
    name: str, metric: Metric, effect: Effect, spec: Spec, adjusted: float | None, ended: bool
) -> tuple[int, str]:
    """Return 1 if the metric is better, -1 if it is worse, 0 if that is open, and a sentence."""
    sign = 1 if metric.direction == "up" else -1
    if spec.looks and spec.look:
        bound = float(obrien_fleming(spec.looks, spec.alpha)[spec.look - 1])
        z = effect.difference / effect.se
        found, how = (
            abs(z) >= bound,
            f"z {z:.2f} against {bound:.2f}, the O'Brien-Fleming bound of look {spec.look} of {spec.looks}",
        )
    elif ended:
        p = effect.p if adjusted is None else adjusted
        found, how = p < spec.alpha, f"{_span(effect.low, effect.high)}, p {p:.3g} corrected for the metrics"
    else:
        found = effect.sequential_low > 0 or effect.sequential_high < 0
        how = f"{_span(effect.sequential_low, effect.sequential_high)} at any look"
    side = int(found) * (1 if effect.difference * sign > 0 else -1)
    word = {1: "better than control", -1: "worse than control", 0: "not told from control"}[side]
    return side, f"{name} is {word}: {effect.difference:+.4g} ({how})"


def _guard(name: str, metric: Metric, effect: Effect, scale: float, ended: bool) -> tuple[int, str]:
    """Return 1 if the loss is shown to be tolerable, -1 if it is shown not to be, 0 if that is open, and a sentence."""
    assert metric.margin is not None
    low, high = (effect.low, effect.high) if ended else (effect.sequential_low, effect.sequential_high)
    if metric.direction == "down":
        low, high = -high, -low
    limit = -metric.margin * scale
    state = 1 if low > limit else -1 if high < limit else 0
    word = {1: "holds", -1: "is broken", 0: "is not shown to hold"}[state]
    return state, f"guardrail {name} {word}: its change, {_span(low, high)}, must lie above {limit:+.4g}"


def _span(low: float, high: float) -> str:
    return f"{low:+.4g} to {high:+.4g}"
