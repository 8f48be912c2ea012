"""Flow: how demand answers price."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from tasks.runtime.artifacts import Artifact
from tasks.runtime.attempt import Attempt
from tasks.runtime.records import Responded
from tasks.stages import respond as stage


@flow(name="respond", flow_run_name="elasticities and substitutes")
def respond(attempt: Attempt, settings: Settings, sales: Artifact) -> Responded:
    """Estimate the own-price elasticity of every product, with its interval."""
    return stage.respond(attempt, settings, sales)
