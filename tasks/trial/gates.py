"""What a candidate must show. A gate passes only on a finite figure that is on the right side of its threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass

PASS, FAIL = "PASS", "FAIL"


@dataclass(frozen=True)
class Gate:
    """One condition and how it came out.

    Attributes:
        name: name of the gate.
        passed: whether it holds.
        value: the figure, none where there is none.
        threshold: what it is held to.
        sentence: both in words.
    """

    name: str
    passed: bool
    value: float | None
    threshold: float
    sentence: str


def above(name: str, what: str, value: float | None, threshold: float, inclusive: bool = False) -> Gate:
    """Return the gate of a figure that must be above its threshold, or at it where ``inclusive``."""
    return _gate(name, what, value, threshold, ">=" if inclusive else ">")


def below(name: str, what: str, value: float | None, threshold: float) -> Gate:
    """Return the gate of a figure that must be below its threshold."""
    return _gate(name, what, value, threshold, "<")


def verdict(gates: list[Gate]) -> str:
    """Return ``PASS`` if there are gates and all of them passed."""
    return PASS if gates and all(gate.passed for gate in gates) else FAIL


def reasons(gates: list[Gate]) -> list[str]:
    """Return the sentence of every gate that failed, or that all passed."""
    failed = [gate.sentence for gate in gates if not gate.passed]
    return failed or [f"all {len(gates)} gates passed: {', '.join(gate.name for gate in gates)}"]


def _gate(name: str, what: str, value: float | None, threshold: float, sign: str) -> Gate:
    known = value is not None and math.isfinite(value)
    holds = {">": lambda v: v > threshold, ">=": lambda v: v >= threshold, "<": lambda v: v < threshold}[sign]
    passed = bool(known and holds(value))
    shown = f"{value:.4g}" if known else "not known"
    sentence = f"{name}: {what} is {shown}, {'which is' if passed else 'it must be'} {sign} {threshold:g}"
    return Gate(name, passed, value if known else None, threshold, sentence)
