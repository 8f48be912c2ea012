"""From the rows of a trial to the units that were randomised: sums per unit, then arms; as a whole, or period by period."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tasks.trial.effects import Arm, arm_of
from tasks.trial.spec import Metric
from tasks.trial.table import Rows

COUNT, TOP, BOTTOM, KNOWN = range(4)


def arms_of(rows: Rows, metric: Metric, pair: tuple[int, int]) -> tuple[Arm, Arm]:
    """Return control and treated of a metric.

    Per unit, values and denominators are summed over its rows, covariates averaged. Units are then summed to clusters;
    blocks sum their rows.

    Args:
        pair: numbers of the two arms.
    """
    return _arms(rows, metric, pair, _sums(rows, metric, slice(None)))


def arms_up_to(
    rows: Rows, metric: Metric, pair: tuple[int, int], lasts: np.ndarray
) -> Iterator[tuple[Arm, Arm]]:
    """Yield both arms as they stood after each of some rising periods; every row is read once.

    Args:
        lasts: numbers of the periods (looks,).
    """
    assert rows.period is not None
    sums: np.ndarray | float = 0.0
    for first, last in zip([-1, *lasts[:-1]], lasts, strict=True):
        sums = sums + _sums(rows, metric, (rows.period > first) & (rows.period <= last))
        yield _arms(rows, metric, pair, sums)


def binomial(arm: Arm) -> Arm:
    """Return an arm whose sample variance is scaled from n - 1 to n, as a proportion's is."""
    shrink = np.sqrt((arm.n - 1) / arm.n) if arm.n > 1 else 1.0
    centre = np.outer(arm.mean, arm.mean)
    return Arm(arm.n, arm.mean, centre + shrink**2 * (arm.second - centre), arm.rows)


def _sums(rows: Rows, metric: Metric, chosen: np.ndarray | slice) -> np.ndarray:
    """Return rows, values, denominators and covariates summed by unit, or by block where blocks were randomised (4, keys)."""
    key, size = (rows.randomised, len(rows.arm)) if rows.owner is None else (rows.unit, len(rows.owner))
    columns = [None, metric.top, metric.denominator, metric.covariate]
    told = np.zeros((4, size))
    for number, name in enumerate(columns):
        if name is not None or number == COUNT:
            told[number] = np.bincount(key[chosen], rows.columns[name][chosen] if name else None, size)
    return told


def _arms(rows: Rows, metric: Metric, pair: tuple[int, int], sums: np.ndarray) -> tuple[Arm, Arm]:
    """Return the arms of summed units; of a proportion of units the variance is p (1 - p) / n."""
    count, top, bottom, known = sums
    if rows.owner is None:
        one = count
    else:
        one = (count > 0).astype(float)
        known = known / np.maximum(count, 1)
    if metric.kind == "proportion" and rows.owner is not None:
        top = np.minimum(top, 1.0)
    parts = [top, bottom if metric.denominator else one, known, one]
    there = count > 0
    if rows.what == "cluster":
        parts = [np.bincount(rows.owner[there], part[there], len(rows.arm)) for part in parts]  # type: ignore[index]
        there = parts[-1] > 0
    told = []
    for number in pair:
        mine = (rows.arm == number) & there
        y, d, x, m = (part[mine] for part in parts)
        arm = arm_of(y, d, x, m, grouped=rows.what != "unit")
        told.append(binomial(arm) if metric.kind == "proportion" and rows.what == "unit" else arm)
    return told[0], told[1]
