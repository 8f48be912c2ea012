"""Counts: buyers drawn from a uniform number, and how many of them a stock can serve."""

from __future__ import annotations

import numpy as np
from scipy import special


def expected_sales(mean: np.ndarray, stock: np.ndarray) -> np.ndarray:
    """Return E[min(D, stock)] of D ~ Poisson(mean): mean P(D < stock) + stock P(D > stock); ``stock`` may be infinite.

    Args:
        mean: expected buyers.
        stock: units there are, of the same shape.
    """
    served = np.floor(np.where(np.isfinite(stock), stock, 0.0))
    below = np.where(served >= 1, special.pdtr(np.maximum(served - 1, 0), mean), 0.0)
    return np.asarray(np.where(np.isfinite(stock), mean * below + served * special.pdtrc(served, mean), mean))


def poisson_quantile(u: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return the least k with P(Poisson(mean) <= k) >= u: a Cornish-Fisher guess, put right by the exact distribution function.

    Args:
        u: probabilities below 1, any shape.
        mean: expected counts, of the same shape.
    """
    z = special.ndtri(u)
    k = np.maximum(np.floor(mean + np.sqrt(mean) * z + (z**2 - 1) / 6), 0.0).ravel()
    u, mean = u.ravel(), mean.ravel()
    low = np.flatnonzero(special.pdtr(k, mean) < u)
    high = np.flatnonzero((k > 0) & (special.pdtr(k - 1, mean) >= u))
    while low.size:
        k[low] += 1
        low = low[special.pdtr(k[low], mean[low]) < u[low]]
    while high.size:
        k[high] -= 1
        high = high[(k[high] > 0) & (special.pdtr(k[high] - 1, mean[high]) >= u[high])]
    return k.reshape(z.shape)
