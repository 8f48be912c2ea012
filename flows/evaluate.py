"""Flow: the trial, the gates and the verdict."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from tasks.runtime.artifacts import Artifact
from tasks.runtime.attempt import Attempt
from tasks.runtime.records import Evaluated, Forecasted, Priced, Responded
from tasks.stages import evaluate as stage


@flow(name="evaluate")
def evaluate(
    attempt: Attempt,
    settings: Settings,
    sales: Artifact,
    *,
    forecasted: Forecasted,
    responded: Responded,
    priced: Priced,
) -> Evaluated:
    """Evaluate the policy in unseen markets and on logged decisions, and hold the candidate to the gates."""
    return stage.evaluate(attempt, settings, sales, forecasted=forecasted, responded=responded, priced=priced)
