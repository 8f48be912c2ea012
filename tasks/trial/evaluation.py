"""The evaluation of a candidate: simulated trial, value on logged decisions, gates and verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tasks.trial.candidate_gates import (
    CandidateFigures,
    candidate_gates,
    claim_notes,
    forecast_notes,
    predictive_notes,
)
from tasks.trial.evaluation_settings import EvaluationSettings
from tasks.trial.gates import Gate, reasons, verdict
from tasks.trial.policy_value import PolicyValue, estimates_of, headline
from tasks.trial.simulated_trial import Outcomes, SimulatedTrial, simulate_trial


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The evaluation of a candidate.

    Attributes:
        trial: the simulated trial.
        off_policy: the policy's value on logged decisions; none where no probabilities were logged.
        claim: of the policy's own price list.
        gates: every gate with its figure.
        verdict: ``PASS`` if all of them passed, else ``FAIL``.
        reasons: sentences of the gates that failed, and notes.
    """

    trial: SimulatedTrial
    off_policy: PolicyValue | None
    claim: Mapping[str, Any]
    gates: list[Gate]
    verdict: str
    reasons: list[str]


def evaluate_candidate(
    outcomes: Outcomes,
    off_policy: PolicyValue | None,
    figures: CandidateFigures,
    settings: EvaluationSettings,
    *,
    assignment_seed: int,
    aa_seed: int,
) -> Evaluation:
    """Simulate the trial of a candidate and hold it to its gates.

    Args:
        outcomes: what products earn in unseen markets, under the policy and at the price in force.
        off_policy: the policy's value on logged decisions; none where no probabilities were logged.
        figures: of forecast, response and policy.
        settings: of the trial, and the thresholds.
        assignment_seed: root of the trial's assignment.
        aa_seed: root of the assignments of the A/A check.
    """
    trial = simulate_trial(outcomes, settings, assignment_seed=assignment_seed, aa_seed=aa_seed)
    gates = candidate_gates(figures, trial.srm_p, trial.figures["low"], settings)
    return Evaluation(
        trial=trial,
        off_policy=off_policy,
        claim=figures.claim,
        gates=gates,
        verdict=verdict(gates),
        reasons=[
            *reasons(gates),
            *forecast_notes(figures.wape),
            *claim_notes(figures.claim),
            *predictive_notes(figures.predictive_check),
            *figures.notes,
        ],
    )


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return the evaluation as plain names and numbers."""
    return {
        "trial": evaluation.trial.figures,
        "list": dict(evaluation.claim),
        "off_policy": evaluation.off_policy.figures if evaluation.off_policy else None,
        "verdict": evaluation.verdict,
        "reasons": evaluation.reasons,
        "gates": [asdict(gate) for gate in evaluation.gates],
    }


def metrics_of(evaluation: Evaluation) -> dict[str, float]:
    """Return the trial's figures and the off-policy estimates by metric name, such as ``trial.lift``."""
    figures = evaluation.trial.figures
    trial = {f"trial.{name}": float(value) for name, value in figures.items() if value is not None}
    off_policy = estimates_of(evaluation.off_policy.figures) if evaluation.off_policy else {}
    return {**trial, **off_policy}


def headlines_of(evaluation: Evaluation) -> list[str]:
    """Return the value on logged decisions, if there is one, and the verdict in sentences."""
    off_policy = [headline(evaluation.off_policy.figures)] if evaluation.off_policy else []
    return [*off_policy, f"verdict {evaluation.verdict}"]
