"""The simulated trials of the benchmark, in small: what is found, covered and reproduced."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.bench import experiment as bench_experiment
from tasks.bench.cases.known_log import PRICES, TARGETS, drawn, expected, target
from tasks.bench.cases.known_trials import (
    REVENUE,
    SESSIONS,
    cluster_effect,
    looked_at,
    switchback_effect,
    visitor_effects,
    visitors,
)


def test_visitors_have_the_means_that_the_truth_is_taken_from() -> None:
    told = visitors(np.random.default_rng(1), 200_000)
    assert told.revenue.mean() == pytest.approx(REVENUE, rel=0.02)
    assert told.sessions.mean() == pytest.approx(SESSIONS, rel=0.01)
    assert np.corrcoef(told.revenue, told.before)[0, 1] > 0.2


def test_intervals_cover_the_known_truth() -> None:
    rng = np.random.default_rng(2)
    covered: dict[str, list[bool]] = {}
    for _ in range(200):
        told = visitor_effects(rng, 300, 0.1) | {
            "cluster": (cluster_effect(rng, 0.1), 0.1),
            "switchback": (switchback_effect(rng, 0.1), 0.1),
        }
        for name, (effect, truth) in told.items():
            covered.setdefault(name, []).append(effect.low <= truth <= effect.high)
    assert len(covered) == 8
    for name, values in covered.items():
        assert 0.89 < np.mean(values) < 0.995, name


def test_without_its_burn_in_a_switchback_reads_too_little() -> None:
    rng = np.random.default_rng(3)
    kept, whole = (
        np.mean([switchback_effect(rng, 0.1, block=2, burn_in=b).difference for _ in range(200)])
        for b in (1, 0)
    )
    assert kept == pytest.approx(0.1, abs=0.01)
    assert whole < 0.09


def test_looking_often_finds_more_only_by_the_fixed_test() -> None:
    rng = np.random.default_rng(4)
    seen = [looked_at(rng, 20, 50) for _ in range(100)]
    assert np.mean([any(effect.p < 0.05 for effect in one) for one in seen]) > 0.12
    assert (
        np.mean(
            [any(effect.sequential_low > 0 or effect.sequential_high < 0 for effect in one) for one in seen]
        )
        <= 0.05
    )


def test_the_known_log_has_the_rewards_and_probabilities_it_states() -> None:
    x, action, propensity, reward = drawn(np.random.default_rng(5), 100_000)
    assert (1 / propensity).mean() == pytest.approx(len(PRICES), rel=0.03)
    assert reward[action == 2].mean() == pytest.approx(expected(x)[action == 2, 2].mean(), rel=0.03)
    for name in TARGETS:
        np.testing.assert_allclose(target(name, x[:10]).sum(axis=1), 1.0)


def test_a_log_is_timed_and_its_effect_found(tmp_path: Path) -> None:
    told = bench_experiment.clock(200_000, tmp_path, lambda _: None)
    assert told["lift"] == pytest.approx(0.05, abs=0.03)
    assert told["looks"] == 28
    assert told["peak_memory_mb"] > 50
