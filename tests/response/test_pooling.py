"""What products learn from each other: the certain stay, the uncertain move, intervals cover the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.response.pooling import between_variance, moderated, pool, shrunk


def raw(
    estimates: list[float] | np.ndarray, errors: list[float] | np.ndarray, freedom: int = 30
) -> pd.DataFrame:
    return pd.DataFrame(
        {"category": "x", "raw_elasticity": estimates, "raw_error": errors, "freedom": freedom}
    )


def test_shrinkage_pulls_the_uncertain_and_leaves_the_certain() -> None:
    pooled = shrunk(raw([*np.linspace(-1, -3, 9), -8.0, np.nan], [*np.full(9, 0.05), 4.0, np.inf]))
    assert pooled["elasticity"][0] == pytest.approx(-1.0, abs=0.05)
    assert -2.6 < pooled["elasticity"][9] < -1.8
    assert pooled["elasticity"][10] == pytest.approx(-2.0, abs=0.1), (
        "a product without an estimate has its category's"
    )
    assert pooled["standard_error"][10] > pooled["standard_error"][0]


def test_intervals_cover_though_neither_errors_nor_the_true_spread_are_known() -> None:
    rng, free, covered = np.random.default_rng(0), 10, []
    for _ in range(60):
        truth, sigma = rng.normal(-2, 0.4, 12), 0.4 * np.exp(0.2 * rng.normal(size=12))
        pooled = shrunk(
            raw(truth + sigma * rng.normal(size=12), sigma * np.sqrt(rng.chisquare(free, 12) / free), free)
        )
        covered.append(np.abs(pooled["elasticity"] - truth) < 1.96 * pooled["standard_error"])
    assert 0.92 < np.mean(covered) < 0.985


def test_errors_of_a_common_size_become_equal_and_different_ones_are_left() -> None:
    rng = np.random.default_rng(1)
    equal = moderated(0.5 * np.sqrt(rng.chisquare(10, 400) / 10), np.full(400, 10))
    assert equal.std() < 0.03
    assert equal.mean() == pytest.approx(0.5, rel=0.05)
    sizes = np.geomspace(0.01, 100, 50)
    np.testing.assert_allclose(moderated(sizes, np.full(50, 200)), sizes, rtol=0.2)
    assert np.isinf(moderated(np.array([0.1, 0.2, 0.3, np.inf]), np.full(4, 5))[3])


def test_values_that_do_not_differ_truly_have_no_variance_between() -> None:
    rng = np.random.default_rng(0)
    errors = np.full(400, 0.5)
    assert between_variance(rng.normal(-2, 0.5, 400), errors, np.zeros(400, int)) < 0.05
    assert between_variance(
        rng.normal(-2, np.hypot(0.5, 0.8), 400), errors, np.zeros(400, int)
    ) == pytest.approx(0.64, abs=0.12)
    assert pool(np.array([-1.0]), np.array([0.3])).mean == -1.0
