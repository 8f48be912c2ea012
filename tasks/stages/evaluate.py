"""Task: evaluate the policy in unseen markets and on logged decisions, and hold the candidate to the gates."""

from __future__ import annotations

import logging
from dataclasses import asdict
from functools import partial

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import CATEGORY, MEAN
from tasks.pricing import policies
from tasks.pricing.recommend import STEP, PolicyModel, products_of
from tasks.pricing.seasons import play
from tasks.runtime.artifacts import Artifact, load_arrays, load_table, save_json
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Evaluated, Forecasted, GateOutcome, Priced, Responded, Trial
from tasks.runtime.seeds import seed_of
from tasks.runtime.track import StageRun
from tasks.stages.price import policy_at, rules_at
from tasks.trial.candidate_gates import CandidateFigures
from tasks.trial.evaluation import Evaluation, evaluation_of
from tasks.trial.evaluation_settings import EvaluationSettings
from tasks.trial.policy_value import PolicyValue, answers, estimates_of, headline, value_on_log
from tasks.trial.sales_log import decisions_of
from tasks.trial.simulated_trial import Outcomes, SimulatedTrial, simulate_trial

log = logging.getLogger("repricer")


@resumable(name="evaluate")
def evaluate(
    attempt: Attempt,
    settings: Settings,
    sales: Artifact,
    *,
    forecasted: Forecasted,
    responded: Responded,
    priced: Priced,
) -> Evaluated:
    """Randomise categories between policy and price in force, estimate the lift, pass or fail the candidate."""
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "evaluate") as run:
        section = EvaluationSettings(**settings.evaluate.model_dump())
        outcomes = _outcomes(priced, section.markets, seed_of(settings.seed, "trial.market"))
        trial = simulate_trial(
            outcomes,
            section,
            assignment_seed=seed_of(settings.seed, "trial.assignment"),
            aa_seed=seed_of(settings.seed, "trial.same"),
        )
        off_policy = _off_policy(priced, sales, seed_of(settings.seed, "off_policy"))
        figures = _figures(forecasted, responded, priced)
        evaluation = evaluation_of(trial, off_policy, figures, section)
        _show(run, evaluation, priced["objective"])
        return _keep(attempt, run, evaluation)


def _outcomes(priced: Priced, markets: int, seed: int) -> Outcomes:
    """Play the policy and the price in force on the same demand draws, none of them used in training."""
    table, rules = load_table(priced["market"]), rules_at(priced["model_files"]["policy_rules"])
    products, policy = products_of(table), policy_at(priced["model_files"]["policy_weights"])
    earned, held = (
        play(products, rules, strategy, markets, seed).rewards.sum(axis=2)  # (markets, products)
        for strategy in (policy, policies.hold)
    )
    clusters, names = pd.factorize(table[CATEGORY])
    before = rules.decisions * products.units * rules.margin(products, np.ones(len(products)))
    return Outcomes(policy=earned, hold=held, before=before, clusters=clusters, names=list(names))


def _off_policy(priced: Priced, sales: Artifact, seed: int) -> PolicyValue | None:
    """Return the policy's value where prices were drawn at random; none where no probability was logged."""
    decisions = decisions_of(load_table(sales))
    if decisions is None:
        return None
    rules = rules_at(priced["model_files"]["policy_rules"])
    policy = policy_at(priced["model_files"]["policy_weights"])
    model = PolicyModel(load_table(priced["market"]), rules, policy)
    return value_on_log(decisions, partial(answers, lambda rows: model.recommend(rows)[STEP]), seed)


def _figures(forecasted: Forecasted, responded: Responded, priced: Priced) -> CandidateFigures:
    """Return the figures of the stages before that are held to the gates."""
    files = (forecasted["model_files"]["demand_arrays"], priced["model_files"]["policy_weights"])
    arrays = [values for file in files for values in load_arrays(file).values()]
    finite = sum(int(np.isfinite(values).sum()) for values in arrays) / sum(values.size for values in arrays)
    return CandidateFigures(
        wape={name: scores["wape"] for name, scores in forecasted["scores"].items()},
        outlook_spread=float(load_table(forecasted["outlook"])[MEAN].std()),
        identified=responded["identified"],
        not_identified=responded["not_identified"],
        median_elasticity=responded["median_elasticity"],
        median_width=responded["median_width"],
        finite_share=finite,
        gain_low={name: gain["low"] for name, gain in priced["gains"].items()},
        distinct_prices=priced["distinct_prices"],
    )


def _keep(attempt: Attempt, run: StageRun, evaluation: Evaluation) -> Evaluated:
    """Write the verdict with its gates and return it."""
    evaluated = Evaluated(
        trial=_trial_record(evaluation.trial),
        off_policy=evaluation.off_policy.figures if evaluation.off_policy else None,
        verdict=evaluation.verdict,
        reasons=evaluation.reasons,
        gates=[GateOutcome(**asdict(gate)) for gate in evaluation.gates],  # type: ignore[typeddict-item]
    )
    run.file(save_json(evaluated, attempt.path("evaluate", "verdict.json")))
    return evaluated


def _trial_record(trial: SimulatedTrial) -> Trial:
    """Return the trial as JSON, without its lift while the sample ratio alarms."""
    effect = trial.effect if trial.comparable else None
    return Trial(
        lift=effect.difference if effect else None,
        low=effect.low if effect else None,
        high=effect.high if effect else None,
        srm_p=trial.srm_p,
        treated_clusters=trial.treated_clusters,
        control_clusters=trial.control_clusters,
        markets=trial.markets,
        theta=trial.theta,
        aa_found=trial.aa_detected,
        aa_trials=len(trial.aa_p),
    )


def _show(run: StageRun, evaluation: Evaluation, objective: str) -> None:
    """Show verdict, figures and pictures on the run's page."""
    from tasks.trial import figures

    trial, off_policy, verdict = evaluation.trial, evaluation.off_policy, evaluation.verdict
    run.tags({"verdict": verdict})
    run.metrics(
        {name: float(value) for name, value in _trial_record(trial).items() if value is not None}  # type: ignore[arg-type]
    )
    run.metrics({f"gate.{gate.name}": float(gate.passed) for gate in evaluation.gates})
    if trial.comparable:
        run.figure(figures.trial_lift(trial, objective), "trial_lift.png")
    run.figure(figures.same_against_same(trial), "trial_aa.png")
    if off_policy is not None:
        run.metrics(estimates_of(off_policy.figures))
        run.figure(figures.overlap(off_policy), "off_policy_overlap.png")
        log.info(headline(off_policy.figures))
    run.figure(figures.gates(evaluation.gates, verdict), "gates.png")
    log.info("verdict %s", verdict)
