"""What products learn from each other: each uncertain estimate is drawn towards the mean of its category.

Empirical Bayes (Efron and Morris 1975, JASA 70:311) with two corrections, without which its intervals are too
narrow: the standard errors are uncertain themselves, and so is how much products truly differ.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize, special, stats

from expectations.columns import CATEGORY, ELASTICITY

RAW, RAW_ERROR, FREEDOM = "raw_elasticity", "raw_error", "freedom"  # of the product alone
ERROR = "standard_error"  # of the elasticity after pooling
GRID = 60  # values of the variance between products that the posterior is averaged over
LEAST, MOST = 1e-4, 2.0  # smallest and largest of them, relative to the variance of the raw values
MODERATED = 3  # least number of errors from which their common scatter is estimated
MANY = 8  # values from which a single one can be told to lie far out
FARTHEST = 4.0  # standard deviations of an estimate around the middle of the others within which it is pooled
NORMAL_MEDIAN = 0.6745  # median absolute value of a standard normal variable
PRIOR_FREEDOM = (1e-4, 1e4)  # smallest and largest degrees of freedom of the errors' common distribution


class Pool(NamedTuple):
    """The mean of uncertain values, its variance, and the variance of the true values around it."""

    mean: float
    variance: float
    between: float


def pool(estimates: np.ndarray, errors: np.ndarray) -> Pool:
    """Return the mean of uncertain values that differ truly, by Paule and Mandel (1982, J. Res. NBS 87:377).

    The variance of the mean is that of Hartung and Knapp (2001, Stat. Med. 20:3875), which follows the
    scatter of the values rather than their errors.

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


def winsorised(estimates: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return values that lie at most ``FARTHEST`` standard deviations from their median (values,).

    What a mean of uncertain values is taken of, so that no single product can drag it: Winsor's mean (Tukey
    1962, Ann. Math. Stat. 33:1). The standard deviation of a value holds its error and how much the values
    truly differ, by their median distance. Few values are left as they are.

    Args:
        estimates: uncertain values, finite (values,).
        errors: their standard errors, finite (values,).
    """
    if len(estimates) < MANY:
        return estimates
    middle = np.median(estimates)
    scatter = np.median(np.abs(estimates - middle)) / NORMAL_MEDIAN
    between = max(float(scatter**2 - np.median(errors**2)), 0.0)
    reach = FARTHEST * np.sqrt(errors**2 + between)
    return np.clip(estimates, middle - reach, middle + reach)


def between_variance(estimates: np.ndarray, errors: np.ndarray, groups: np.ndarray) -> float:
    """Return the variance of the true values around their group's mean, by Paule and Mandel.

    It is the variance at which the weighted scatter around the group means equals its degrees of freedom.

    Args:
        estimates: uncertain values, finite (values,).
        errors: their standard errors, finite (values,).
        groups: number of each value's group (values,).
    """
    freedom = len(estimates) - len(np.unique(groups))

    def excess(between: float) -> float:
        weight = 1 / (errors**2 + between)
        centre = _group_means(estimates[:, None], weight, groups)[:, 0]
        return float(weight @ (estimates - centre) ** 2) - freedom

    if freedom == 0 or excess(0.0) <= 0:
        return 0.0
    return float(optimize.brentq(excess, 0.0, float(np.sum((estimates - estimates.mean()) ** 2)) + 1.0))


def moderated(errors: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Return standard errors that have learned from each other, widened to the quantiles of Student's t.

    Squared errors s_i^2 scatter around their true values, and one that is small by chance makes its estimate
    look certain. With d_i degrees of freedom and true values drawn from s_0^2 d_0 / chi^2(d_0)
    (Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3:3),

        s_i^2 <- (d_0 s_0^2 + d_i s_i^2) / (d_0 + d_i),   with d_0 + d_i degrees of freedom

    Args:
        errors: standard errors; infinite where unknown (values,).
        freedom: their degrees of freedom (values,).
    """
    known = np.isfinite(errors) & (errors > 0)
    moderate = errors.astype(float)
    if known.sum() < MODERATED:
        return moderate
    free = freedom[known]
    log = np.log(errors[known] ** 2) - special.digamma(free / 2) + np.log(free / 2)
    excess = float(log.var(ddof=1) - special.polygamma(1, free / 2).mean())
    least, most = PRIOR_FREEDOM
    prior = most
    if excess > 1 / most:  # about the trigamma function of the largest value, so that the root lies between
        prior = 2 * optimize.brentq(lambda d: special.polygamma(1, d) - excess, least, most)
    common = np.exp(log.mean() + special.digamma(prior / 2) - np.log(prior / 2))
    both = prior + free
    wider = stats.t.ppf(0.975, both) / stats.norm.ppf(0.975)
    moderate[known] = np.sqrt((prior * common + free * errors[known] ** 2) / both) * wider
    return moderate


def shrunk(raw: pd.DataFrame) -> pd.DataFrame:
    """Return every product's posterior mean and standard deviation: product in category, category in shop.

        e_i ~ N(m_category, A),  m_category ~ N(m, C),  raw_i ~ N(e_i, s_i^2)

    s_i are the moderated errors. The posterior is averaged over A, uniform before the data (Morris 1983,
    JASA 78:47), because a single best value would make the intervals of the products too narrow. C is at
    its best for each A. A product without an estimate takes that of its category, and a category without
    one that of the shop, with the wider interval that follows.

    Args:
        raw: columns ``category``, ``raw_elasticity``, ``raw_error`` and ``freedom``. The elasticity is nan
            and the error infinite where unknown; at least one product must have both.
    """
    error = moderated(raw[RAW_ERROR].to_numpy(float), raw[FREEDOM].to_numpy(float))
    known = np.isfinite(error)
    category, names = pd.factorize(raw[CATEGORY])
    value = raw[RAW].to_numpy(float)
    pooled = np.where(known, value, 0.0)
    pooled[known] = winsorised(value[known], error[known])
    scatter = max(float(pooled[known].var(ddof=0)), float(np.min(error[known] ** 2)))
    grid = scatter * np.geomspace(LEAST, MOST, GRID)
    posteriors = [
        _posterior(between, value, pooled=pooled, error=error, category=category, categories=len(names))
        for between in grid
    ]
    # The prior is uniform in A, and the grid is even in log A: its points weigh by A.
    likely = np.array([posterior.log_likelihood for posterior in posteriors]) + np.log(grid)
    weight = np.exp(likely - likely.max())
    weight /= weight.sum()
    means = np.stack([posterior.mean for posterior in posteriors])  # (GRID, products)
    variances = np.stack([posterior.variance for posterior in posteriors])  # (GRID, products)
    mean = weight @ means
    return pd.DataFrame(
        {ELASTICITY: mean, ERROR: np.sqrt(weight @ (variances + (means - mean) ** 2))}, index=raw.index
    )


class _Posterior(NamedTuple):
    """Means and variances of the products for one A (products,), and the log likelihood of the raw values."""

    mean: np.ndarray
    variance: np.ndarray
    log_likelihood: float


def _posterior(
    between: float,
    value: np.ndarray,
    *,
    pooled: np.ndarray,
    error: np.ndarray,
    category: np.ndarray,
    categories: int,
) -> _Posterior:
    """Return the posterior where products differ by ``between`` (variance) within their category.

    Args:
        between: A, the variance of true values within a category.
        value: raw elasticities (products,).
        pooled: the same, winsorised, of which the means are taken (products,).
        error: moderated standard errors, infinite where unknown (products,).
        category: number of each product's category (products,).
        categories: how many categories there are.
    """
    known = np.isfinite(error)
    weight = 1 / (error[known] ** 2 + between)
    precision = np.bincount(category[known], weight, categories)
    there = precision > 0
    sums = np.bincount(category[known], weight * pooled[known], categories)
    mean = sums[there] / precision[there]
    shop = pool(mean, 1 / np.sqrt(precision[there]))
    centre, centre_variance = _category_centres(shop, mean, precision)

    trust = np.zeros(len(value))  # weight of the product's raw value against its category's centre
    trust[known] = between / (between + error[known] ** 2)
    gap = np.where(known, value, 0.0) - np.where(known, centre[category], 0.0)
    variance = (1 - trust) * between + (1 - trust) ** 2 * centre_variance[category]

    within = pooled[known] - sums[category[known]] / precision[category[known]]
    spread = shop.between + 1 / precision[there]
    log_likelihood = 0.5 * (np.log(weight).sum() - weight @ within**2 - np.log(precision[there]).sum())
    log_likelihood -= 0.5 * (
        np.log(spread).sum() + np.log((1 / spread).sum()) + ((mean - shop.mean) ** 2 / spread).sum()
    )
    return _Posterior(centre[category] + trust * gap, variance, float(log_likelihood))


def _category_centres(shop: Pool, mean: np.ndarray, precision: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return posterior means and variances of the categories, drawn towards the shop (categories,).

    Args:
        shop: pool of the categories' means.
        mean: means of the categories that have estimates (categories with estimates,).
        precision: of those means, 0 for a category without estimates (categories,).
    """
    there = precision > 0
    trust = np.zeros(len(precision))
    trust[there] = shop.between / (shop.between + 1 / precision[there])
    centre = np.full(len(precision), shop.mean)
    centre[there] += trust[there] * (mean - shop.mean)
    return centre, (1 - trust) * shop.between + (1 - trust) ** 2 * shop.variance


def _group_means(x: np.ndarray, weight: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the weighted means of the columns within the row's group (rows, columns)."""
    total = np.maximum(np.bincount(groups, weight), np.finfo(float).tiny)
    return np.stack([np.bincount(groups, weight * column) / total for column in x.T], axis=1)[groups]
