"""Task: evaluate the policy in unseen markets and on logged decisions; hold the candidate to the gates."""

from __future__ import annotations

import logging
from dataclasses import asdict
from functools import partial
from typing import cast

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import CATEGORY, MEAN
from tasks.pricing import policies
from tasks.pricing.assumed_cost import costed
from tasks.pricing.comparison import planning_note
from tasks.pricing.known_cost import cost_notes
from tasks.pricing.recommend import STEP, PolicyModel
from tasks.pricing.seasons import play
from tasks.runtime.artifacts import Artifact, load_arrays, load_table, save_json
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Candidate, Evaluated
from tasks.runtime.seeds import seed_of
from tasks.runtime.track import StageRun
from tasks.stages.market import policy_of
from tasks.trial.candidate_gates import CandidateFigures, finite_share
from tasks.trial.evaluation import Evaluation, as_json, evaluate_candidate, headlines_of, metrics_of
from tasks.trial.evaluation_settings import EvaluationSettings
from tasks.trial.policy_value import PolicyValue, answers, value_on_log
from tasks.trial.sales_log import decisions_of
from tasks.trial.simulated_trial import Outcomes

log = logging.getLogger("repricer")


@resumable(name="evaluate")
def evaluate(attempt: Attempt, settings: Settings, sales: Artifact, candidate: Candidate) -> Evaluated:
    """Estimate the lift in a simulated trial, and pass or fail the candidate."""
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "evaluate") as run:
        section = EvaluationSettings(**settings.evaluate.model_dump())
        model = policy_of(candidate["price"])
        evaluation = evaluate_candidate(
            _outcomes(model, section.markets, seed_of(settings.seed, "trial.market")),
            _off_policy(model, load_table(sales), seed_of(settings.seed, "off_policy")),
            _figures(candidate),
            section,
            assignment_seed=seed_of(settings.seed, "trial.assignment"),
            aa_seed=seed_of(settings.seed, "trial.same"),
        )
        _show(run, evaluation, candidate["price"]["objective"])
        return _keep(attempt, run, evaluation)


def _outcomes(model: PolicyModel, markets: int, seed: int) -> Outcomes:
    """Play the policy and the price in force on the same demand draws, none of them used in training."""
    products, rules = model.products, model.rules
    earned = play(products, rules, model.policy, markets, seed).rewards.sum(axis=2)  # (markets, products)
    held = play(products, rules, policies.hold, markets, seed).rewards.sum(axis=2)
    clusters, names = pd.factorize(model.market[CATEGORY])
    before = rules.decisions * products.units * rules.margin(products, np.ones(len(products)))
    return Outcomes(policy=earned, hold=held, before=before, clusters=clusters, names=list(names))


def _off_policy(model: PolicyModel, sales: pd.DataFrame, seed: int) -> PolicyValue | None:
    """Return the policy's value where prices were drawn at random; none where no probability was logged."""
    decisions = decisions_of(costed(sales, model.market), model.rules.objective)
    if decisions is None:
        return None
    return value_on_log(decisions, partial(answers, lambda rows: model.recommend(rows)[STEP]), seed)


def _figures(candidate: Candidate) -> CandidateFigures:
    """Return the figures of the stages before that are held to the gates."""
    forecasted, responded, priced = candidate["forecast"], candidate["respond"], candidate["price"]
    files = (forecasted["model_files"]["demand_arrays"], priced["model_files"]["policy_weights"])
    return CandidateFigures(
        wape={name: scores["wape"] for name, scores in forecasted["scores"].items()},
        coverage=forecasted["coverage"],
        outlook_spread=float(load_table(forecasted["outlook"])[MEAN].std()),
        identified=responded["identified"],
        not_identified=responded["not_identified"],
        median_elasticity=responded["median_elasticity"],
        median_width=responded["median_width"],
        finite_share=finite_share([values for file in files for values in load_arrays(file).values()]),
        gain_low={name: gain["low"] for name, gain in priced["gains"].items()},
        claim=candidate["claim"]["list"],
        predictive_check=responded["predictive_check"],
        notes=[
            *cost_notes(load_table(priced["market"]), priced["objective"]),
            planning_note(priced["gains"]["over_myopic"]),
        ],
    )


def _keep(attempt: Attempt, run: StageRun, evaluation: Evaluation) -> Evaluated:
    """Write the verdict with its gates and return it."""
    evaluated = cast("Evaluated", as_json(evaluation))
    run.file(save_json(evaluated, attempt.path("evaluate", "verdict.json")))
    return evaluated


def _show(run: StageRun, evaluation: Evaluation, objective: str) -> None:
    """Show verdict, figures and pictures on the run's page."""
    from tasks.trial import figures

    run.tags({"verdict": evaluation.verdict})
    run.metrics(metrics_of(evaluation), headline=True)
    run.preview(pd.DataFrame(map(asdict, evaluation.gates)), "gates")
    run.metrics({f"gate.{gate.name}": float(gate.passed) for gate in evaluation.gates})
    for name, figure in figures.of_evaluation(evaluation, objective).items():
        run.figure(figure, name)
    for sentence in headlines_of(evaluation):
        log.info(sentence)
