"""Whether the response model foresees how the revenue of groups answers prices that it was not fitted to.

The slopes are fitted to the first part of the weeks. For every group and week of the rest they predict

    d_gt = log revenue at the actual prices - log revenue at the usual ones

and what the group took in, R_gt, is regressed on it beside the group, its trend, the week of the store (where
it has many groups) and what was announced:

    log R_gt = a_g + c_g t + w_t + announcements_gt + calibration d_gt + error_gt

A model that is right has a calibration of 1. Its interval holds what is not known about the slopes (by
posterior draws), and the errors: these last within a group and are shared in a week, so that it takes the
larger of the variances by the jackknife over groups and over blocks of weeks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats
from typing_extensions import TypedDict

from tasks.response.group_estimates import MANY
from tasks.response.group_panel import group_panels
from tasks.response.held_out import LEAST_WEEKS, HeldOut, held_out
from tasks.response.jackknife import blocks
from tasks.response.weeks import WEEK

FITTED = 0.6  # share of the weeks that the slopes are fitted to
WIDEST = 0.5  # half-width of the interval from which the check says nothing
LEAST_MOVED = 1e-3  # least standard deviation of what is predicted, in logs
MOST_LASTING = 0.9  # largest correlation of a surprise with that of the week before
RIDGE = 1e-9  # keeps columns that the others explain finite
PASSED, FAILED, UNTESTED = "passed", "failed", "untested"


class PredictiveCheck(TypedDict):
    """The calibration slope of group revenue on held-out weeks, with its interval; none where there is none.

    ``status`` is passed (the interval holds 1), failed, or untested (nothing to test, or too wide).
    """

    slope: float | None
    low: float | None
    high: float | None
    groups: int
    weeks: int
    status: str
    sentence: str


def predictive_check(
    weeks: pd.DataFrame, instrumented: bool, confidence: float, flags: Sequence[str] = ()
) -> PredictiveCheck:
    """Return the calibration of the response model on the weeks that it was not fitted to.

    Args:
        weeks: as ``bounded_weeks`` returns them.
        instrumented: as for ``group_panels``.
        confidence: probability of the interval.
        flags: what is wrong with the whole panel: prices that answer demand foresee nothing.
    """
    if flags:
        return _untested(flags[0])
    numbers = np.unique(weeks[WEEK])
    first = int(FITTED * len(numbers))
    if min(first, len(numbers) - first) < LEAST_WEEKS:
        return _untested(f"the history has {len(numbers)} weeks")
    cut = (pd.Timestamp(numbers[first]) - weeks[WEEK].min()).days // 7
    rows = held_out(group_panels(weeks, instrumented), cut)
    if rows is None:
        return _untested("no group's price index moves enough in the first part of the weeks")
    return calibration(rows, confidence)


def calibration(rows: HeldOut, confidence: float) -> PredictiveCheck:
    """Return the calibration slope with its interval."""
    rest = _unexplained(rows)
    outcome, drawn = rest[:, 0], rest[:, 1:].T
    mean = drawn.mean(axis=0)
    groups, weeks = len(np.unique(rows.group)), len(np.unique(rows.week))
    if mean.std() < LEAST_MOVED:
        return _untested("prices hardly moved the revenue of groups in the rest of the weeks", groups, weeks)
    slope = float(mean @ outcome / (mean @ mean))
    of_slopes = float(np.var(drawn @ mean / (mean @ mean)))
    clusters = [values for values in (rows.group, blocks(rows.week)) if len(np.unique(values)) > 1]
    of_errors = max(_jackknife(outcome, mean, cluster) for cluster in clusters)
    fewest = min(len(np.unique(cluster)) for cluster in clusters)
    half = float(stats.t.ppf(0.5 + confidence / 2, max(fewest - 1, 1)) * np.sqrt(of_errors + of_slopes))
    return _outcome(slope, half, groups, weeks)


def _unexplained(rows: HeldOut) -> np.ndarray:
    """Return what groups, trends, weeks and announcements leave of outcome and predictions (rows, 1 + draws).

    Surprises last: rows are taken less what lasts of the week before (Prais and Winsten 1954).
    """
    x = _controls(rows)
    both = np.column_stack([rows.observed, rows.predicted.T])
    rest = _residuals(both, x)
    mean = rest[:, 1:].mean(axis=1)
    surprise = rest[:, 0] - mean * float(mean @ rest[:, 0]) / max(float(mean @ mean), RIDGE)
    adjacent = np.r_[False, (np.diff(rows.week) == 1) & (np.diff(rows.group) == 0)]
    before = surprise[np.flatnonzero(adjacent) - 1]
    lasting = float(surprise[adjacent] @ before / max(float(before @ before), RIDGE))
    lasting = float(np.clip(lasting, 0.0, MOST_LASTING))
    return _residuals(_whitened(both, lasting, adjacent), _whitened(x, lasting, adjacent))


def _controls(rows: HeldOut) -> np.ndarray:
    """Return groups, their trends, controls, and the weeks of stores with many groups (rows, columns)."""
    member = np.eye(int(rows.group.max()) + 1)[rows.group]
    time = (rows.week - rows.week.mean()) / max(float(np.ptp(rows.week)), 1.0)
    columns = [member, member * time[:, None], rows.around]
    stores = pd.Series(rows.group).groupby(rows.store).nunique()
    for store in stores.index[stores > MANY]:
        there = rows.store == store
        number = np.unique(rows.week[there], return_inverse=True)[1]
        shared = np.zeros((len(rows.week), int(number.max()) + 1))
        shared[np.flatnonzero(there), number] = 1.0
        columns.append(shared)
    return np.column_stack(columns)


def _whitened(values: np.ndarray, lasting: float, adjacent: np.ndarray) -> np.ndarray:
    """Return rows less what lasts of the row before, scaled to the variance of the others (rows, columns)."""
    before = np.roll(values, 1, axis=0)
    return np.where(adjacent[:, None], (values - lasting * before) / np.sqrt(1 - lasting**2), values)


def _residuals(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return what the columns of x leave of values (rows, ...)."""
    gram = x.T @ x + RIDGE * len(x) * np.eye(x.shape[1])
    return np.asarray(values - x @ np.linalg.solve(gram, x.T @ values))


def _jackknife(outcome: np.ndarray, mean: np.ndarray, cluster: np.ndarray) -> float:
    """Return the variance of the slope of outcome on mean by leaving out a cluster at a time."""
    number = np.unique(cluster, return_inverse=True)[1]
    cross, power = np.bincount(number, mean * outcome), np.bincount(number, mean**2)
    without = (cross.sum() - cross) / np.maximum(power.sum() - power, RIDGE)
    count = len(cross)
    return float((1 - 1 / count) * ((without - without.mean()) ** 2).sum())


def _outcome(slope: float, half: float, groups: int, weeks: int) -> PredictiveCheck:
    """Return the check of a slope and half its interval."""
    low, high = slope - half, slope + half
    interval = f"calibration slope {slope:.2f} ({low:.2f} to {high:.2f})"
    of_what = f"of the revenue of {groups} groups in {weeks} held-out weeks"
    if half > WIDEST:
        status, says = UNTESTED, f"its interval reaches more than {WIDEST:g} to either side"
    elif low <= 1 <= high:
        status, says = PASSED, "its interval holds 1"
    else:
        status, says = FAILED, "its interval does not hold 1"
    sentence = f"predictive check {status}: {interval} {of_what}: {says}"
    return PredictiveCheck(
        slope=slope, low=low, high=high, groups=groups, weeks=weeks, status=status, sentence=sentence
    )


def _untested(why: str, groups: int = 0, weeks: int = 0) -> PredictiveCheck:
    """Return the check where there is nothing to test."""
    sentence = f"predictive check {UNTESTED}: {why}"
    return PredictiveCheck(
        slope=None, low=None, high=None, groups=groups, weeks=weeks, status=UNTESTED, sentence=sentence
    )
