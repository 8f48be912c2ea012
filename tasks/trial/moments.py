"""An experiment given by the moments of its arms: counts, sums, sums of squares and of products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tasks.trial.analysis import Comparison, conclude, treated_arm
from tasks.trial.effects import Arm
from tasks.trial.errors import TrialError
from tasks.trial.ratio import split_of
from tasks.trial.results import Analysis
from tasks.trial.spec import Metric, Spec
from tasks.trial.units import binomial

Moments = Mapping[str, Mapping[str, Any]]  # column, or pair of columns -> arm -> its sums
COVARIATE = 2  # place of the covariate among numerator, denominator, covariate, weight


def analyse_moments(moments: Moments, spec: Spec) -> Analysis:
    """Analyse moments.

    Args:
        moments: column -> arm -> ``{n, sum, sum_squares}``; and pair of columns -> arm -> sum of their
            products. A pair is named ``numerator_denominator``, or by the first letters of both,
            ``rev_sess``. A proportion needs no ``sum_squares``.
        spec: specification of the trial.
    """
    arms = _arms(moments, spec)
    treated = treated_arm(list(arms), spec)
    split = split_of(arms, spec)
    pairs = {
        name: (_arm(moments, metric, spec.control, name), _arm(moments, metric, treated, name))
        for name, metric in spec.metrics.items()
    }
    return conclude(Comparison(spec=spec, what="unit", treated=treated, split=split, arms=pairs))


def _arms(moments: Moments, spec: Spec) -> dict[str, int]:
    """Return the units per arm, refused where metrics disagree about them or an arm is missing."""
    counts: dict[str, int] = {}
    for name, metric in spec.metrics.items():
        for arm, sums in _column(moments, metric.top, name).items():
            n = int(sums["n"])
            if n < 1:
                raise TrialError(
                    f"data: arm {arm} is empty. Received: n = {n} of `{metric.top}`. "
                    "Check the assignment that was used."
                )
            if counts.setdefault(str(arm), n) != n:
                raise TrialError(
                    f"data: arm {arm} must have one number of units. "
                    f"Received: {counts[str(arm)]} and {n} of `{metric.top}`."
                )
    planned = [str(name) for name in spec.shares] if spec.shares else []
    if len(counts) < 2 or spec.control not in counts or set(planned) - set(counts):
        raise TrialError(
            f"data: an experiment needs two arms, control `{spec.control}` among them. "
            f"Received: {', '.join(counts)}."
        )
    return counts


def _column(moments: Moments, column: str, metric: str) -> Mapping[str, Any]:
    """Return count and sums of a column by arm."""
    if column not in moments or not all(
        isinstance(sums, Mapping) and "n" in sums and "sum" in sums for sums in moments[column].values()
    ):
        raise TrialError(
            f"data: metric {metric} needs n, sum and sum_squares of `{column}` per arm. "
            f"Received: {', '.join(moments)}."
        )
    return moments[column]


def _arm(moments: Moments, metric: Metric, arm: str, name: str) -> Arm:
    """Return an arm from its moments; a mean's denominator and every weight are 1."""
    columns = [metric.top, metric.denominator, metric.covariate, None]
    n = int(_column(moments, metric.top, name)[arm]["n"])
    mean, second = np.zeros(4), np.zeros((4, 4))
    for i, column in enumerate(columns):
        mean[i] = _sum(moments, column, arm, name, i) / n
        for j, other in enumerate(columns):
            second[i, j] = _product(moments, (column, i), (other, j), arm, name) / n
    if metric.kind == "proportion":
        if not 0 <= mean[0] <= 1:
            raise TrialError(
                f"data: metric {name}: a proportion must lie between 0 and 1. "
                f"Received: {mean[0]:.4g} in arm {arm}."
            )
        return binomial(Arm(n, mean, second))
    if metric.cannot_be_negative() and mean[0] < 0:
        raise TrialError(
            f"data: metric {name}: `{metric.top}` cannot be negative. "
            f"Received: a sum of {n * mean[0]:.4g} in arm {arm}."
        )
    return Arm(n, mean, second)


def _sum(moments: Moments, column: str | None, arm: str, metric: str, place: int) -> float:
    """Return the sum of a column; of a missing one 0 for a covariate, else the number of units."""
    if column is None:
        return 0.0 if place == COVARIATE else float(_n(moments, arm))
    return float(_column(moments, column, metric)[arm]["sum"])


def _product(
    moments: Moments, left: tuple[str | None, int], right: tuple[str | None, int], arm: str, metric: str
) -> float:
    """Return the sum of the products of two columns; a missing one is 1, or 0 for a covariate.

    Args:
        moments: as ``analyse_moments`` takes them.
        left, right: name of the column, or none, and its place.
        arm: name of the arm.
        metric: name of the metric, for messages.
    """
    if left[0] is None or right[0] is None:
        absent, other = (left, right) if left[0] is None else (right, left)
        if COVARIATE in (absent[1], other[1] if other[0] is None else -1):
            return 0.0
        return _sum(moments, other[0], arm, metric, other[1])
    if left[0] == right[0]:
        sums = _column(moments, left[0], metric)[arm]
        return float(sums.get("sum_squares", sums["sum"]))
    for key, products in moments.items():
        if _names(key, left[0], right[0]):
            return float(products[arm])
    raise TrialError(
        f"data: metric {metric} needs the sum of products `{left[0]}_{right[0]}` per arm. "
        f"Received: {', '.join(moments)}."
    )


def _names(key: str, left: str, right: str) -> bool:
    """Return whether a key names a pair of columns, whole or by their first letters, in any order."""
    columns = [(left, right), (right, left)]
    parts = [(key[:i], key[i + 1 :]) for i, letter in enumerate(key) if letter == "_"]
    return any(
        a and b and any(first.startswith(a) and second.startswith(b) for first, second in columns)
        for a, b in parts
    )


def _n(moments: Moments, arm: str) -> int:
    """Return the units of an arm."""
    return next(
        int(by_arm[arm]["n"])
        for by_arm in moments.values()
        if isinstance(by_arm.get(arm), Mapping) and "n" in by_arm[arm]
    )
