"""Flow: a named person makes a version champion."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from tasks.operations import promote as deed


@flow(name="promote")
def promote(settings: Settings, version: int, by: str, reason: str) -> deed.Promoted:
    """Make a version of the pricing policy champion."""
    return deed.promote(settings, version, by, reason)
