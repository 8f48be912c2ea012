"""Flow: a named person makes a version champion."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from tasks.operations import promote as operation


@flow(name="promote", flow_run_name="version {version} by {by}")
def promote(
    settings: Settings, version: int, by: str, reason: str, override: tuple[str, ...] = ()
) -> operation.Promoted:
    """Make a version of the pricing policy champion; ``override`` names the gates that it failed."""
    return operation.promote(settings, version, by, reason, override)
