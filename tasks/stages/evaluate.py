"""Task: try the policy on unseen markets and, where prices were drawn, on logged decisions; hold everything to the gates."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from conf import Settings
from conf.settings import Evaluate as EvaluateSettings
from expectations.columns import CATEGORY, MEAN
from tasks.pricing import policies
from tasks.pricing.recommend import STEP, PolicyModel, products_of
from tasks.pricing.seasons import play
from tasks.runtime.artifacts import Artifact, load_arrays, load_table, save_json
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Evaluated, Forecasted, Interval, Priced, Responded, Trial
from tasks.runtime.seeds import seed_of
from tasks.runtime.track import StageRun
from tasks.stages.price import policy_at, rules_at
from tasks.trial import gates as rule
from tasks.trial.randomisation import assign
from tasks.trial.effects import Effect, theta_of
from tasks.trial.gates import Gate
from tasks.trial.policy_value import Judged, answers, estimates_of, headline, judge
from tasks.trial.ratio import sample_ratio
from tasks.trial.simulated_trial import arms_of, lift, same_against_same
from tasks.trial.sales_log import decisions_of

log = logging.getLogger("repricer")

SHOWN = 12  # clusters in the picture
SAME = 400  # trials of the price in force against itself


class Tried(TypedDict):
    """The trial with what its picture needs."""

    trial: Trial
    lift: Effect
    by_cluster: dict[str, float]
    same: np.ndarray


@resumable(name="evaluate")
def evaluate(
    attempt: Attempt,
    settings: Settings,
    sales: Artifact,
    forecasted: Forecasted,
    responded: Responded,
    priced: Priced,
) -> Evaluated:
    """Randomise categories between policy and price in force, estimate the lift, and pass or fail the candidate."""
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "evaluate") as run:
        tried, judged = _tried(settings, priced), _judged(settings, priced, sales)
        every = _gates(settings, forecasted, responded, priced, tried["trial"])
        verdict = rule.verdict(every)
        evaluated = Evaluated(
            trial=tried["trial"],
            off_policy=judged.told if judged else None,
            verdict=verdict,
            reasons=[*rule.reasons(every), *_notes(forecasted)],
            gates=[asdict(gate) for gate in every],
        )
        _track(run, priced, tried, judged, every, verdict)
        run.file(save_json(evaluated, attempt.path("evaluate", "verdict.json")))
    return evaluated


def _tried(settings: Settings, priced: Priced) -> Tried:
    """Run the trial on market draws that neither the training nor the comparison of policies has met."""
    told = settings.evaluate
    table = load_table(priced["market"])
    products, rules, policy = (
        products_of(table),
        rules_at(priced["model_files"]["policy_rules"]),
        policy_at(priced["model_files"]["policy_weights"]),
    )
    clusters, names = pd.factorize(table[CATEGORY])
    treated = assign(told.markets, clusters, told.treated_share, seed_of(settings.seed, "trial.assignment"))
    seed = seed_of(settings.seed, "trial.market")
    own, held = (
        play(products, rules, each, told.markets, seed).rewards.sum(axis=2)
        for each in (policy, policies.hold)
    )
    outcome = np.where(treated, own, held)  # (markets, products)
    before = rules.decisions * products.units * rules.margin(products, np.ones(len(products)))
    arms = arms_of(outcome, before, treated, clusters)
    found = lift(arms, told.confidence)
    p = sample_ratio([arm.n for arm in arms], [1 - told.treated_share, told.treated_share])
    luck = seed_of(settings.seed, "trial.same")
    same = same_against_same(held, before, clusters, told.treated_share, told.confidence, SAME, luck)
    shown = p >= told.srm_alarm
    trial = Trial(
        lift=found.difference if shown else None,
        low=found.low if shown else None,
        high=found.high if shown else None,
        srm_p=p,
        treated_clusters=arms[1].n,
        control_clusters=arms[0].n,
        markets=told.markets,
        theta=theta_of(list(arms)),
        aa_found=float((same < 1 - told.confidence).mean()),
        aa_trials=SAME,
    )
    return Tried(
        trial=trial,
        lift=found,
        by_cluster=_by_cluster(outcome, treated, clusters, list(names), before),
        same=same,
    )


def _judged(settings: Settings, priced: Priced, sales: Artifact) -> Judged | None:
    """Return what the policy would have earned where prices were drawn; none where no probability was logged."""
    decisions = decisions_of(load_table(sales))
    if decisions is None:
        return None
    rules, policy = (
        rules_at(priced["model_files"]["policy_rules"]),
        policy_at(priced["model_files"]["policy_weights"]),
    )
    model = PolicyModel(load_table(priced["market"]), rules, policy)
    return judge(
        decisions,
        partial(answers, lambda asked: model.recommend(asked)[STEP]),
        seed_of(settings.seed, "off_policy"),
    )


def _by_cluster(
    outcome: np.ndarray, treated: np.ndarray, clusters: np.ndarray, names: list[str], before: np.ndarray
) -> dict[str, float]:
    """Return the relative difference of the arms' means in the clusters that earn most and have both arms."""
    size = np.bincount(clusters, before)
    told = {}
    for number in np.argsort(-size)[:SHOWN]:
        rows = clusters == number
        sums, arm = outcome[:, rows].sum(axis=1), treated[:, rows][:, 0]
        if arm.any() and not arm.all() and sums[~arm].mean() > 0:
            told[str(names[number])] = float(sums[arm].mean() / sums[~arm].mean() - 1)
    return told


def _gates(
    settings: Settings, forecasted: Forecasted, responded: Responded, priced: Priced, trial: Trial
) -> list[Gate]:
    told, scores = settings.evaluate, forecasted["scores"]
    ratio = scores["blend"]["wape"] / scores["seasonal_naive"]["wape"]
    share = responded["identified"] / max(1, responded["identified"] + responded["not_identified"])
    spread = float(load_table(forecasted["outlook"])[MEAN].std())
    return [
        rule.below(
            "forecast", "WAPE of the blend over that of seasonal naive, held out,", ratio, told.max_wape_ratio
        ),
        rule.above("forecast_varies", "the standard deviation of the outlook", spread, 0.0),
        rule.above(
            "response_identified",
            "the share of identified products",
            share,
            told.min_identified,
            inclusive=True,
        ),
        rule.below(
            "response_sign",
            "the median elasticity",
            responded["median_elasticity"],
            told.max_median_elasticity,
        ),
        rule.below(
            "response_width",
            "the median width of its interval",
            responded["median_width"],
            told.max_median_width,
        ),
        rule.above(
            "weights_finite",
            "the share of finite numbers in the models",
            _finite(forecasted, priced),
            1.0,
            inclusive=True,
        ),
        *policy_gates(priced["gains"], priced["distinct_prices"], told),
        rule.above(
            "trial_ratio",
            "the p-value of the trial's sample ratio",
            trial["srm_p"],
            told.srm_alarm,
            inclusive=True,
        ),
        rule.above("trial_lift", "the lower end of the trial's lift", trial["low"], told.min_lift),
    ]


def policy_gates(gains: Mapping[str, Interval], distinct_prices: int, told: EvaluateSettings) -> list[Gate]:
    """Return what a policy must show against hold, the best fixed steps and the myopic price, on the same luck."""
    low = {name: gain["low"] for name, gain in gains.items()}
    return [
        rule.above(
            "policy_over_hold",
            "the lower end of the policy's gain over holding",
            low["over_hold"],
            told.min_lift,
        ),
        rule.above(
            "policy_over_best_fixed",
            "the lower end of its gain over the best fixed steps",
            low["over_best_fixed"],
            told.min_lift,
        ),
        rule.above(
            "policy_over_myopic",
            "the lower end of the policy's gain over the myopic one",
            low["over_myopic"],
            told.min_lift,
        ),
        rule.above(
            "policy_varies",
            "the number of steps in use",
            distinct_prices,
            told.min_distinct_prices,
            inclusive=True,
        ),
    ]


def _finite(forecasted: Forecasted, priced: Priced) -> float:
    files = (forecasted["model_files"]["demand_arrays"], priced["model_files"]["policy_weights"])
    arrays = [values for file in files for values in load_arrays(file).values()]
    return sum(int(np.isfinite(values).sum()) for values in arrays) / sum(values.size for values in arrays)


def _notes(forecasted: Forecasted) -> list[str]:
    """Return plainly where the blend is not the best forecast of the held-out periods."""
    wape = {name: row["wape"] for name, row in forecasted["scores"].items()}
    better = [
        f"{name} ({value:.4f})" for name, value in wape.items() if name != "blend" and value < wape["blend"]
    ]
    return (
        [f"note: held out, the blend (WAPE {wape['blend']:.4f}) is worse than {', '.join(better)}"]
        if better
        else []
    )


def _track(
    run: StageRun, priced: Priced, tried: Tried, judged: Judged | None, every: list[Gate], verdict: str
) -> None:
    from tasks.trial import figures

    trial = tried["trial"]
    run.tags({"verdict": verdict})
    run.metrics({name: float(value) for name, value in trial.items() if value is not None})  # type: ignore[arg-type]
    run.metrics({f"gate.{gate.name}": float(gate.passed) for gate in every})
    if trial["lift"] is not None:
        run.figure(
            figures.trial_lift(tried["lift"], tried["by_cluster"], priced["objective"], trial["markets"]),
            "trial_lift.png",
        )
    run.figure(figures.same_against_same(tried["same"], trial["aa_found"]), "trial_aa.png")
    if judged is not None:
        run.metrics(estimates_of(judged.told))
        overlap = figures.overlap(
            judged.decisions.prices, judged.decisions.action, judged.target.mean(axis=0), judged.weight
        )
        run.figure(overlap, "off_policy_overlap.png")
        log.info(headline(judged.told))
    run.figure(figures.gates(every, verdict), "gates.png")
    log.info("verdict %s", verdict)
