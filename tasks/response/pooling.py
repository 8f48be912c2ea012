"""What products learn from each other: uncertain values of one kind, drawn towards where they belong, no further than the data says.

Empirical Bayes (Efron and Morris 1975, JASA 70:311) with two corrections without which its intervals are too narrow: errors are uncertain
themselves, and so is how much products truly differ.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize, special, stats

from expectations.columns import CATEGORY, ELASTICITY
from tasks.response.weeks import ERROR, FREEDOM, RAW, RAW_ERROR

GRID = 60  # variances over which the one between products is averaged
LEAST, MOST = 1e-4, 2.0  # the smallest and the largest of them, in variances of the raw values


class Pool(NamedTuple):
    """Uncertain values of one kind: their mean, its variance, and the variance of the true values around it."""

    mean: float
    variance: float
    between: float


def pool(estimates: np.ndarray, errors: np.ndarray) -> Pool:
    """Return the mean of uncertain values that differ truly, by Paule and Mandel (1982, J. Res. NBS 87:377).

    The variance of the mean is that of Hartung and Knapp (2001, Stat. Med. 20:3875): it trusts the scatter rather than the errors.

    Args:
        estimates: uncertain values, finite (values,).
        errors: their standard errors, finite (values,).
    """
    between = between_variance(estimates, errors, np.zeros(len(estimates), int))
    weight = 1 / (errors**2 + between)
    mean = float(weight @ estimates / weight.sum())
    if len(estimates) == 1:
        return Pool(mean, float(errors[0] ** 2), 0.0)
    scatter = float(weight @ (estimates - mean) ** 2) / (len(estimates) - 1)
    return Pool(mean, max(scatter, 1.0) / float(weight.sum()), between)


def between_variance(estimates: np.ndarray, errors: np.ndarray, groups: np.ndarray) -> float:
    """Return the variance of the true values around their group's mean: where the scatter equals what it should be (Paule and Mandel)."""
    freedom = len(estimates) - len(np.unique(groups))

    def excess(between: float) -> float:
        weight = 1 / (errors**2 + between)
        centre = _group_means(estimates[:, None], weight, groups)[:, 0]
        return float(weight @ (estimates - centre) ** 2) - freedom

    if freedom == 0 or excess(0.0) <= 0:
        return 0.0
    return float(optimize.brentq(excess, 0.0, float(np.sum((estimates - estimates.mean()) ** 2)) + 1.0))


def moderated(errors: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Return standard errors that have learned from each other, as wide as Student's t asks.

    Squared errors s_i^2 scatter around their true values, and the luck that makes one small also makes its estimate look certain. With
    d_i degrees of freedom and true values drawn from s_0^2 d_0 / chi^2(d_0) (Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3:3),

        s_i^2 <- (d_0 s_0^2 + d_i s_i^2) / (d_0 + d_i),   with d_0 + d_i degrees of freedom

    Args:
        errors: standard errors; infinite where unknown (values,).
        freedom: their degrees of freedom (values,).
    """
    known = np.isfinite(errors) & (errors > 0)
    told = errors.astype(float)
    if known.sum() < 3:
        return told
    free = freedom[known]
    log = np.log(errors[known] ** 2) - special.digamma(free / 2) + np.log(free / 2)
    excess = float(log.var(ddof=1) - special.polygamma(1, free / 2).mean())
    prior = (
        2 * optimize.brentq(lambda d: special.polygamma(1, d) - excess, 1e-4, 1e4) if excess > 1e-4 else 1e4
    )
    common = np.exp(log.mean() + special.digamma(prior / 2) - np.log(prior / 2))
    both = prior + free
    wider = stats.t.ppf(0.975, both) / stats.norm.ppf(0.975)
    told[known] = np.sqrt((prior * common + free * errors[known] ** 2) / both) * wider
    return told


def shrunk(raw: pd.DataFrame) -> pd.DataFrame:
    """Return every product's posterior mean and standard deviation: product in category, category in shop.

        e_i ~ N(m_category, A),  m_category ~ N(m, C),  raw_i ~ N(e_i, s_i^2)

    s_i are the moderated errors. A is averaged over, uniform before the data (Morris 1983, JASA 78:47): one best value would make the
    intervals of the products too narrow. C is at its best for each A. A product without an estimate of its own has its category's, a
    category without one the shop's, with the wider interval that is due.

    Args:
        raw: columns ``category``, ``raw_elasticity``, ``raw_error`` and ``freedom``; nan and infinity where unknown, not all of them.
    """
    error = moderated(raw[RAW_ERROR].to_numpy(float), raw[FREEDOM].to_numpy(float))
    known = np.isfinite(error)
    category, names = pd.factorize(raw[CATEGORY])
    scatter = max(float(raw[RAW][known].var(ddof=0)), float(np.min(error[known] ** 2)))
    grid = scatter * np.geomspace(LEAST, MOST, GRID)
    each = [_given(between, raw[RAW].to_numpy(float), error, category, len(names)) for between in grid]
    likely = np.array([one.log_likelihood for one in each]) + np.log(
        grid
    )  # uniform in A, of which the grid takes logs
    weight = np.exp(likely - likely.max())
    weight /= weight.sum()
    means, variances = (
        np.stack([one.mean for one in each]),
        np.stack([one.variance for one in each]),
    )  # (GRID, products)
    mean = weight @ means
    return pd.DataFrame(
        {ELASTICITY: mean, ERROR: np.sqrt(weight @ (variances + (means - mean) ** 2))}, index=raw.index
    )


class _Given(NamedTuple):
    """Posterior means and variances of the products for one A (products,), and how likely the raw values are."""

    mean: np.ndarray
    variance: np.ndarray
    log_likelihood: float


def _given(
    between: float, value: np.ndarray, error: np.ndarray, category: np.ndarray, categories: int
) -> _Given:
    """Return the posterior where products differ by ``between`` (variance) within their category."""
    known = np.isfinite(error)
    weight = 1 / (error[known] ** 2 + between)
    precision = np.bincount(category[known], weight, categories)
    there = precision > 0
    mean = np.bincount(category[known], weight * value[known], categories)[there] / precision[there]
    shop = pool(mean, 1 / np.sqrt(precision[there]))

    trust = np.zeros(categories)
    trust[there] = shop.between / (shop.between + 1 / precision[there])
    centre = np.full(categories, shop.mean)
    centre[there] += trust[there] * (mean - shop.mean)
    centre_variance = (1 - trust) * shop.between + (1 - trust) ** 2 * shop.variance

    own = np.zeros(len(value))
    own[known] = between / (between + error[known] ** 2)
    gap = np.where(known, value, 0.0) - np.where(known, centre[category], 0.0)
    variance = (1 - own) * between + (1 - own) ** 2 * centre_variance[category]

    within = (
        value[known]
        - np.bincount(category[known], weight * value[known], categories)[category[known]]
        / precision[category[known]]
    )
    spread = shop.between + 1 / precision[there]
    log_likelihood = 0.5 * (np.log(weight).sum() - weight @ within**2 - np.log(precision[there]).sum())
    log_likelihood -= 0.5 * (
        np.log(spread).sum() + np.log((1 / spread).sum()) + ((mean - shop.mean) ** 2 / spread).sum()
    )
    return _Given(centre[category] + own * gap, variance, float(log_likelihood))


def _group_means(x: np.ndarray, weight: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the weighted means of the columns within the row's group (rows, columns)."""
    total = np.maximum(np.bincount(groups, weight), np.finfo(float).tiny)
    return np.stack([np.bincount(groups, weight * column) / total for column in x.T], axis=1)[groups]
