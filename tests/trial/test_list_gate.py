"""The gate of the policy's own list: its lower end, and never one that is not identified."""

from __future__ import annotations

from conf import load
from tasks.trial.candidate_gates import claim_notes, list_gate
from tasks.trial.evaluation_settings import EvaluationSettings

COUNTS = {"up": 1, "down": 1, "held": 1, "at_ends": 0, "objective": "revenue"}
THRESHOLDS = EvaluationSettings(**load("default", []).evaluate.model_dump())


def test_a_list_passes_only_if_the_lower_end_of_its_lift_is_above_the_least_lift() -> None:
    assert list_gate({"low": 0.01, "refusal": ""}, THRESHOLDS).passed
    lost = list_gate({"low": -0.12, "refusal": ""}, THRESHOLDS)
    assert not lost.passed
    assert lost.sentence.startswith(
        "list_lift: the lower end of the list's lift, substitutes counted, is -0.12"
    )


def test_a_list_whose_groups_are_not_identified_fails_and_the_note_says_why() -> None:
    claim = {**COUNTS, "low": 0.05, "refusal": "no index moves enough"}
    gate = list_gate(claim, THRESHOLDS)
    assert not gate.passed
    assert "not known" in gate.sentence
    assert claim_notes(claim) == [
        "note: how substitute groups answer their prices is not identified: no index moves enough"
    ]
    assert claim_notes({**COUNTS, "low": 0.05, "refusal": ""}) == []
