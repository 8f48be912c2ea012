"""From what a published list was computed: stored with it, so that it can be computed again to the cent."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from conf import Settings
from expectations.columns import ACTION
from tasks.governance.champion import HEAD, MODELS, Champion
from tasks.operations.draft import Draft, ShopTables
from tasks.pricing.guarded_plan import LEAVE_OUT
from tasks.runtime import publishing, track
from tasks.runtime.attempt import code_version, settings_hash
from tasks.runtime.guard_rules import guard_hash

PRICES, SALES, SETTINGS = "inputs/prices.parquet", "inputs/sales.parquet", "inputs/settings.json"
GUARD_HASH = "guard_hash"  # of the manifest: SHA-256 of the rules that guarded the list
TABLES = {name: f"inputs/{name}" for name in ("promotions", "rules", "channels")}  # and the file's ending


def inputs_of(
    settings: Settings, draft: Draft, tables: ShopTables, sales: pd.DataFrame | None
) -> dict[str, Callable[[Path], object]]:
    """Return what writes the inputs from which the list can be computed again."""
    text = settings.model_dump_json(indent=2)
    inputs: dict[str, Callable[[Path], object]] = {
        PRICES: partial(draft.known.current.to_parquet, index=False),
        SETTINGS: lambda path: path.write_text(text, encoding="utf-8"),
    }
    if sales is not None:
        inputs[SALES] = partial(sales.to_parquet, index=False)
    files = {
        "promotions": tables.promotions,
        "rules": tables.rules or settings.guard.rules,
        "channels": settings.price.channels,
    }
    for name, file in files.items():
        if file is not None:
            content = Path(file).read_bytes()
            inputs[TABLES[name] + Path(file).suffix.lower()] = partial(Path.write_bytes, data=content)
    return inputs


def stored_table(folder: Path, name: str) -> Path | None:
    """Return the file of an input of a list that is a table (of ``TABLES``), none where it had none."""
    return next(folder.glob(f"{TABLES[name]}.*"), None)


def about_of(
    settings: Settings, draft: Draft, tables: ShopTables, champion: Champion, seed: int
) -> dict[str, Any]:
    """Return what the manifest says of a list: by whom, from what and with which versions it was computed."""
    tags = track.version_tags(HEAD, champion.versions[HEAD]) or {}
    rules = tables.rules or settings.guard.rules
    table = None if rules is None else Path(rules).read_bytes()
    return {
        "rows": int((draft.table[ACTION] != LEAVE_OUT).sum()),
        "versions": dict(champion.versions),
        "approved": {name: champion.digests.get(name) for name in MODELS},
        "champion_approved_by": champion.approval.by,
        "data_hash": tags.get("data_hash"),
        "settings_hash": settings_hash(settings),
        GUARD_HASH: guard_hash(settings.model_dump(mode="json"), table),
        "code_version": code_version(),
        "seed": seed,
        "today": f"{draft.known.today:%Y-%m-%d}",
        "zone": publishing.zone(settings).key,
        "currency": draft.policy.currency,
    }
