"""Sales since the training in a shop of known slopes, and what is learned from them."""

from __future__ import annotations

import numpy as np

from tasks.pricing.learning import Doubt, Learned, SoldWeeks, learn

BELIEVED, ERROR = 2.4, 0.7  # slope of the training, and what it is wrong by in all products


def sold_shop(
    *,
    seed: int,
    groups: int,
    weeks: int,
    units: float = 60.0,
    dispersion: float = 0.05,
    lasting: float = 0.0,
) -> tuple[SoldWeeks, np.ndarray]:
    """Return sales of nested logit demand and its slopes, all ``ERROR`` above the believed ones.

    A tenth of the list is varied by a tenth every week, beside three steps of 5 % up or down that stay.
    """
    rng = np.random.default_rng(seed)
    n, group = 4 * groups, np.repeat(np.arange(groups), 4)
    slope = BELIEVED + ERROR + (0.3 * rng.standard_normal(groups))[group] + 0.2 * rng.standard_normal(n)
    base = units * np.exp(0.6 * rng.standard_normal(n))
    planned = 0.05 * np.minimum(np.arange(1, weeks + 1), 3)[:, None] * rng.choice([-1, 1], n)
    varied = np.where(rng.random((weeks, n)) < 0.1, 0.1 * rng.choice([-1, 1], (weeks, n)), 0.0)
    change = planned + varied
    attraction = base * np.exp(0.15 * rng.standard_normal(n) - slope * change)
    first = np.arange(0, n, 4)
    total = np.add.reduceat(attraction, first, axis=1) / np.add.reduceat(base, first)
    season = np.exp(np.cumsum(0.1 * rng.standard_normal((weeks, groups)), axis=0))
    mean = attraction * (total**-0.7 * season)[:, group] * _shocks(rng, (weeks, n), dispersion, lasting)
    return (
        SoldWeeks(
            group=group,
            units=rng.poisson(mean).astype(float),
            change=change,
            present=np.ones((weeks, n), bool),
            base_units=base,
            dispersion=np.full(n, dispersion),
        ),
        slope,
    )


def _shocks(
    rng: np.random.Generator, shape: tuple[int, int], dispersion: float, lasting: float
) -> np.ndarray:
    """Return gamma shocks of mean 1, or log-normal ones that last."""
    if dispersion == 0:
        return np.ones(shape)
    if lasting == 0:
        return rng.gamma(1 / dispersion, dispersion, shape)
    variance = np.log1p(dispersion)
    shocks = np.sqrt(variance) * rng.standard_normal(shape)
    for week in range(1, shape[0]):
        shocks[week] = lasting * shocks[week - 1] + np.sqrt(1 - lasting**2) * shocks[week]
    return np.exp(shocks - variance / 2)


def learned_from(
    sold: SoldWeeks, *, shop: float, lasting: float = 0.0, level: float = 0.15**2, product: float = 0.2**2
) -> Learned:
    """Return what is learned by draws around the believed slope with the sd ``shop`` in common."""
    rng, groups = np.random.default_rng(0), int(sold.group.max()) + 1
    draws = BELIEVED + shop * rng.standard_normal((400, 1)) + 0.3 * rng.standard_normal((400, groups))
    return learn(sold, draws, np.ones_like(draws), Doubt(product=product, level=level, lasting=lasting))


def covered_share(learned: Learned, truth: np.ndarray) -> float:
    """Return the share of slopes that their 80 % interval holds."""
    return float((np.abs(truth - learned.mean) < 1.2816 * learned.sd).mean())
