"""The evaluation of a candidate: its simulated trial, its value on logged decisions, its gates and the verdict."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.trial.candidate_gates import CandidateFigures, candidate_gates, forecast_notes
from tasks.trial.evaluation_settings import EvaluationSettings
from tasks.trial.gates import Gate, reasons, verdict
from tasks.trial.policy_value import PolicyValue
from tasks.trial.simulated_trial import SimulatedTrial


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The evaluation of a candidate.

    Attributes:
        trial: the simulated trial.
        off_policy: the policy's value on logged decisions; none where no probabilities were logged.
        gates: every gate with its figure.
        verdict: ``PASS`` if all of them passed, else ``FAIL``.
        reasons: sentences of the gates that failed, and notes.
    """

    trial: SimulatedTrial
    off_policy: PolicyValue | None
    gates: list[Gate]
    verdict: str
    reasons: list[str]


def evaluation_of(
    trial: SimulatedTrial,
    off_policy: PolicyValue | None,
    figures: CandidateFigures,
    settings: EvaluationSettings,
) -> Evaluation:
    """Hold a candidate to its gates."""
    lift_low = trial.effect.low if trial.comparable else None
    gates = candidate_gates(figures, trial.srm_p, lift_low, settings)
    return Evaluation(
        trial=trial,
        off_policy=off_policy,
        gates=gates,
        verdict=verdict(gates),
        reasons=[*reasons(gates), *forecast_notes(figures.wape)],
    )
