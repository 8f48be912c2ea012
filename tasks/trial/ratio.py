"""The sample-ratio check, which comes first: a split that is not the planned one means that the arms are not comparable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats


def sample_ratio(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Return the p-value of the split being the planned one, by chi-square (Fabijan et al. 2019, KDD).

    Args:
        counts: units of randomisation per arm (arms,).
        shares: planned shares, or weights in any unit (arms,).
    """
    weights = np.asarray(shares, float)
    return float(stats.chisquare(counts, np.sum(counts) * weights / weights.sum()).pvalue)
