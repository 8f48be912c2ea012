"""Who is priced by whom: whole clusters of products, never one product among its substitutes.

A buyer who finds one coffee dearer takes the next one: randomised item by item, half of a gain may be stolen from the siblings. So a
category in one market draw is one unit of randomisation.
"""

from __future__ import annotations

import numpy as np
from scipy import stats


def assign(markets: int, clusters: np.ndarray, treated_share: float, seed: int) -> np.ndarray:
    """Return which product is treated in which market, the same for a whole cluster (markets, products), bool.

    Args:
        markets: number of market draws.
        clusters: number of each product's cluster, from 0 (products,).
        treated_share: probability that a cluster is treated.
        seed: root of the assignment.
    """
    drawn = np.random.default_rng(seed).random((markets, clusters.max() + 1)) < treated_share
    return np.asarray(drawn[:, clusters])


def sample_ratio_p(treated: int, control: int, treated_share: float) -> float:
    """Return the p-value of the split being the planned one, by chi-square (Fabijan et al. 2019, KDD).

    Args:
        treated: clusters that were treated.
        control: clusters that were not.
        treated_share: planned share of treated ones.
    """
    total = treated + control
    expected = [total * treated_share, total * (1 - treated_share)]
    return float(stats.chisquare([treated, control], expected).pvalue)
