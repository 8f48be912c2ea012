"""Ship, keep or continue: what an analysed experiment says should be done, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.trial.effects import Effect
from tasks.trial.sequential import obrien_fleming
from tasks.trial.spec import Metric, Spec

SHIP, KEEP, CONTINUE = "ship", "keep", "continue"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a verdict rests on.

    Attributes:
        effects: metric -> its sharpest effect, relative where there is one.
        scale: metric -> what a share of 1 is in the unit of its effect (1 for a relative one).
        adjusted_p: metric -> p-value for one look, corrected for the number of metrics.
        units: units of randomisation in the trial.
        last: last period in it.
    """

    effects: Mapping[str, Effect]
    scale: Mapping[str, float]
    adjusted_p: Mapping[str, float]
    units: int
    last: str | None = None


def decide(spec: Spec, evidence: Evidence) -> tuple[str, list[str]]:
    """Return the verdict and its reasons.

    Once the planned size is reached, the intervals for one look decide; until then, or where no size is
    planned, those that hold at every look do; in a group-sequential trial the bound of the look does. A
    guardrail passes by non-inferiority: its whole interval lies above the loss that is tolerated.
    """
    ended = spec.ended(evidence.units, evidence.last)
    side, reason = _side(spec, evidence, ended)
    guards = [
        _guard(name, spec.metrics[name], effect, evidence.scale[name], ended)
        for name, effect in evidence.effects.items()
        if spec.metrics[name].margin is not None
    ]
    reasons = [reason, *(sentence for _, sentence in guards)]
    if side < 0 or any(state < 0 for state, _ in guards):
        return KEEP, reasons
    if side > 0 and all(state > 0 for state, _ in guards):
        return SHIP, reasons
    if ended:
        reached = f"the planned {_plan(spec)} are reached: what is not shown by now is not shipped"
        return KEEP, [*reasons, reached]
    up_to = f" up to {evidence.last}" if evidence.last else ""
    return CONTINUE, [*reasons, f"not decided yet: {evidence.units:,} units{up_to}, planned: {_plan(spec)}"]


def _plan(spec: Spec) -> str:
    """Return the planned end in words."""
    units = [f"{spec.planned:,} units"] if spec.planned else []
    ends = [f"last day {spec.ends}"] if spec.ends else []
    return ", ".join([*units, *ends]) or "no size"


def _side(spec: Spec, evidence: Evidence, ended: bool) -> tuple[int, str]:
    """Return 1 if the primary metric is better, -1 if it is worse, 0 if that is open, and a sentence."""
    name = spec.primary
    effect = evidence.effects[name]
    sign = 1 if spec.metrics[name].direction == "up" else -1
    significant, how = _significance(spec, effect, evidence.adjusted_p.get(name), ended)
    side = int(significant) * (1 if effect.difference * sign > 0 else -1)
    word = {1: "better than control", -1: "worse than control", 0: "not distinguished from control"}[side]
    return side, f"{name} is {word}: {effect.difference:+.4g} ({how})"


def _significance(spec: Spec, effect: Effect, adjusted_p: float | None, ended: bool) -> tuple[bool, str]:
    """Return whether an effect differs from 0 by the rule that holds at this point, and the rule in words."""
    if spec.looks and spec.look:
        bound = float(obrien_fleming(spec.looks, spec.alpha)[spec.look - 1])
        z = effect.difference / effect.se
        rule = f"the O'Brien-Fleming bound of look {spec.look} of {spec.looks}"
        return abs(z) >= bound, f"z {z:.2f} against {bound:.2f}, {rule}"
    if ended:
        p = effect.p if adjusted_p is None else adjusted_p
        return p < spec.alpha, f"{_span(effect.low, effect.high)}, p {p:.3g} corrected for the metrics"
    excludes_zero = effect.sequential_low > 0 or effect.sequential_high < 0
    return excludes_zero, f"{_span(effect.sequential_low, effect.sequential_high)} at any look"


def _guard(name: str, metric: Metric, effect: Effect, scale: float, ended: bool) -> tuple[int, str]:
    """Return the state of a guardrail and a sentence.

    The state is 1 if the loss is shown to be tolerable, -1 if it is shown not to be, 0 if that is open.
    """
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
