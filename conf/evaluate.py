"""Settings of `evaluate`: the simulated trial and the gates of a candidate."""

from __future__ import annotations

from pydantic import Field

from conf.section import Section


class Evaluate(Section):
    """The simulated trial and the gates of a candidate; the limits of the gates are hard."""

    markets: int = Field(ge=2)
    """Market draws of the trial, none of them used for training (markets)."""
    confidence: float = Field(gt=0.5, lt=1)
    """Probability of the intervals (1)."""
    treated_share: float = Field(gt=0, lt=1)
    """Probability that a cluster is priced by the policy (share)."""
    srm_alarm: float = Field(ge=1e-6, le=0.2)
    """Least p of the sample-ratio check; below it no lift is shown (probability)."""
    max_wape_ratio: float = Field(gt=0, le=2)
    """Gate: WAPE of the blend over that of seasonal naive is below this (ratio)."""
    coverage_tolerance: float = Field(ge=0, le=0.4)
    """Gate: the randomised coverage of the forecast's 80 % interval, of all series and of slow movers, misses
    80 % by at most this, beyond its sampling error (share of held-out periods)."""
    min_identified: float = Field(ge=0, le=1)
    """Gate: at least this share of the products has an identified elasticity (share of products)."""
    max_median_elasticity: float = Field(ge=-10, le=0)
    """Gate: the median of the identified elasticities is below this (elasticity)."""
    max_median_width: float = Field(gt=0, le=10)
    """Gate: the median width of their intervals is below this (elasticity)."""
    min_lift: float = Field(ge=-0.1)
    """Gate: the lower ends of policy over hold, of the trial and of the price list are above this (share)."""
    tolerance: float = Field(ge=0, le=0.1)
    """Gate: the policy may be below the best fixed steps and the myopic price by at most this; where there is
    nothing to plan for, it equals them (share)."""
