"""Flow: the trial, the gates and the verdict."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from tasks.runtime.artifacts import Artifact
from tasks.runtime.attempt import Attempt
from tasks.runtime.records import Candidate, Evaluated, Forecasted, Priced, Responded
from tasks.stages import claim as claims
from tasks.stages import evaluate as stage


@flow(name="evaluate", flow_run_name="claim, trial and gates")
def evaluate(
    attempt: Attempt,
    settings: Settings,
    sales: Artifact,
    *,
    forecasted: Forecasted,
    responded: Responded,
    priced: Priced,
) -> Evaluated:
    """Evaluate the policy's list, unseen markets and logged decisions; hold the candidate to the gates."""
    claimed = claims.claim(attempt, settings, responded, priced)
    candidate = Candidate(forecast=forecasted, respond=responded, price=priced, claim=claimed)
    return stage.evaluate(attempt, settings, sales, candidate)
