"""Counts: buyers drawn from a uniform number, and how many of them a stock can serve."""

from __future__ import annotations

import numpy as np
from scipy import special

LEAST_DISPERSION = 1e-9  # keeps the shape of the gamma frailty finite where demand is Poisson
LEAST_NOISE = 1e-6  # dispersion below which demand counts as Poisson
MOST_STOCK = 1e9  # units; stands for a stock that never runs out
FAR = 10.0  # a stock this many standard deviations, and units, above the mean does not run out


def expected_sales(mean: np.ndarray, stock: np.ndarray, dispersion: np.ndarray | float = 0.0) -> np.ndarray:
    """Return E[min(D, stock)] of negative binomial D with variance mean + dispersion mean^2.

    Where the stock is far above the mean, this is the mean: the difference is below the rounding.

    Args:
        mean: expected buyers (B,).
        stock: units on hand, perhaps infinite (B,).
        dispersion: 0 for Poisson (B,).
    """
    sales = np.array(mean, dtype=float)
    noise = np.broadcast_to(np.asarray(dispersion, dtype=float), sales.shape)
    near = np.flatnonzero(stock < mean + FAR * (1 + np.sqrt(mean + noise * mean**2)))
    m, served, noise = sales[near], np.floor(stock[near]), noise[near]
    poisson = noise < LEAST_NOISE
    sales[near] = np.where(
        poisson, _poisson_sales(m, served), _noisy_sales(m, served, np.maximum(noise, LEAST_NOISE))
    )
    return sales


def _poisson_sales(mean: np.ndarray, stock: np.ndarray) -> np.ndarray:
    """Return mean P(D < stock) + stock P(D > stock)."""
    at_most = special.pdtr(stock, mean)
    exactly = np.exp(special.xlogy(stock, mean) - mean - special.gammaln(stock + 1))
    return np.asarray(mean * (at_most - exactly) + stock * (1 - at_most))


def _noisy_sales(mean: np.ndarray, stock: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return mean F_{r+1}(stock - 2) + stock (1 - F_r(stock - 1)) of distributions at shape r = 1 / noise."""
    shape = 1 / noise
    chance = shape / (shape + mean)
    fewer = special.betainc(shape + 1, np.maximum(stock - 1, 1.0), chance)
    all_sold = 1 - special.betainc(shape, np.maximum(stock, 1.0), chance)
    return np.where(stock > 1, mean * fewer, 0.0) + stock * all_sold


def served_chance(mean: np.ndarray, dispersion: np.ndarray, stock: np.ndarray) -> np.ndarray:
    """Return P(D < stock): the chance that one more buyer is served, the derivative of the expected sales.

    D is negative binomial with the given mean and variance mean + dispersion mean^2.

    Args:
        mean: expected buyers, above 0 (B,).
        dispersion: 0 for Poisson (B,).
        stock: units on hand, perhaps infinite (B,).
    """
    shape = 1 / np.maximum(dispersion, LEAST_DISPERSION)
    below = np.floor(np.minimum(stock, MOST_STOCK)) - 1
    chance = special.betainc(shape, np.maximum(below, 0.0) + 1, shape / (shape + mean))
    return np.where(np.isfinite(stock), np.where(below < 0, 0.0, chance), 1.0)


def poisson_quantile(u: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return the least k with P(Poisson(mean) <= k) >= u.

    The start is a Cornish-Fisher expansion; the exact distribution function corrects it.

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
