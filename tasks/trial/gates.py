"""A gate: a figure held to a threshold. It passes only on a finite figure on the right side of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

PASS, FAIL = "PASS", "FAIL"


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One condition and its outcome.

    Attributes:
        name: name of the gate.
        passed: whether it holds.
        value: the figure, none where there is none.
        threshold: what the figure is held to.
        sentence: figure and threshold in words.
        sign: comparison that must hold, or ``holds`` of an interval that must hold the threshold.
        margin: distance of the figure from the threshold, above 0 on the side that passes; 1 is a distance
            that leaves no doubt, such as that of the best possible figure. None where there is no figure.
        untested: whether it passed because nothing could be tested.
    """

    name: str
    passed: bool
    value: float | None
    threshold: float
    sentence: str
    sign: str = ">="
    margin: float | None = None
    untested: bool = False


def above(
    name: str,
    what: str,
    value: float | None,
    threshold: float,
    *,
    inclusive: bool = False,
    span: float | None = None,
) -> Gate:
    """Return the gate of a figure that must be above its threshold, or at it where ``inclusive``.

    Args:
        name: name of the gate.
        what: the figure in words.
        value: the figure; none where there is none.
        threshold: what it is held to.
        inclusive: whether the threshold itself passes.
        span: distance from the threshold that is a margin of 1; none: that of the threshold from 0.
    """
    return _gate(name, what, value, threshold, sign=">=" if inclusive else ">", span=span)


def below(name: str, what: str, value: float | None, threshold: float) -> Gate:
    """Return the gate of a figure that must be below its threshold."""
    return _gate(name, what, value, threshold, sign="<")


def at_most(name: str, what: str, value: float | None, threshold: float) -> Gate:
    """Return the gate of a figure that must not be above its threshold."""
    return _gate(name, what, value, threshold, sign="<=")


def verdict(gates: list[Gate]) -> str:
    """Return ``PASS`` if there are gates and all of them passed."""
    return PASS if gates and all(gate.passed for gate in gates) else FAIL


def reasons(gates: list[Gate]) -> list[str]:
    """Return the sentences of the gates that failed, or one that all passed."""
    failed = [gate.sentence for gate in gates if not gate.passed]
    return failed or [f"all {len(gates)} gates passed: {', '.join(gate.name for gate in gates)}"]


def _gate(
    name: str, what: str, value: float | None, threshold: float, *, sign: str, span: float | None = None
) -> Gate:
    """Return a figure held to a threshold by a comparison."""
    known = value is not None and math.isfinite(value)
    holds = {
        ">": lambda v: v > threshold,
        ">=": lambda v: v >= threshold,
        "<": lambda v: v < threshold,
        "<=": lambda v: v <= threshold,
    }[sign]
    passed = bool(known and holds(value))
    shown = f"{value:.4g}" if known else "not known"
    sentence = f"{name}: {what} is {shown}, {'which is' if passed else 'it must be'} {sign} {threshold:g}"
    margin = None
    if value is not None and known:
        margin = (value - threshold if sign in (">", ">=") else threshold - value) / (
            span or abs(threshold) or 1.0
        )
    return Gate(
        name=name,
        passed=passed,
        value=value if known else None,
        threshold=threshold,
        sentence=sentence,
        sign=sign,
        margin=margin,
    )
