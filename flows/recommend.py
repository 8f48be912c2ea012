"""Flow: the price list of the next week."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from tasks.operations import recommend as operation
from tasks.operations.draft import ShopTables
from tasks.operations.recommend import Order
from tasks.stages.sales import sales_since

NOTHING = ShopTables()


@flow(name="recommend", flow_run_name="to {out}")
def recommend(
    settings: Settings,
    version: int | None,
    out: str,
    seed: int | None = None,
    tables: ShopTables = NOTHING,
    *,
    force: bool = False,
) -> operation.Recommended:
    """Write the prices of the champion, else of the candidate, for every product in the next week."""
    order = Order(out=out, version=version, seed=seed, force=force)
    sales = sales_since(settings, tables.sales)
    return operation.recommend(settings, order, tables, sales)
