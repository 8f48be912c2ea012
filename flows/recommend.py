"""Flow: the price list of the next week."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from tasks.operations import recommend as operation


@flow(name="recommend")
def recommend(
    settings: Settings, version: int | None, prices: str | None, out: str, seed: int | None = None
) -> operation.Recommended:
    """Write the prices of the champion, else of the candidate, for every product in the next week."""
    return operation.recommend(settings, version, prices, out, seed)
