"""The sample-ratio check, which comes first: arms that are not split as planned are not comparable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tasks.trial.spec import Spec


@dataclass(frozen=True)
class Split:
    """How the units were split between the arms.

    Attributes:
        p: p-value of the split being the planned one.
        counts: units of randomisation per arm.
        shares: planned shares.
        alarm: whether p is below the alarm level of the specification.
    """

    p: float
    counts: dict[str, int]
    shares: dict[str, float]
    alarm: bool


def sample_ratio(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Return the p-value of the split being the planned one, by chi-square (Fabijan et al. 2019, KDD).

    Args:
        counts: units of randomisation per arm (arms,).
        shares: planned shares, or weights in any unit (arms,).
    """
    weights = np.asarray(shares, float)
    return float(stats.chisquare(counts, np.sum(counts) * weights / weights.sum()).pvalue)


def split_of(counts: Mapping[str, int], spec: Spec) -> Split:
    """Return the sample-ratio check of the counts per arm."""
    shares = {str(name): float(share) for name, share in (spec.shares or dict.fromkeys(counts, 1.0)).items()}
    p = sample_ratio([counts[name] for name in shares], list(shares.values()))
    total = sum(shares.values())
    return Split(p, dict(counts), {name: share / total for name, share in shares.items()}, p < spec.srm_alarm)
