"""The trial's arithmetic: clusters, lift and its interval, gates."""

from __future__ import annotations

import numpy as np
import pytest

from conf import load
from tasks.trial.candidate_gates import finite_share, forecast_notes
from tasks.trial.errors import TrialError
from tasks.trial.evaluation_settings import EvaluationSettings
from tasks.trial.gates import above, below, reasons, verdict
from tasks.trial.randomisation import assign
from tasks.trial.simulated_trial import Outcomes, arms_of, lift, same_against_same, simulate_trial

CLUSTERS = np.array([0, 0, 1, 2, 2, 2])


def test_substitutes_share_an_arm_in_every_market() -> None:
    arms = assign(500, CLUSTERS, 0.5, seed=1)
    for cluster in range(3):
        assert (np.ptp(arms[:, cluster == CLUSTERS].astype(int), axis=1) == 0).all()
    assert arms.mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_array_equal(arms, assign(500, CLUSTERS, 0.5, seed=1))


def test_products_are_summed_into_their_clusters() -> None:
    outcome = np.arange(12.0).reshape(2, 6)
    treated = np.array([[1, 1, 0, 1, 1, 1], [0, 0, 1, 0, 0, 0]], bool)
    control, candidate = arms_of(outcome, np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), treated, CLUSTERS)
    assert control.rows is not None
    assert candidate.rows is not None
    assert control.rows.tolist() == [[2.0, 1.0, 3.0, 1.0], [13.0, 2.0, 3.0, 2.0], [30.0, 3.0, 15.0, 3.0]]
    assert candidate.rows.tolist() == [[1.0, 2.0, 3.0, 2.0], [12.0, 3.0, 15.0, 3.0], [8.0, 1.0, 3.0, 1.0]]


def test_clusters_need_not_stand_in_order() -> None:
    shuffled = np.array([1, 0, 0])
    control, candidate = arms_of(
        np.array([[5.0, 1.0, 2.0]]), np.ones(3), np.array([[True, False, False]]), shuffled
    )
    assert (control.mean[0], candidate.mean[0]) == (3.0, 5.0)


SIZES = np.arange(40) % 8


def outcomes(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 40 products in 8 clusters over 30 markets, and what was known of each before."""
    rng = np.random.default_rng(seed)
    level = rng.lognormal(2.0, 0.8, 40)
    return level * rng.lognormal(0, 0.2, (30, 40)) * rng.lognormal(0, 0.2, (30, 8))[:, SIZES], level


def gaining(share: float) -> Outcomes:
    """Return outcomes of a policy that earns a share more than the price in force, product by product."""
    held, before = outcomes(1)
    names = [f"cluster {number}" for number in range(8)]
    return Outcomes(policy=held * (1 + share), hold=held, before=before, clusters=SIZES, names=names)


def evaluation_settings(**changes: float) -> EvaluationSettings:
    section = load("default", []).evaluate.model_dump()
    return EvaluationSettings(**{**section, "treated_share": 0.5, **changes})


def test_a_simulated_trial_covers_the_gain_of_the_policy() -> None:
    trial = simulate_trial(gaining(0.1), evaluation_settings(), assignment_seed=1, aa_seed=2)
    assert trial.effect.low < 0.1 < trial.effect.high
    assert (trial.treated_clusters + trial.control_clusters, trial.markets) == (30 * 8, 30)
    assert set(trial.lift_by_cluster) == {f"cluster {number}" for number in range(8)}


def test_no_lift_is_given_while_the_sample_ratio_alarms() -> None:
    trial = simulate_trial(gaining(0.1), evaluation_settings(srm_alarm=1.0), assignment_seed=1, aa_seed=2)
    assert not trial.comparable, f"sample ratio p = {trial.srm_p}"
    assert [trial.figures[name] for name in ("lift", "low", "high")] == [None] * 3
    assert trial.figures["srm_p"] == trial.srm_p


def test_an_effect_is_covered_as_often_as_claimed() -> None:
    covered = []
    for seed in range(300):
        held, before = outcomes(seed)
        treated = assign(30, SIZES, 0.5, seed)
        effect = lift(arms_of(held * (1 + 0.1 * treated), before, treated, SIZES), 0.95)
        covered.append(effect.low <= 0.1 <= effect.high)
    assert 0.92 <= np.mean(covered) <= 0.98


def test_trials_of_the_price_in_force_against_itself_report_effects_as_often_as_stated() -> None:
    both, settings = gaining(0.0), evaluation_settings()
    p = same_against_same(both, settings, trials=800, seed=2)
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.024)
    assert (p < 0.5).mean() == pytest.approx(0.5, abs=0.06)
    np.testing.assert_array_equal(p[:50], same_against_same(both, settings, trials=50, seed=2))


def test_what_was_known_before_narrows_the_interval() -> None:
    held, before = outcomes(3)
    treated = assign(30, SIZES, 0.5, 3)
    sharp, wide = (lift(arms_of(held, known, treated, SIZES), 0.95) for known in (before, np.zeros(40)))
    assert sharp.high - sharp.low < 0.7 * (wide.high - wide.low)


def test_an_arm_without_clusters_is_refused() -> None:
    with pytest.raises(TrialError, match="both arms need two units of randomisation"):
        lift(arms_of(*outcomes(1), np.zeros((30, 40), bool), SIZES), 0.95)


def test_a_market_that_earns_nothing_is_refused() -> None:
    held, _ = outcomes(1)
    treated = assign(30, SIZES, 0.5, 3)
    with pytest.raises(TrialError, match="the control arm must earn something"):
        lift(arms_of(held * treated, np.zeros(40), treated, SIZES), 0.95)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf")])
def test_a_figure_that_is_none_passes_no_gate(value: float | None) -> None:
    assert not above("g", "it", value, 0.0).passed
    assert not below("g", "it", value, 0.0).passed
    assert above("g", "it", value, 0.0).value is None


def test_a_gate_says_what_was_seen_and_what_must_be() -> None:
    assert above("lift", "the lift", -0.02, 0.0).sentence == "lift: the lift is -0.02, it must be > 0"
    assert above("lift", "the lift", 0.0, 0.0, inclusive=True).passed
    assert not above("lift", "the lift", 0.0, 0.0).passed


def test_a_blend_that_is_not_the_best_forecast_is_noted() -> None:
    assert forecast_notes({"blend": 0.3, "ets": 0.31, "seasonal_naive": 0.4}) == []
    assert forecast_notes({"blend": 0.3, "ets": 0.25}) == [
        "note: held out, the blend (WAPE 0.3000) is worse than ets (0.2500)"
    ]


def test_the_share_of_finite_numbers_counts_every_array() -> None:
    assert finite_share([np.array([1.0, np.nan]), np.array([[np.inf, 2.0]])]) == 0.5


def test_the_verdict_is_pass_only_if_all_gates_are_and_there_are_some() -> None:
    good, bad = above("a", "a", 1.0, 0.0), above("b", "b", -1.0, 0.0)
    assert (verdict([good]), verdict([good, bad]), verdict([])) == ("PASS", "FAIL", "FAIL")
    assert reasons([good, bad, bad]) == [bad.sentence] * 2
    assert reasons([good]) == ["all 1 gates passed: a"]
