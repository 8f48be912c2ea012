"""Looks at a running trial: the lift over time, and the bounds of a group-sequential plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.trial.effects import Effect, Levels, absolute, estimates, relative
from tasks.trial.errors import TrialError
from tasks.trial.results import Look
from tasks.trial.sequential import obrien_fleming, spending_bounds
from tasks.trial.spec import Spec
from tasks.trial.table import Rows
from tasks.trial.units import arms_up_to

MOST_LOOKS = 60  # points of the lift over time
UNIT_TUNING = 5000.0  # units at which the confidence sequence of a trial of unknown size is narrowest


def levels_of(spec: Spec, what: str, units: int) -> Levels:
    """Return the levels of the intervals.

    A confidence sequence over few clusters or blocks is narrowest at their number.

    Args:
        spec: specification of the trial.
        what: what was randomised: ``unit``, ``cluster`` or ``block``.
        units: units of randomisation in the trial.
    """
    tuning = spec.tuning or spec.planned or (UNIT_TUNING if what == "unit" else float(units))
    return Levels(spec.alpha, float(tuning))


def looks_of(rows: Rows, spec: Spec, pair: tuple[int, int]) -> list[Look]:
    """Return the primary metric's effect up to every period, once both arms have enough units.

    Args:
        rows: of the trial.
        spec: specification of the trial.
        pair: numbers of control and treated.
    """
    if rows.period is None or len(rows.periods) < 2:
        return []
    metric, levels = spec.metrics[spec.primary], levels_of(spec, rows.what, len(rows.arm))
    points = np.linspace(0, len(rows.periods) - 1, min(MOST_LOOKS, len(rows.periods)))
    lasts = np.unique(points.astype(int))
    looks = []
    for last, arms in zip(lasts, arms_up_to(rows, metric, pair, lasts), strict=True):
        try:
            both = estimates(*arms, adjusted=metric.covariate is not None)
            effect = relative(*both, levels) or absolute(*both, levels)
        except TrialError:
            continue  # too few units so far, or no value that varies
        looks.append(Look(rows.periods[last], both[0].n + both[1].n, effect))
    return looks


def group_sequential(spec: Spec, effect: Effect) -> dict[str, Any] | None:
    """Return z against the bounds of every planned look, or none where no number of looks was planned."""
    if not (spec.looks and spec.look):
        return None
    information = np.arange(1, spec.looks + 1) / spec.looks
    bounds = obrien_fleming(spec.looks, spec.alpha)
    z = effect.difference / effect.se
    return {
        "look": spec.look,
        "looks": spec.looks,
        "z": z,
        "crossed": bool(abs(z) >= bounds[spec.look - 1]),
        "obrien_fleming": bounds.tolist(),
        "spending_obrien_fleming": spending_bounds(information, spec.alpha).tolist(),
        "spending_pocock": spending_bounds(information, spec.alpha, "pocock").tolist(),
    }
