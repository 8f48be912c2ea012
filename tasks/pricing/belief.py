"""What is believed of an own-price elasticity: the normal distribution of its estimate, below an upper bound.

Where Z ~ N(estimate, error^2), the elasticity is distributed as Z given Z < ``HIGHEST_ELASTICITY``.
"""

from __future__ import annotations

import numpy as np
from scipy import special

HIGHEST_ELASTICITY = -0.05  # raising a price never raises demand
LEAST_ERROR = 1e-6  # standard error that stands for a known elasticity


def believed_moments(estimate: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of the elasticity (products,).

    With b = (bound - estimate) / error and the hazard h = phi(b) / Phi(b):

        mean = estimate - error h,   variance = error^2 (1 - b h - h^2)     (Johnson, Kotz and Balakrishnan
        1994, 13.10)

    Args:
        estimate: of the elasticity, before the cut (products,).
        error: its standard error (products,).
    """
    sd = np.maximum(error, LEAST_ERROR)
    bound = (HIGHEST_ELASTICITY - estimate) / sd
    hazard = np.exp(-0.5 * bound**2 - 0.5 * np.log(2 * np.pi) - special.log_ndtr(bound))
    mean = np.minimum(estimate - sd * hazard, HIGHEST_ELASTICITY)
    return mean, np.maximum(sd**2 * (1 - bound * hazard - hazard**2), 0.0)


def draw_elasticities(estimate: np.ndarray, error: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Return elasticities drawn by inverse transform; the arguments broadcast.

    Args:
        estimate: of the elasticity, before the cut.
        error: its standard error.
        uniform: numbers drawn uniformly from 0 to 1.
    """
    sd = np.maximum(error, LEAST_ERROR)
    below = special.ndtr((HIGHEST_ELASTICITY - estimate) / sd)
    z = special.ndtri(np.maximum(uniform * below, np.finfo(float).tiny))
    return np.minimum(estimate + sd * z, HIGHEST_ELASTICITY)
