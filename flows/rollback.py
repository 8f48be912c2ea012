"""Flow: go back to the champion before."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from tasks.operations import promote as operation


@flow(name="rollback", flow_run_name="by {by}")
def rollback(settings: Settings, by: str, reason: str) -> operation.Promoted:
    """Make the previous champion champion again."""
    return operation.rollback(settings, by, reason)
