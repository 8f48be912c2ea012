"""Looks before the end: confidence sequences that hold at every look, and bounds for planned looks."""

from __future__ import annotations

import numpy as np
from scipy import optimize, special, stats

FEW = 1000  # units below which a confidence sequence takes Student's tails
GRID = 801  # points of the numerical integration


def rho(alpha: float, tuning: float) -> float:
    """Return the mixture's scale that makes the sequence narrowest at ``tuning`` units.

    rho = sqrt((-2 log alpha + log(1 - 2 log alpha)) / tuning) (Waudby-Smith, Arbour, Sinha, Kennedy and
    Ramdas 2024, Annals of Statistics).
    """
    return float(np.sqrt((-2 * np.log(alpha) + np.log(1 - 2 * np.log(alpha))) / tuning))


def halfwidth(variance: float, n: float, *, alpha: float, tuning: float, df: float | None = None) -> float:
    """Return half the width of the asymptotic confidence sequence after ``n`` units.

    sqrt(n variance) sqrt(2 (n rho^2 + 1) / (n rho)^2 log(sqrt(n rho^2 + 1) / alpha)) (same paper, eq. 9).

    Args:
        variance: of the estimate.
        n: units of both arms.
        alpha: probability that the sequence ever misses.
        tuning: units at which it is narrowest.
        df: degrees of freedom where they are few: the multiple of the standard error is moved to Student's
            tail.
    """
    r = rho(alpha, tuning)
    z = np.sqrt(n) * np.sqrt(2 * (n * r**2 + 1) / (n * r) ** 2 * np.log(np.sqrt(n * r**2 + 1) / alpha))
    return float(np.sqrt(variance) * (z if df is None else -special.stdtrit(df, special.ndtr(-z))))


def p_value(
    difference: float,
    variance: float,
    n: float,
    *,
    tuning: float,
    df: float | None = None,
    alpha: float = 0.05,
) -> float:
    """Return the p-value that holds at every look: one over the mixture's e-value, at most 1.

    e = exp(n^2 d^2 rho^2 / (2 s^2 (n rho^2 + 1))) / sqrt(n rho^2 + 1) with s^2 = n variance; the p-value is
    ``alpha`` where the interval of ``halfwidth`` touches 0.
    """
    r2 = n * rho(alpha, tuning) ** 2
    z = abs(difference) / np.sqrt(variance)
    if df is not None:
        z = -special.ndtri(np.maximum(special.stdtr(df, -z), 1e-300))
    return float(np.minimum(1.0, np.sqrt(r2 + 1) * np.exp(-(z**2) * r2 / (2 * (r2 + 1)))))


def spent(alpha: float, information: np.ndarray, spending: str) -> np.ndarray:
    """Return how much of ``alpha`` is spent up to each share of information (looks,).

    Lan and DeMets 1983, Biometrika.

    ``obrien_fleming``: 4 - 4 Phi(z_{alpha/4} / sqrt(t)), alpha/2 on each side;
    ``pocock``: alpha log(1 + (e - 1) t).
    """
    if spending == "pocock":
        return np.asarray(alpha * np.log(1 + (np.e - 1) * information))
    return np.asarray(4 * stats.norm.sf(stats.norm.isf(alpha / 4) / np.sqrt(information)))


def spending_bounds(information: np.ndarray, alpha: float, spending: str = "obrien_fleming") -> np.ndarray:
    """Return the two-sided bounds on z at each look that spend ``alpha`` as planned (looks,).

    Args:
        information: share of the final information at each look, rising to at most 1 (looks,).
    """
    spent_at = np.diff(spent(alpha, information, spending), prepend=0.0)
    bounds: list[float] = []
    for look in range(len(information)):

        def excess(bound: float, before: list[float] = bounds, look: int = look) -> float:
            return _crossing(np.array([*before, bound]), information[: look + 1])[-1] - spent_at[look]

        bounds.append(float(optimize.brentq(excess, 0.5, 12.0)))
    return np.array(bounds)


def obrien_fleming(looks: int, alpha: float) -> np.ndarray:
    """Return the classical bounds C sqrt(K / k) on z at K equally spaced looks (looks,).

    O'Brien and Fleming 1979, Biometrics.
    """
    information = np.arange(1, looks + 1) / looks
    constant = optimize.brentq(
        lambda c: _crossing(c / np.sqrt(information), information).sum() - alpha, 1.0, 5.0
    )
    return np.asarray(constant / np.sqrt(information))


def _crossing(bounds: np.ndarray, information: np.ndarray) -> np.ndarray:
    """Return the probability, without an effect, that |z| first crosses at each look (looks,).

    The density of the score z sqrt(t) among trials that go on is carried from look to look on a grid
    (Armitage, McPherson and Rowe 1969, JRSS A).
    """
    crossing = [2 * stats.norm.sf(bounds[0])]
    edge = bounds[0] * np.sqrt(information[0])
    grid = np.linspace(-edge, edge, GRID)
    density = stats.norm.pdf(grid, scale=np.sqrt(information[0]))
    for k in range(1, len(bounds)):
        step = np.sqrt(information[k] - information[k - 1])
        edge = bounds[k] * np.sqrt(information[k])
        weight = density * _simpson(grid)
        crossing.append(
            float(weight @ (stats.norm.sf((edge - grid) / step) + stats.norm.cdf((-edge - grid) / step)))
        )
        following = np.linspace(-edge, edge, GRID)
        density = stats.norm.pdf((following[:, None] - grid) / step) / step @ weight
        grid = following
    return np.array(crossing)


def _simpson(grid: np.ndarray) -> np.ndarray:
    """Return the weights of Simpson's rule on a grid of equal steps (points,)."""
    weight = np.full(GRID, 2.0)
    weight[1::2] = 4.0
    weight[[0, -1]] = 1.0
    return np.asarray(weight * (grid[1] - grid[0]) / 3)
