"""Flow: train the pricing policy in a market fitted to the sales."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from tasks.runtime.artifacts import Artifact
from tasks.runtime.attempt import Attempt
from tasks.runtime.records import Priced, Responded
from tasks.stages import price as stage


@flow(name="price", flow_run_name="market and policy")
def price(
    attempt: Attempt, settings: Settings, sales: Artifact, outlook: Artifact, responded: Responded
) -> Priced:
    """Build the market from forecast and response, train the agent, compare it with the baselines."""
    return stage.price(attempt, settings, sales, outlook, responded)
