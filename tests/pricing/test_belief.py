"""Elasticities are drawn from the normal distribution below its bound, whatever the estimate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tasks.pricing.belief import HIGHEST_ELASTICITY, believed_moments, draw_elasticities


@pytest.mark.parametrize(("estimate", "error"), [(-2.0, 0.3), (-0.1, 0.5), (0.4, 0.2)])
def test_draws_and_moments_are_those_of_scipy(estimate: float, error: float) -> None:
    truncated = stats.truncnorm(-np.inf, (HIGHEST_ELASTICITY - estimate) / error, estimate, error)
    uniform = np.linspace(0.001, 0.999, 999)
    drawn = draw_elasticities(np.array([estimate]), np.array([error]), uniform)
    np.testing.assert_allclose(drawn, truncated.ppf(uniform), rtol=1e-7)
    mean, variance = believed_moments(np.array([estimate]), np.array([error]))
    assert (mean[0], variance[0]) == pytest.approx((truncated.mean(), truncated.var()), rel=1e-6)


def test_an_estimate_far_above_the_bound_is_drawn_at_the_bound() -> None:
    drawn = draw_elasticities(np.array([0.0]), np.array([0.0]), np.random.default_rng(0).random(100))
    assert drawn.shape == (100,)
    assert (drawn == HIGHEST_ELASTICITY).all()
