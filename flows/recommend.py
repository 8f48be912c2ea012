"""Flow: the price list of the next week."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from tasks.operations import recommend as deed


@flow(name="recommend")
def recommend(
    settings: Settings, version: int | None, prices: str | None, out: str, seed: int | None = None
) -> deed.Recommended:
    """Write what the champion, else the candidate, asks for every product in the next week."""
    return deed.recommend(settings, version, prices, out, seed)
