"""The settings by which a candidate is evaluated: its simulated trial and the thresholds of its gates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """Settings of the simulated trial and thresholds of the gates.

    Attributes:
        markets: market draws of the trial.
        confidence: probability of the intervals.
        treated_share: probability that a cluster is priced by the policy.
        srm_alarm: least p of the sample-ratio check.
        max_wape_ratio: WAPE of the blend over that of seasonal naive must be below this.
        coverage_tolerance: by how much the randomised coverage of the forecast's 80 % interval may miss 80 %,
            beyond its sampling error (share).
        min_identified: least share of products with an identified elasticity.
        max_median_elasticity: the median elasticity must be below this.
        max_median_width: the median width of the elasticities' intervals must be below this.
        min_lift: the lower ends of the lifts must be above this (share).
        tolerance: by how much the policy may be below the best fixed steps and the myopic price (share).
    """

    markets: int
    confidence: float
    treated_share: float
    srm_alarm: float
    max_wape_ratio: float
    coverage_tolerance: float
    min_identified: float
    max_median_elasticity: float
    max_median_width: float
    min_lift: float
    tolerance: float
