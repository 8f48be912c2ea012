"""Flow: a named person publishes the champion's price list."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from tasks.operations import publish as operation
from tasks.operations.draft import ShopTables
from tasks.operations.publish import Release
from tasks.stages.sales import sales_since

NOTHING = ShopTables()


@flow(name="publish", flow_run_name="by {release.by}")
def publish(settings: Settings, release: Release, tables: ShopTables = NOTHING) -> operation.Published:
    """Publish the champion's prices of the whole catalogue, from now or from a moment on."""
    return operation.publish(settings, release, tables, sales_since(settings, tables.sales))
