"""Stage: what the price list of the trained policy changes in a week, the sales of substitutes counted."""

from __future__ import annotations

import logging

import pandas as pd

from conf import Settings
from expectations.columns import CATEGORY
from tasks.pricing.list_claim import ListClaim, figures, list_claim, sentence
from tasks.runtime.artifacts import save_json, save_table
from tasks.runtime.attempt import Attempt, resumable
from tasks.runtime.records import Claimed, Priced, Responded
from tasks.runtime.track import StageRun
from tasks.stages.candidate_list import unvaried_list
from tasks.stages.market import policy_of

log = logging.getLogger("repricer")


@resumable(name="claim")
def claim(attempt: Attempt, settings: Settings, responded: Responded, priced: Priced) -> Claimed:
    """Value the list that the policy recommends now, by the demand of substitute groups."""
    from tasks.runtime.track import stage_run

    with stage_run(attempt, "claim") as run:
        model = policy_of(priced)
        table = unvaried_list(model, settings)
        result = list_claim(
            table,
            model.products,
            model.rules,
            confidence=settings.price.confidence,
            refusal=responded["groups_refused"],
            categories=model.market[CATEGORY].astype(str).tolist() if CATEGORY in model.market else (),
        )
        claimed = _keep(attempt, table, result)
        _show(run, claimed)
    return claimed


def _keep(attempt: Attempt, table: pd.DataFrame, result: ListClaim) -> Claimed:
    """Save the list and its claim."""
    return Claimed(
        prices=save_table(table, attempt.path("claim", "price_list.parquet")),
        list=result,
        file=save_json(result, attempt.path("claim", "list.json")),
    )


def _show(run: StageRun, claimed: Claimed) -> None:
    """Log the claim and show it with its list in the tracked run."""
    run.metrics(figures(claimed["list"]), headline=True)
    run.file(claimed["file"])
    log.info(sentence(claimed["list"]))
