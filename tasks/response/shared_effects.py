"""Coefficients that all products share: the remembered price, the competitor's price, and its reaction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats
from typing_extensions import TypedDict

from tasks.response.pooling import moderated, pool
from tasks.response.slopes import Estimate


class Effect(TypedDict):
    """A coefficient that all products share, with its interval: 0 where the data do not show it."""

    estimate: float
    low: float
    high: float


NO_EFFECT = Effect(estimate=0.0, low=0.0, high=0.0)


def shared_effect(estimates: Sequence[Estimate], confidence: float) -> Effect:
    """Return a coefficient that all products share and that theory puts at 0 or above.

    Nobody buys more because a price was lower before (Kalyanaram and Winer 1995, Marketing Science 14:G161)
    or because the competitor is cheaper, and no competitor answers a cut with a rise. It is 0 where its
    interval contains 0: a mean that is only cut off at 0 would find an effect in every shop. The upper end of
    the interval keeps what may be there all the same. 0 where no product has an estimate.

    Args:
        estimates: of the products; those without a finite error are left out.
        confidence: probability of the interval.
    """
    known = [estimate for estimate in estimates if np.isfinite(estimate.error) and estimate.error > 0]
    if not known:
        return NO_EFFECT
    errors = np.array([estimate.error for estimate in known])
    freedom = np.array([estimate.freedom for estimate in known])
    pooled = pool(np.array([estimate.slope for estimate in known]), moderated(errors, freedom))
    half = float(stats.norm.ppf(0.5 + confidence / 2) * np.sqrt(pooled.variance))
    low, high = pooled.mean - half, pooled.mean + half
    if low <= 0:
        return Effect(estimate=0.0, low=0.0, high=max(high, 0.0))
    return Effect(estimate=pooled.mean, low=low, high=high)
