"""Coefficients that all products share: the remembered price, the competitor's price, and its reaction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats
from typing_extensions import TypedDict

from tasks.response.pooling import pool
from tasks.response.slopes import Estimate


class Effect(TypedDict):
    """A coefficient that all products share, with its interval; never below 0."""

    estimate: float
    low: float
    high: float


NO_EFFECT = Effect(estimate=0.0, low=0.0, high=0.0)


def shared_effect(estimates: Sequence[Estimate], confidence: float) -> Effect:
    """Return a coefficient that all products share and that theory puts at 0 or above.

    It is the mean of the pooled normal, truncated below at 0. Nobody buys more because a price was lower
    before (Kalyanaram and Winer 1995, Marketing Science 14:G161) or because the competitor is cheaper, and
    no competitor answers a cut with a rise. 0 where no product has an estimate.

    Args:
        estimates: of the products; those without a finite error are left out.
        confidence: probability of the interval.
    """
    known = [estimate for estimate in estimates if np.isfinite(estimate.error) and estimate.error > 0]
    if not known:
        return NO_EFFECT
    slopes = np.array([estimate.slope for estimate in known])
    pooled = pool(slopes, np.array([estimate.error for estimate in known]))
    error = float(np.sqrt(pooled.variance))
    truncated = stats.truncnorm(-pooled.mean / error, np.inf, pooled.mean, error)
    low, high = truncated.interval(confidence)
    return Effect(estimate=float(truncated.mean()), low=float(low), high=float(high))
