"""The trial's arithmetic: clusters, sample ratio, lift and its interval, gates."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.trial.design import assign, sample_ratio_p
from tasks.trial.errors import TrialError
from tasks.trial.gates import above, below, reasons, verdict
from tasks.trial.lift import Clusters, clusters_of, lift

CLUSTERS = np.array([0, 0, 1, 2, 2, 2])


def test_substitutes_share_an_arm_in_every_market() -> None:
    arms = assign(500, CLUSTERS, 0.5, seed=1)
    for cluster in range(3):
        assert (np.ptp(arms[:, cluster == CLUSTERS].astype(int), axis=1) == 0).all()
    assert arms.mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_array_equal(arms, assign(500, CLUSTERS, 0.5, seed=1))


def test_the_sample_ratio_check_is_the_chi_square_worked_by_hand() -> None:
    assert sample_ratio_p(500, 500, 0.5) == pytest.approx(1.0)
    assert sample_ratio_p(532, 468, 0.5) == pytest.approx(0.0430, abs=5e-4)  # chi-square 4.096 with one degree of freedom
    assert sample_ratio_p(600, 400, 0.5) < 1e-9


def test_products_are_summed_into_their_clusters() -> None:
    outcome = np.arange(12.0).reshape(2, 6)
    treated = np.array([[1, 1, 0, 1, 1, 1], [0, 0, 1, 0, 0, 0]], bool)
    told = clusters_of(outcome, np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), treated, CLUSTERS)
    assert told.outcome.tolist() == [1.0, 2.0, 12.0, 13.0, 8.0, 30.0]
    assert told.covariate.tolist() == [3.0, 3.0, 15.0] * 2
    assert told.size.tolist() == [2.0, 1.0, 3.0] * 2
    assert told.treated.tolist() == [True, False, True, False, True, False]


def test_clusters_need_not_stand_in_order() -> None:
    shuffled = np.array([1, 0, 0])
    told = clusters_of(np.array([[5.0, 1.0, 2.0]]), np.ones(3), np.array([[True, False, False]]), shuffled)
    assert told.outcome.tolist() == [3.0, 5.0]
    assert told.treated.tolist() == [False, True]


def drawn(seed: int, effect: float, count: int = 400) -> Clusters:
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 12, count).astype(float)
    level = size * rng.lognormal(2.0, 0.8, count)
    treated = rng.random(count) < 0.5
    outcome = level * (1 + effect * treated) * rng.lognormal(0, 0.2, count)
    return Clusters(outcome, level, size, treated)


def test_the_interval_covers_as_often_as_it_claims() -> None:
    covered = [told.low <= 0.1 <= told.high for told in (lift(drawn(seed, 0.1), 0.95) for seed in range(400))]
    assert 0.92 <= np.mean(covered) <= 0.98


def test_without_an_effect_an_effect_is_found_as_often_as_stated() -> None:
    found = [told.low > 0 or told.high < 0 for told in (lift(drawn(seed, 0.0), 0.95) for seed in range(1000, 1400))]
    assert np.mean(found) <= 0.08


def test_what_was_known_before_narrows_the_interval() -> None:
    clusters = drawn(3, 0.1)
    blind = Clusters(clusters.outcome, np.zeros_like(clusters.covariate), clusters.size, clusters.treated)
    sharp, wide = lift(clusters, 0.95), lift(blind, 0.95)
    assert sharp.high - sharp.low < 0.5 * (wide.high - wide.low)
    assert wide.theta == 0.0


def test_an_arm_without_clusters_is_refused() -> None:
    clusters = drawn(1, 0.0, 10)
    with pytest.raises(TrialError, match="both arms need two clusters"):
        lift(Clusters(clusters.outcome, clusters.covariate, clusters.size, np.zeros(10, bool)), 0.95)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf")])
def test_a_figure_that_is_none_passes_no_gate(value: float | None) -> None:
    assert not above("g", "it", value, 0.0).passed
    assert not below("g", "it", value, 0.0).passed
    assert above("g", "it", value, 0.0).value is None


def test_a_gate_says_what_was_seen_and_what_must_be() -> None:
    assert above("lift", "the lift", -0.02, 0.0).sentence == "lift: the lift is -0.02, it must be > 0"
    assert above("lift", "the lift", 0.0, 0.0, inclusive=True).passed
    assert not above("lift", "the lift", 0.0, 0.0).passed


def test_the_verdict_is_pass_only_if_all_gates_are_and_there_are_some() -> None:
    good, bad = above("a", "a", 1.0, 0.0), above("b", "b", -1.0, 0.0)
    assert (verdict([good]), verdict([good, bad]), verdict([])) == ("PASS", "FAIL", "FAIL")
    assert reasons([good, bad, bad]) == [bad.sentence] * 2
    assert reasons([good]) == ["all 1 gates passed: a"]
