"""A published list computed again from its stored inputs, by the version that computed it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from conf import Settings, stored
from tasks.governance.champion import HEAD
from tasks.governance.publication import PublishedList
from tasks.operations.channel_charges import with_todays_charges
from tasks.operations.channel_schedule import Schedule
from tasks.operations.draft import Draft, Known, drafted, now_of
from tasks.operations.guard_witness import WitnessedGuard
from tasks.operations.list_inputs import PRICES, SALES, SETTINGS, stored_table
from tasks.operations.list_rows import published_rows
from tasks.runtime import verified_models
from tasks.runtime.channel_table import channels_of
from tasks.runtime.guard_rules import price_guard_of
from tasks.runtime.published_lists import MANIFEST


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A published list that was computed again.

    Attributes:
        draft: the list and what it was computed from.
        versions: of the models, by name.
        rows: as they are published.
        decimals: of a price, by the settings of then.
    """

    draft: Draft
    versions: dict[str, int]
    rows: pd.DataFrame
    decimals: int


def replayed(settings: Settings, root: Path, published: PublishedList) -> Replay:
    """Compute a published list again; its bytes were checked.

    Args:
        settings: of the data folder.
        root: folder of all lists.
        published: the list as it was published, before promotions of it ended.

    Raises:
        ModelError: its version is gone.
        ManifestError: its version is not what was registered.
    """
    folder = root / published.name
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    parameters = json.loads((folder / SETTINGS).read_bytes())
    then = _inputs_in(folder, stored(parameters).model_copy(update={"data_folder": settings.data_folder}))
    versions = manifest["versions"]
    champion = verified_models.load(settings, HEAD, versions[HEAD]).unwrap_python_model().policy
    policy = with_todays_charges(champion, then)
    sales = pd.read_parquet(folder / SALES) if (folder / SALES).exists() else None
    known = Known(
        current=pd.read_parquet(folder / PRICES),
        now=None if sales is None else now_of(then, policy, sales),
        today=pd.Timestamp(manifest["today"]),
        prices_in_force=f"the inputs of list {published.name}",
    )
    rules = stored_table(folder, "rules")
    guard = WitnessedGuard(price_guard_of(then, policy.currency, str(rules) if rules else None))
    draft = drafted(then, policy, known, manifest["seed"], guard)
    schedule = Schedule.recorded(manifest, published.effective, channels_of(then))
    rows = published_rows(draft, versions, schedule)
    return Replay(draft=draft, versions=versions, rows=rows, decimals=then.price.decimals)


def _inputs_in(folder: Path, then: Settings) -> Settings:
    """Return the settings of a list with its stored table of channels instead of the file of that time."""
    channels = stored_table(folder, "channels")
    price = then.price.model_copy(update={"channels": str(channels) if channels else None})
    return then.model_copy(update={"price": price})
