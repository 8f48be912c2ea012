"""An experiment given by the moments of its arms instead of a table: counts, sums, sums of squares and of products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tasks.trial.analysis import Analysis, conclude, split_of, treated_arm
from tasks.trial.effects import Arm
from tasks.trial.errors import TrialError
from tasks.trial.spec import Metric, Spec
from tasks.trial.units import binomial

Told = Mapping[str, Mapping[str, Any]]


def analyse_moments(told: Told, spec: Spec) -> Analysis:
    """Analyse moments.

    Args:
        told: column -> arm -> ``{n, sum, sum_squares}``; and for a pair of columns, named as ``numerator_denominator`` (or by the first
            letters of each, ``rev_sess``) -> arm -> sum of their products. A proportion needs no ``sum_squares``.
    """
    arms = _arms(told, spec)
    treated = treated_arm(list(arms), spec)
    split = split_of(arms, spec)
    pairs = {
        name: (_arm(told, metric, spec.control, name), _arm(told, metric, treated, name))
        for name, metric in spec.metrics.items()
    }
    return conclude(pairs, spec, "unit", treated, split, [])


def _arms(told: Told, spec: Spec) -> dict[str, int]:
    """Return the units per arm, refused where metrics disagree about them or an arm is missing."""
    counts: dict[str, int] = {}
    for name, metric in spec.metrics.items():
        for arm, moments in _column(told, metric.top, name).items():
            n = int(moments["n"])
            if n < 1:
                raise TrialError(
                    f"data: arm {arm} is empty. Received: n = {n} of `{metric.top}`. Check the assignment that was used."
                )
            if counts.setdefault(str(arm), n) != n:
                raise TrialError(
                    f"data: arm {arm} must have one number of units. Received: {counts[str(arm)]} and {n} of `{metric.top}`."
                )
    planned = [str(name) for name in spec.shares] if spec.shares else []
    if len(counts) < 2 or spec.control not in counts or set(planned) - set(counts):
        raise TrialError(
            f"data: an experiment needs two arms, control `{spec.control}` among them. Received: {', '.join(counts)}."
        )
    return counts


def _column(told: Told, column: str, metric: str) -> Mapping[str, Any]:
    if column not in told or not all(
        isinstance(m, Mapping) and "n" in m and "sum" in m for m in told[column].values()
    ):
        raise TrialError(
            f"data: metric {metric} needs n, sum and sum_squares of `{column}` per arm. Received: {', '.join(told)}."
        )
    return told[column]


def _arm(told: Told, metric: Metric, arm: str, name: str) -> Arm:
    """Return an arm from its moments; a mean's denominator and every weight are 1."""
    columns = [metric.top, metric.denominator, metric.covariate, None]
    n = int(_column(told, metric.top, name)[arm]["n"])
    mean, second = np.zeros(4), np.zeros((4, 4))
    for i, column in enumerate(columns):
        mean[i] = _sum(told, column, arm, name, i) / n
        for j, other in enumerate(columns):
            second[i, j] = _product(told, (column, i), (other, j), arm, name) / n
    told_arm = Arm(n, mean, second)
    if metric.kind == "proportion":
        if not 0 <= mean[0] <= 1:
            raise TrialError(
                f"data: metric {name}: a proportion must lie between 0 and 1. Received: {mean[0]:.4g} in arm {arm}."
            )
        return binomial(told_arm)
    if metric.cannot_be_negative() and mean[0] < 0:
        raise TrialError(
            f"data: metric {name}: `{metric.top}` cannot be negative. Received: a sum of {n * mean[0]:.4g} in arm {arm}."
        )
    return told_arm


def _sum(told: Told, column: str | None, arm: str, metric: str, place: int) -> float:
    if column is None:
        return 0.0 if place == 2 else float(_n(told, arm))
    return float(_column(told, column, metric)[arm]["sum"])


def _product(
    told: Told, one: tuple[str | None, int], two: tuple[str | None, int], arm: str, metric: str
) -> float:
    """Return the sum of the products of two columns; a missing one is 1, or 0 for a covariate."""
    if one[0] is None or two[0] is None:
        absent, other = (one, two) if one[0] is None else (two, one)
        return (
            0.0
            if 2 in (absent[1], other[1] if other[0] is None else -1)
            else _sum(told, other[0], arm, metric, other[1])
        )
    if one[0] == two[0]:
        moments = _column(told, one[0], metric)[arm]
        return float(moments.get("sum_squares", moments["sum"]))
    for key, value in told.items():
        if _names(key, one[0], two[0]):
            return float(value[arm])
    raise TrialError(
        f"data: metric {metric} needs the sum of products `{one[0]}_{two[0]}` per arm. Received: {', '.join(told)}."
    )


def _names(key: str, one: str, two: str) -> bool:
    """Return whether a key names a pair of columns, whole or by their first letters, in any order."""
    parts = [(key[:i], key[i + 1 :]) for i, letter in enumerate(key) if letter == "_"]
    return any(
        a and b and ((one.startswith(a) and two.startswith(b)) or (two.startswith(a) and one.startswith(b)))
        for a, b in parts
    )


def _n(told: Told, arm: str) -> int:
    return next(int(m[arm]["n"]) for m in told.values() if isinstance(m.get(arm), Mapping) and "n" in m[arm])
