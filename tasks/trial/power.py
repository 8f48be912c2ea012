"""How many units are needed to detect an effect, in closed form; for clusters and blocks see ``planning``."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from tasks.trial.errors import TrialError


def units_for_mean(variation: float, lift: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Return the units per arm that detect a relative lift of a mean.

    2 (z_{1-a/2} + z_{power})^2 CV^2 / lift^2, with CV the standard deviation over the mean.

    Args:
        variation: standard deviation over mean of a unit's value.
        lift: relative effect to be detected (share).
    """
    _check(lift, alpha, power)
    return math.ceil(2 * _quantiles(alpha, power) * variation**2 / lift**2)


def units_for_proportion(control: float, lift: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Return the units per arm that detect a relative lift of a proportion.

    (z_{1-a/2} + z_{power})^2 (p (1 - p) + q (1 - q)) / (q - p)^2, with q = p (1 + lift).

    Args:
        control: proportion without the treatment.
        lift: relative effect to be detected (share).
    """
    _check(lift, alpha, power)
    treated = control * (1 + lift)
    if not (0 < control < 1 and 0 < treated < 1):
        raise TrialError(
            "power: `control` and its lifted value must lie between 0 and 1. "
            f"Received: {control} and {treated}."
        )
    spread = control * (1 - control) + treated * (1 - treated)
    return math.ceil(_quantiles(alpha, power) * spread / (treated - control) ** 2)


def power_of_mean(units: float, variation: float, lift: float, alpha: float = 0.05) -> float:
    """Return the probability of detecting a relative lift of a mean with ``units`` per arm."""
    return float(stats.norm.cdf(abs(lift) / (variation * np.sqrt(2 / units)) - stats.norm.isf(alpha / 2)))


def _quantiles(alpha: float, power: float) -> float:
    """Return (z_{1-a/2} + z_{power})^2."""
    return float((stats.norm.isf(alpha / 2) + stats.norm.ppf(power)) ** 2)


def _check(lift: float, alpha: float, power: float) -> None:
    if not math.isfinite(lift) or lift == 0:
        raise TrialError(f"power: `effect` must be a share that is not 0, such as 0.05. Received: {lift}.")
    if not (0 < alpha < 1 and 0 < power < 1):
        raise TrialError(
            f"power: `alpha` and `power` must lie between 0 and 1. Received: {alpha} and {power}."
        )
