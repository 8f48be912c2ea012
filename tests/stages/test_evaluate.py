"""The gates of a policy let pass what earns more than every simple rule, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from conf import load
from tasks.pricing import policies
from tasks.pricing.comparison import gains_of
from tasks.pricing.listing import ListPlan, Policy, listed
from tasks.pricing.products import Products
from tasks.pricing.rules import Rules
from tasks.pricing.seasons import Seasons, play
from tasks.pricing.state import View
from tasks.trial.candidate_gates import claim_notes, policy_gates, predictive_gate, predictive_notes
from tasks.trial.evaluation_settings import EvaluationSettings
from tests.pricing.small_market import market_rules, products

RULES = market_rules(reference_effect=0.4)
BAND = {"lowest": np.full(12, 1.6), "highest": np.full(12, 2.4)}
SEASONS, SEED = 60, 11
THRESHOLDS = EvaluationSettings(**load("default", []).evaluate.model_dump())


@pytest.fixture(scope="module")
def shop() -> Products:
    return replace(products(12, error=0.05, elasticity=[-3.0, -0.8, -0.8] * 4), **BAND)


@pytest.fixture(scope="module")
def simple(shop: Products) -> dict[str, Seasons]:
    rules = {
        "hold": policies.hold,
        "myopic": policies.myopic,
        "best_fixed": policies.best_fixed(shop, RULES),
    }
    return {name: play(shop, RULES, policy, SEASONS, SEED) for name, policy in rules.items()}


def failed(policy: Policy, shop: Products, simple: dict[str, Seasons]) -> set[str]:
    played = play(shop, RULES, policy, SEASONS, SEED)
    gain_low = {name: gain["low"] for name, gain in gains_of(played, simple, 0.95).items()}
    gates = policy_gates(gain_low, THRESHOLDS)
    return {gate.name for gate in gates if not gate.passed}


def always(step: int) -> Callable[[View, Rules], ListPlan]:
    """Return the policy that goes one step further every week, as far as the band allows."""

    def farther(view: View, rules: Rules) -> ListPlan:
        worth = np.tile(np.sign(step - rules.hold) * np.log(rules.ladder), (len(view.products), 1))
        return listed(view, rules, lambda view, rules: worth)  # noqa: ARG005 - the same whatever is planned

    return farther


@pytest.mark.parametrize(
    "policy",
    [always(4), always(0), policies.Random(np.random.default_rng(3))],
    ids=["highest", "lowest", "random"],
)
def test_a_policy_that_always_prices_highest_lowest_or_at_random_is_rejected(
    policy: Policy, shop: Products, simple: dict[str, Seasons]
) -> None:
    assert "policy_over_best_fixed" in failed(policy, shop, simple)


def test_a_policy_that_equals_a_rule_that_does_not_plan_is_not_below_it(
    shop: Products, simple: dict[str, Seasons]
) -> None:
    assert "policy_over_myopic" not in failed(policies.myopic, shop, simple)
    assert "policy_over_best_fixed" not in failed(policies.best_fixed(shop, RULES), shop, simple)


def test_a_policy_may_be_below_the_myopic_price_by_the_tolerance_and_no_more() -> None:
    gains = {"over_hold": 0.01, "over_best_fixed": 0.0}
    for low, passed in ((-THRESHOLDS.tolerance, True), (-THRESHOLDS.tolerance - 1e-6, False)):
        gates = {gate.name: gate for gate in policy_gates({**gains, "over_myopic": low}, THRESHOLDS)}
        assert gates["policy_over_myopic"].passed is passed
        assert gates["policy_over_hold"].passed


def test_a_list_at_the_ends_of_the_ladder_is_named_with_its_objective() -> None:
    claim = {"refusal": "", "up": 0, "down": 8, "held": 2, "at_ends": 6, "objective": "revenue"}
    claim |= {"assumed": 0}
    note = (
        "note: 6 of 10 prices take the largest step of a week: right where prices are far from the best for"
    )
    assert claim_notes(claim) == [f"{note} revenue, else a sign that the market is wrong"]
    assumed = claim_notes({**claim, "objective": "profit", "assumed": 10})
    assert assumed == [f"{note} profit at the assumed margin, else a sign that the market is wrong"]
    assert claim_notes({**claim, "at_ends": 5}) == []


def test_a_policy_that_sees_what_a_price_does_to_the_remembered_one_passes(
    shop: Products, simple: dict[str, Seasons]
) -> None:
    def patient(view: View, rules: Rules) -> ListPlan:
        """Count only the memory that outlasts the season: high prices first, and the cut last."""
        lasting = rules.reference_memory ** (rules.decisions - 1 - view.week)
        patience = replace(rules, reference_effect=lasting * rules.reference_effect)
        return listed(view, rules, lambda view, rules: policies.gains_now(view, patience))  # noqa: ARG005

    assert failed(patient, shop, simple) == set()


@pytest.mark.parametrize(
    ("status", "passed", "notes"), [("passed", True, 0), ("untested", True, 1), ("failed", False, 0)]
)
def test_only_a_predictive_check_that_failed_stops_a_candidate_and_an_untested_one_is_noted(
    status: str, passed: bool, notes: int
) -> None:
    check = {
        "status": status,
        "slope": 0.4,
        "low": 0.2,
        "high": 0.6,
        "sentence": f"predictive check {status}",
    }
    gate = predictive_gate(check)
    assert gate.passed == passed
    assert gate.sentence == f"response_predicts: predictive check {status}"
    assert len(predictive_notes(check)) == notes
