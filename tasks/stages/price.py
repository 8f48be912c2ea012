"""Stage: build the market from forecast and response, train the agent, compare it with the baselines."""

from __future__ import annotations

import logging

import pandas as pd

from conf import Settings
from expectations.columns import IDENTIFIED, PRICE, SERIES, UNITS
from tasks.pricing.comparison import gain_figures
from tasks.pricing.dqn import Record
from tasks.pricing.known_cost import cost_notes
from tasks.pricing.plan import Seeds
from tasks.pricing.training import Candidate, candidate_of
from tasks.runtime.artifacts import Artifact, load_table, save_arrays, save_json, save_table
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Priced, Responded
from tasks.runtime.seeds import seed_of
from tasks.runtime.track import StageRun
from tasks.stages.market import market_table, plan_of, response_of

log = logging.getLogger("repricer")


@resumable(name="price")
def price(
    attempt: Attempt, settings: Settings, sales: Artifact, outlook: Artifact, responded: Responded
) -> Priced:
    """Train a Double DQN in the fitted market, and compare it on demand draws not used in training."""
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "price") as run:
        sold, response, plan = load_table(sales), response_of(responded), plan_of(settings)
        market = market_table(settings, sold, load_table(outlook), response)
        _log_market(sold, market, plan.objective)
        candidate = candidate_of(market, response, plan, _seeds(settings.seed), _log_record)
        priced = _keep(attempt, candidate)
        _show(run, candidate)
        run.file(save_json(candidate.mimic._asdict(), attempt.path("price", "policy_mimic.json")))
    return priced


def _seeds(seed: int) -> Seeds:
    return Seeds(
        training=seed_of(seed, "price.train"),
        selection=seed_of(seed, "price.choose"),
        comparison=seed_of(seed, "price.judge"),
        random=seed_of(seed, "price.random"),
        mimic=seed_of(seed, "price.mimic"),
    )


def _keep(attempt: Attempt, candidate: Candidate) -> Priced:
    """Save the market, the training and the policy."""
    market = save_table(candidate.market, attempt.path("price", "market.parquet"))
    rules = save_json(candidate.rules.to_json(), attempt.path("price", "policy_rules.json"))
    draws = save_arrays(candidate.slopes.arrays, attempt.path("price", "policy_draws.npz"))
    weights = save_arrays(candidate.policy.weights, attempt.path("price", "policy_weights.npz"))
    return Priced(
        market=market,
        objective=candidate.rules.objective,
        learning=save_table(candidate.learning, attempt.path("price", "learning.parquet")),
        policy=candidate.earnings,
        gains=candidate.gains,
        distinct_prices=candidate.distinct_prices,
        model_files={
            "policy_market": market,
            "policy_draws": draws,
            "policy_rules": rules,
            "policy_weights": weights,
        },
    )


def _show(run: StageRun, candidate: Candidate) -> None:
    """Log what the policies earn, how the training went, and their figures."""
    from tasks.pricing.figures import figures_of

    moving = int(candidate.rules.moves(candidate.products).sum())
    run.params({"objective": candidate.rules.objective, "products_moving": moving})
    earned = {f"policy.{name}.value": row["value"] for name, row in candidate.earnings.items()}
    run.metrics(earned | gain_figures(candidate.gains), headline=True)
    run.metrics(
        {
            "policy.distinct_prices": candidate.distinct_prices,
            "policy.mimic_fidelity": candidate.mimic.fidelity,
        }
    )
    earned_before = candidate.market[PRICE] * candidate.market[UNITS]
    run.preview(candidate.market.loc[earned_before.sort_values(ascending=False).index], "market")
    for name in ("loss", "mean_q", "value"):
        run.curve(f"dqn.{name}", candidate.learning[name].tolist())
    for name, figure in figures_of(candidate).items():
        run.figure(figure, name)
    for name, gain in candidate.gains.items():
        log.info(
            "policy: %s %+.3f %% (%+.3f to %+.3f)",
            name.replace("_", " "),
            *(100 * end for end in (gain["value"], gain["low"], gain["high"])),
        )


def _log_market(sales: pd.DataFrame, market: pd.DataFrame, objective: str) -> None:
    ended = len(sales[SERIES].drop_duplicates()) - len(market)
    counts = (len(market), market[IDENTIFIED].sum(), ended)
    log.info("market: %d products in stores, %d of them identified; %d no longer sold", *counts)
    for note in cost_notes(market, objective):
        log.warning(note.removeprefix("note: "))


def _log_record(record: Record) -> None:
    best = ", best" if record.best else ""
    log.info("dqn: %d steps, loss %.4f, value %.4f%s", record.step, record.loss, record.value, best)
