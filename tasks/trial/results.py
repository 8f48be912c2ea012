"""The results of an experiment, as records and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tasks.trial.effects import Effect
from tasks.trial.errors import RatioMismatch
from tasks.trial.ratio import Split
from tasks.trial.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The results of one metric.

    Attributes:
        kind: mean, ratio or proportion.
        effects: ``absolute`` and ``relative``, and with a covariate ``cuped_absolute`` and
            ``cuped_relative``.
        arms: value of the metric by arm.
        theta: CUPED's coefficient of the covariate; none without one.
        variance_reduction: share of the variance that CUPED removes; none without a covariate.
        adjusted_p: p-value for one look, corrected for the number of metrics; none for a guardrail.
    """

    kind: str
    effects: dict[str, Effect | None]
    arms: dict[str, float]
    theta: float | None = None
    variance_reduction: float | None = None
    adjusted_p: float | None = None


@dataclass(frozen=True)
class Look:
    """The primary metric's effect up to a period."""

    period: str
    units: int
    effect: Effect


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The analysis of an experiment.

    Attributes:
        spec: specification by which it was designed.
        what: what was randomised: ``unit``, ``cluster`` or ``block``.
        treated: name of the arm compared with control.
        split: sample ratio.
        balance: covariate -> difference before the trial, in standard deviations too, and its p.
        metrics: metric -> its results; empty while the sample ratio alarms.
        looks: lift over time of the primary metric.
        group_sequential: bounds on z at every planned look, if any were planned.
        verdict: ship, keep or continue; none while the sample ratio alarms.
        reasons: sentences behind the verdict.
    """

    spec: Spec
    what: str
    treated: str
    split: Split
    balance: dict[str, dict[str, float]]
    metrics: dict[str, Reading]
    looks: list[Look]
    group_sequential: dict[str, Any] | None
    verdict: str | None
    reasons: list[str]


def as_json(analysis: Analysis) -> dict[str, Any]:
    """Return the analysis as plain names and numbers."""
    return {
        "srm": asdict(analysis.split),
        "design": {
            "randomised": analysis.what,
            "control": analysis.spec.control,
            "treated": analysis.treated,
        },
        "balance": analysis.balance,
        "metrics": {name: _plain(reading) for name, reading in analysis.metrics.items()},
        "primary": analysis.spec.primary,
        "looks": [
            {"period": look.period, "units": look.units, **asdict(look.effect)} for look in analysis.looks
        ],
        "group_sequential": analysis.group_sequential,
        "verdict": analysis.verdict,
        "reasons": analysis.reasons,
    }


def shown(analysis: Analysis) -> Analysis:
    """Return the analysis if it may be shown.

    Raises:
        RatioMismatch: the sample ratio alarms.
    """
    if analysis.split.alarm:
        raise RatioMismatch(analysis.reasons[0])
    return analysis


def _plain(reading: Reading) -> dict[str, Any]:
    """Return the results of a metric as plain names and numbers."""
    effects = {name: asdict(effect) if effect else None for name, effect in reading.effects.items()}
    return {
        **effects,
        "kind": reading.kind,
        "arms": reading.arms,
        "theta": reading.theta,
        "variance_reduction": reading.variance_reduction,
        "adjusted_p": reading.adjusted_p,
    }
