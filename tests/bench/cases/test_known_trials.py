"""The simulated trials of the benchmark, in small: they have the truth that they state."""

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


def test_visitors_have_the_stated_means() -> None:
    sample = visitors(np.random.default_rng(1), 200_000)
    assert sample.revenue.mean() == pytest.approx(REVENUE, rel=0.02)
    assert sample.sessions.mean() == pytest.approx(SESSIONS, rel=0.01)
    assert np.corrcoef(sample.revenue, sample.before)[0, 1] > 0.2


def test_intervals_cover_the_known_truth() -> None:
    rng = np.random.default_rng(2)
    covered: dict[str, list[bool]] = {}
    for _ in range(200):
        effects = visitor_effects(rng, 300, 0.1) | {
            "cluster": (cluster_effect(rng, 0.1), 0.1),
            "switchback": (switchback_effect(rng, 0.1), 0.1),
        }
        for name, (effect, truth) in effects.items():
            covered.setdefault(name, []).append(effect.low <= truth <= effect.high)
    assert len(covered) == 8
    for name, values in covered.items():
        assert 0.89 < np.mean(values) < 0.995, name


def test_without_its_burn_in_a_switchback_underestimates_the_effect() -> None:
    rng = np.random.default_rng(3)
    kept, whole = (
        np.mean([switchback_effect(rng, 0.1, block=2, burn_in=b).difference for _ in range(200)])
        for b in (1, 0)
    )
    assert kept == pytest.approx(0.1, abs=0.01)
    assert whole < 0.09


def test_only_the_fixed_test_reports_more_false_positives_when_looked_at_often() -> None:
    rng = np.random.default_rng(4)
    trials = [looked_at(rng, 20, 50) for _ in range(100)]
    fixed = [any(effect.p < 0.05 for effect in looks) for looks in trials]
    sequential = [
        any(effect.sequential_low > 0 or effect.sequential_high < 0 for effect in looks) for looks in trials
    ]
    assert np.mean(fixed) > 0.12
    assert np.mean(sequential) <= 0.05


def test_the_known_log_has_the_rewards_and_probabilities_it_states() -> None:
    log = drawn(np.random.default_rng(5), 100_000)
    middle = log.action == 2
    assert (1 / log.propensity).mean() == pytest.approx(len(PRICES), rel=0.03)
    assert log.reward[middle].mean() == pytest.approx(expected(log.context)[middle, 2].mean(), rel=0.03)
    for name in TARGETS:
        np.testing.assert_allclose(target(name, log.context[:10]).sum(axis=1), 1.0)


def test_a_log_is_timed_and_its_effect_estimated(tmp_path: Path) -> None:
    figures = bench_experiment.clock(200_000, tmp_path, lambda _: None)
    assert figures["lift"] == pytest.approx(0.05, abs=0.03)
    assert figures["looks"] == 28
    assert figures["peak_memory_mb"] > 50
