"""Curves of demand in one price, from constant elasticity to ever faster falls (Box and Cox 1964).

    h_k(r) = (r^k - 1) / k,   h_0(r) = ln r,   r = price / reference price

Demand falls by exp(-b h_k(r)): at k = 0 its elasticity is b at all prices, at k = 1 it is b r. Linear
demand is about that of k = 2 to 4.
"""

from __future__ import annotations

import numpy as np

CURVES = (0.0, 0.5, 1.0, 2.0, 4.0)  # k: constant elasticity, in between, exponential, faster ones


def curved(ratio: np.ndarray, k: float) -> np.ndarray:
    """Return h_k of prices over their reference prices, of the same shape."""
    return np.log(ratio) if k == 0 else np.asarray((ratio**k - 1) / k)
