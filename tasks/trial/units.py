"""From the rows of a trial to the units that were randomised: sums per unit, then arms."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tasks.trial.effects import Arm, arm_of
from tasks.trial.spec import Metric
from tasks.trial.table import Rows

COUNT, TOP, BOTTOM, KNOWN = range(4)


def arms_of(rows: Rows, metric: Metric, pair: tuple[int, int]) -> tuple[Arm, Arm]:
    """Return control and treated of a metric.

    Per unit, values and denominators are summed over its rows and covariates averaged. Units are then
    summed to clusters; blocks sum their rows.

    Args:
        pair: numbers of the two arms.
    """
    return _arms(rows, metric, pair, _sums(rows, metric, slice(None)))


def arms_up_to(
    rows: Rows, metric: Metric, pair: tuple[int, int], lasts: np.ndarray
) -> Iterator[tuple[Arm, Arm]]:
    """Yield both arms as they stood after some rising periods; a row is read once.

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
    """Return rows, values, denominators and covariates summed by unit, or by block (4, keys)."""
    key, size = (rows.randomised, len(rows.arm)) if rows.owner is None else (rows.unit, len(rows.owner))
    columns = [None, metric.top, metric.denominator, metric.covariate]
    sums = np.zeros((4, size))
    for number, name in enumerate(columns):
        if name is not None or number == COUNT:
            sums[number] = np.bincount(key[chosen], rows.columns[name][chosen] if name else None, size)
    return sums


def _arms(rows: Rows, metric: Metric, pair: tuple[int, int], sums: np.ndarray) -> tuple[Arm, Arm]:
    """Return the arms of summed units; of a proportion of units the variance is p (1 - p) / n."""
    count, top, bottom, known = sums
    if rows.owner is None:
        size = count
    else:
        size = (count > 0).astype(float)
        known = known / np.maximum(count, 1)
    if metric.kind == "proportion" and rows.owner is not None:
        top = np.minimum(top, 1.0)
    parts = [top, bottom if metric.denominator else size, known, size]
    present = count > 0
    if rows.what == "cluster":
        assert rows.owner is not None
        parts = [np.bincount(rows.owner[present], part[present], len(rows.arm)) for part in parts]
        present = parts[-1] > 0
    control, treated = (_arm(parts, (rows.arm == number) & present, rows, metric) for number in pair)
    return control, treated


def _arm(parts: list[np.ndarray], members: np.ndarray, rows: Rows, metric: Metric) -> Arm:
    """Return the arm of the units of randomisation that are its members (randomised,)."""
    y, d, x, m = (part[members] for part in parts)
    arm = arm_of(y, d, x, m, grouped=rows.what != "unit")
    return binomial(arm) if metric.kind == "proportion" and rows.what == "unit" else arm
