"""Arms and effects: a metric is a ratio of sums over the units of randomisation.

A unit i (a visitor, or a cluster or block of rows) has a numerator y, a denominator d, a covariate x known
before the trial, and a weight m of the covariate. A mean per unit has d = m = 1. With R = sum y / sum d and
S = sum x / sum m of an arm, linearised to

    u = (y - R d) / mean d,    w = (x - S m) / mean m,

the variance of R is var(u) / n (delta method: Deng, Knoblich and Lu 2018, KDD). CUPED subtracts
theta (S - S of all) from R, with theta pooled over both arms, and has the variance of u - theta w (Deng,
Xu, Kohavi and Walker 2013, WSDM). Degrees of freedom are Welch's (1947, Biometrika).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from tasks.trial import sequential
from tasks.trial.errors import TrialError

Y, D, X, M = range(4)


@dataclass(frozen=True)
class Arm:
    """What an arm's units add up to.

    Attributes:
        n: units of randomisation.
        mean: of numerator, denominator, covariate, weight (4,).
        second: means of their products (4, 4).
        rows: the units themselves where they are clusters or blocks, whose sizes differ (units, 4); else
            none.
    """

    n: int
    mean: np.ndarray
    second: np.ndarray
    rows: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A ratio in one arm.

    Attributes:
        value: the ratio, adjusted where a covariate is used.
        base: the ratio to which a relative effect is related.
        variance: of the value.
        df: degrees of freedom of the variance.
        n: units.
    """

    value: float
    base: float
    variance: float
    df: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Treated over control: a difference in the metric's unit, or relative (share of control).

    Attributes:
        difference: treated less control.
        se: its standard error.
        df: degrees of freedom (Welch).
        p: two-sided, of no difference, for one look.
        low, high: ends of the interval for one look.
        sequential_low, sequential_high: ends of the interval that holds at all looks together.
        sequential_p: p-value that holds at all looks together.
    """

    difference: float
    se: float
    df: float
    p: float
    low: float
    high: float
    sequential_low: float
    sequential_high: float
    sequential_p: float


@dataclass(frozen=True)
class Levels:
    """How sure an interval is.

    Attributes:
        alpha: probability that it misses (two-sided).
        tuning: number of units at which the confidence sequence is narrowest.
    """

    alpha: float = 0.05
    tuning: float = 5000.0


def arm_of(
    y: np.ndarray,
    d: np.ndarray | None = None,
    x: np.ndarray | None = None,
    m: np.ndarray | None = None,
    grouped: bool = False,
) -> Arm:
    """Return an arm from its units.

    Args:
        y: numerators (units,).
        d: denominators (units,); none for a mean per unit.
        x: covariates (units,), known before.
        m: weights of the covariates (units,).
        grouped: whether the units are clusters or blocks.
    """
    ones, zeros = np.ones(len(y)), np.zeros(len(y))
    parts = [y, ones if d is None else d, zeros if x is None else x, ones if m is None else m]
    rows = np.stack(parts, axis=1).astype(float)
    count = max(len(y), 1)
    return Arm(len(y), rows.sum(axis=0) / count, rows.T @ rows / count, rows if grouped else None)


def theta_of(arms: list[Arm]) -> float:
    """Return the coefficient of the covariate, pooled over arms; 0 where the covariate does not vary."""
    n = sum(arm.n for arm in arms)
    mean = sum((arm.n * arm.mean for arm in arms), np.zeros(4)) / n
    second = sum((arm.n * arm.second for arm in arms), np.zeros((4, 4))) / n
    u, w = _linear(mean)
    spread = w @ second @ w
    return float(u @ second @ w / spread) if spread > 1e-12 * second[X, X] else 0.0


def estimates(control: Arm, treated: Arm, *, adjusted: bool) -> tuple[Estimate, Estimate]:
    """Return both arms' ratios, adjusted by the covariate or not.

    Raises:
        TrialError: an arm has fewer than two units, or its denominators add up to nothing.
    """
    arms = [control, treated]
    if min(arm.n for arm in arms) < 2:
        raise TrialError(
            f"both arms need two units of randomisation. Received: {[arm.n for arm in arms]}. "
            "Randomise more of them."
        )
    if min(arm.mean[D] for arm in arms) <= 0:
        raise TrialError(
            "the denominator of a ratio must add up to more than 0 in both arms. Received: 0. "
            "Leave the metric out."
        )
    theta = theta_of(arms) if adjusted else 0.0
    overall = sum(arm.n * arm.mean[X] for arm in arms) / sum(arm.n * arm.mean[M] for arm in arms)
    first, second = (_estimate(arm, theta, overall) for arm in arms)
    return first, second


def absolute(control: Estimate, treated: Estimate, levels: Levels) -> Effect:
    """Return treated less control, in the unit of the metric."""
    difference = treated.value - control.value
    return _effect(difference, (control.variance, treated.variance), control, treated, levels)


def relative(control: Estimate, treated: Estimate, levels: Levels) -> Effect | None:
    """Return the difference as a share of control, by the delta method; none where control is not above 0.

    var(B/A) = var(B) / A^2 + var(A) B^2 / A^4. Over units, a CUPED difference is divided by the mean that
    control really had; over clusters, by the adjusted one, because there the random split moves the
    denominator too.
    """
    a, b = control.base, treated.base
    if not a > 0:
        return None
    parts = control.variance * b**2 / a**4, treated.variance / a**2
    return _effect((treated.value - control.value) / a, parts, control, treated, levels)


def _effect(
    difference: float, parts: tuple[float, float], control: Estimate, treated: Estimate, levels: Levels
) -> Effect:
    """Return a difference with its intervals; ``parts`` are the variances of control and treated in it."""
    variance = sum(parts)
    if not variance > 0:
        raise TrialError(
            "the metric must vary in an arm. Received: the same value everywhere. Check the column."
        )
    # Welch's degrees of freedom are those of the absolute difference.
    plain = control.variance, treated.variance
    df = sum(plain) ** 2 / (plain[0] ** 2 / control.df + plain[1] ** 2 / treated.df)
    n, se = control.n + treated.n, float(np.sqrt(variance))
    half = float(special.stdtrit(df, 1 - levels.alpha / 2)) * se
    few = df if n < sequential.FEW else None
    wide = sequential.halfwidth(variance, n, alpha=levels.alpha, tuning=levels.tuning, df=few)
    return Effect(
        difference=float(difference),
        se=se,
        df=float(df),
        p=float(2 * special.stdtr(df, -abs(difference) / se)),
        low=float(difference - half),
        high=float(difference + half),
        sequential_low=float(difference - wide),
        sequential_high=float(difference + wide),
        sequential_p=sequential.p_value(float(difference), variance, n, tuning=levels.tuning, df=few),
    )


def _estimate(arm: Arm, theta: float, overall: float) -> Estimate:
    """Return the ratio of an arm, less theta times how far its covariate lies above the overall one."""
    ratio = arm.mean[Y] / arm.mean[D]
    value = ratio - theta * (arm.mean[X] / arm.mean[M] - overall)
    u, w = _linear(arm.mean)
    weights = u - theta * w
    if arm.rows is None:
        variance = max(float(weights @ arm.second @ weights), 0.0) / (arm.n - 1)
        return Estimate(value=float(value), base=float(ratio), variance=variance, df=arm.n - 1.0, n=arm.n)
    size = arm.rows[:, D] / arm.rows[:, D].sum()  # (units,)
    variance = float(((arm.rows @ weights) ** 2 / np.maximum(1 - size, 0.5)).sum() / arm.n**2)
    return Estimate(
        value=float(value), base=float(value), variance=variance, df=_effective(size) - 1, n=arm.n
    )


def _effective(size: np.ndarray) -> float:
    """Return how many clusters of equal size vary as these do, at least two.

    (sum s^2)^2 / sum s^4, by Satterthwaite (1946) with variance ~ s^2.

    Args:
        size: share of each cluster in the arm's denominator (units,).
    """
    return max(float((size**2).sum() ** 2 / (size**4).sum()), 2.0)


def _linear(mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of (y, d, x, m) in u and in w, both (4,)."""
    u = np.array([1.0, -mean[Y] / mean[D], 0.0, 0.0]) / mean[D]
    w = np.array([0.0, 0.0, 1.0, -mean[X] / mean[M]]) / mean[M]
    return u, w
