"""From the arms of a metric to its effects: plain, adjusted by a covariate, corrected for several metrics."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tasks.trial.corrections import CORRECTIONS
from tasks.trial.effects import (
    Arm,
    Effect,
    Estimate,
    Levels,
    M,
    X,
    absolute,
    estimates,
    relative,
    theta_of,
)
from tasks.trial.errors import TrialError
from tasks.trial.results import Reading
from tasks.trial.spec import Metric, Spec

SHARPEST_FIRST = ("cuped_relative", "relative", "cuped_absolute", "absolute")


def read_metric(name: str, metric: Metric, arms: Mapping[str, Arm], levels: Levels) -> Reading:
    """Return the effects of one metric.

    Args:
        name: of the metric, for messages.
        metric: its specification.
        arms: control and treated, in that order, by name.
        levels: of the intervals.

    Raises:
        TrialError: an arm has too few units, or the metric does not vary.
    """
    control, treated = arms.values()
    try:
        plain = estimates(control, treated, adjusted=False)
        effects: dict[str, Effect | None] = {
            "absolute": absolute(*plain, levels),
            "relative": relative(*plain, levels),
        }
    except TrialError as error:
        raise TrialError(f"metric {name}: {error}") from error
    values = {arm: estimate.value for arm, estimate in zip(arms, plain, strict=True)}
    if metric.covariate is None:
        return Reading(kind=metric.kind, effects=effects, arms=values)
    adjusted = estimates(control, treated, adjusted=True)
    return Reading(
        kind=metric.kind,
        effects=effects
        | {"cuped_absolute": absolute(*adjusted, levels), "cuped_relative": relative(*adjusted, levels)},
        arms=values,
        theta=theta_of([control, treated]),
        variance_reduction=1 - _variance(adjusted) / _variance(plain),
    )


def sharpest(effects: Mapping[str, Effect | None]) -> Effect:
    """Return the effect that decides: relative before absolute, with CUPED where there is a covariate."""
    effect = next(effects[name] for name in SHARPEST_FIRST if effects.get(name) is not None)
    assert effect is not None
    return effect


def share_of_control(reading: Reading, control: str) -> float:
    """Return what a share of 1 is in the unit of the effect that decides: 1 for a relative one."""
    relatives = (reading.effects["relative"], reading.effects.get("cuped_relative"))
    return 1.0 if sharpest(reading.effects) in relatives else abs(reading.arms[control])


def corrected(readings: Mapping[str, Reading], spec: Spec) -> dict[str, float]:
    """Return p for one look of the metrics that are no guardrails, corrected for their number."""
    names = [name for name in readings if spec.metrics[name].margin is None] or [spec.primary]
    p = np.array([sharpest(readings[name].effects).p for name in names])
    return dict(zip(names, map(float, CORRECTIONS[spec.correction](p)), strict=True))


def balance_of(arms: Mapping[str, tuple[Arm, Arm]], spec: Spec) -> dict[str, dict[str, float]]:
    """Return for every covariate how far the arms differed before the trial, by Welch."""
    balance: dict[str, dict[str, float]] = {}
    for name, pair in arms.items():
        covariate = spec.metrics[name].covariate
        if covariate is None or covariate in balance:
            continue
        control, treated = (_covariate_as_outcome(arm) for arm in pair)
        spread = np.sqrt(np.mean([max(arm.second[X, X] - arm.mean[X] ** 2, 0.0) for arm in pair]))
        if spread > 0:
            effect = absolute(*estimates(control, treated, adjusted=False), Levels(spec.alpha))
            balance[covariate] = {
                "difference": effect.difference,
                "standardised": float((pair[1].mean[X] - pair[0].mean[X]) / spread),
                "p": effect.p,
            }
    return balance


def _variance(pair: tuple[Estimate, Estimate]) -> float:
    return sum(estimate.variance for estimate in pair)


def _covariate_as_outcome(arm: Arm) -> Arm:
    """Return an arm whose outcome is its covariate."""
    order = [X, M, X, M]
    rows = None if arm.rows is None else arm.rows[:, order]
    return Arm(arm.n, arm.mean[order], arm.second[np.ix_(order, order)], rows)
