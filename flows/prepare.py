"""Flow: from a source to the sales table, its quarantine and its features."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from tasks.runtime.attempt import Attempt
from tasks.runtime.records import Prepared
from tasks.stages import prepare as stage


@flow(name="prepare", flow_run_name="sales and features")
def prepare(attempt: Attempt, settings: Settings) -> Prepared:
    """Read the source, hold it to the contract, set aside what breaks it, build the features."""
    return stage.prepare(attempt, settings)
