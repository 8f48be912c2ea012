"""The lift of a trial with its interval: a ratio over clusters, by the delta method, sharpened by what was known before (CUPED).

With outcome sums Y_c and product counts N_c of the clusters c of an arm, its mean is R = sum Y / sum N, whose variance is that of the
linearised clusters (Y_c - R N_c) / mean N (Deng, Knoblich and Lu 2018, KDD). CUPED takes theta times the arm's surplus of the covariate
off its mean, theta pooled over both arms (Deng et al. 2013, WSDM).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from tasks.trial.errors import TrialError


@dataclass(frozen=True)
class Clusters:
    """Sums over clusters.

    Attributes:
        outcome: sum of the outcome (clusters,).
        covariate: sum of what was known before and does not depend on the arm (clusters,).
        size: number of products (clusters,).
        treated: whether the cluster was treated (clusters,), bool.
    """

    outcome: np.ndarray
    covariate: np.ndarray
    size: np.ndarray
    treated: np.ndarray


@dataclass(frozen=True)
class Lift:
    """Relative change of the mean outcome, treated over control.

    Attributes:
        value: the lift (share).
        low, high: ends of its interval (share).
        theta: coefficient of the covariate.
        control: adjusted mean outcome of the control arm, per product.
        treated: that of the treated arm.
    """

    value: float
    low: float
    high: float
    theta: float
    control: float
    treated: float


def clusters_of(outcome: np.ndarray, covariate: np.ndarray, treated: np.ndarray, clusters: np.ndarray) -> Clusters:
    """Sum products into clusters, one per market and cluster.

    Args:
        outcome: outcome of every product (markets, products).
        covariate: known before (products,).
        treated: as ``assign`` returns it (markets, products).
        clusters: number of each product's cluster, from 0 (products,).
    """
    member = np.eye(clusters.max() + 1)[clusters]  # (products, clusters)
    markets = len(outcome)
    size = np.tile(member.sum(axis=0), markets)
    covariates = np.tile(covariate @ member, markets)
    first = np.unique(clusters, return_index=True)[1]  # a cluster has one arm: that of its first product
    return Clusters((outcome @ member).ravel(), covariates, size, treated[:, first].ravel())


def lift(clusters: Clusters, confidence: float) -> Lift:
    """Return the adjusted lift with its interval.

    Args:
        clusters: sums over clusters of both arms.
        confidence: probability of the interval.

    Raises:
        TrialError: an arm has fewer than two clusters, or nothing was earned in the control arm.
    """
    arms = [clusters.treated, ~clusters.treated]
    if min(arm.sum() for arm in arms) < 2:
        raise TrialError(f"trial: both arms need two clusters. Received: {[int(arm.sum()) for arm in arms]}. Raise `evaluate.markets`.")
    y, x = (_linearised(values, clusters.size, arms) for values in (clusters.outcome, clusters.covariate))
    theta = float((x @ y) / (x @ x)) if (x @ x) > 0 else 0.0
    overall = clusters.covariate.sum() / clusters.size.sum()
    means, variances = [], []
    for arm in arms:
        size = clusters.size[arm]
        surplus = clusters.covariate[arm].sum() / size.sum() - overall
        means.append(clusters.outcome[arm].sum() / size.sum() - theta * surplus)
        variances.append(((y - theta * x)[arm]).var(ddof=1) / arm.sum() / size.mean() ** 2)
    treated, control = means
    if not control > 0:
        raise TrialError(f"trial: the control arm must earn something. Received: {control}.")
    error = np.sqrt(variances[0] / control**2 + variances[1] * treated**2 / control**4)
    z = stats.norm.ppf(0.5 + confidence / 2)
    value = treated / control - 1
    return Lift(float(value), float(value - z * error), float(value + z * error), theta, float(control), float(treated))


def _linearised(values: np.ndarray, size: np.ndarray, arms: list[np.ndarray]) -> np.ndarray:
    """Return values less their arm's mean times the size (clusters,)."""
    told = np.empty(len(values))
    for arm in arms:
        told[arm] = values[arm] - values[arm].sum() / size[arm].sum() * size[arm]
    return told
