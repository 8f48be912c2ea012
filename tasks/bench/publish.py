"""Benchmark: seconds and memory of a list of any size, from the policy to the tables of a published list.

The market of a registered policy is repeated, each time as other stores with groups of their own, so that the
list, its guard, its expectations and its files are those of a shop of that size.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import ACTION, PRICE, REFERENCE_PRICE, STORE
from tasks.governance.approval import approval
from tasks.governance.champion import HEAD, MODELS
from tasks.operations.channel_schedule import Schedule
from tasks.operations.draft import Draft, ShopTables, next_list
from tasks.operations.list_inputs import inputs_of
from tasks.operations.list_rows import published_rows
from tasks.operations.published_prices import PublishedPrices
from tasks.pricing.guarded_plan import LEAVE_OUT
from tasks.pricing.recommend import PolicyModel
from tasks.pricing.slopes import SlopeDraws
from tasks.runtime import champion_aliases, publishing, track
from tasks.runtime.memory import cpu_seconds, peak_memory
from tasks.runtime.published_lists import CSV, PARQUET
from tasks.runtime.publishing import NewList

NO_TABLES = ShopTables()
SEED = 1


class Stopwatch:
    """Seconds and processor seconds of the steps of a list."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Say a line about every step."""
        self.steps: dict[str, dict[str, float]] = {}
        self._say = say

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step."""
        begin, spent = time.monotonic(), cpu_seconds()
        yield
        taken = {"seconds": time.monotonic() - begin, "cpu_seconds": cpu_seconds() - spent}
        self.steps[name] = taken
        self._say(f"{name}: {taken['seconds']:.1f} s, {taken['cpu_seconds']:.1f} s of the processors")

    def total(self, figure: str) -> float:
        """Return what all steps took together (s)."""
        return sum(step[figure] for step in self.steps.values())


def bench_publish(
    settings: Settings, version: int | None, products: int, folder: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Recommend, guard and publish a list of a repeated market.

    Args:
        settings: whose store holds the policy.
        version: of `pricing_policy`; none: the champion, or the candidate if nothing was promoted.
        products: products of stores in the list.
        folder: data folder into which the list is published.
        say: shows a line about every step.

    Raises:
        ModelError: there is no such version.
    """
    number, model = champion_aliases.chosen(settings, HEAD, version)
    policy = repeated(model.policy, products)
    shop = settings.model_copy(update={"data_folder": str(folder)})
    track.open_store(shop)
    watch = Stopwatch(say)
    with peak_memory() as peak:
        with watch.step("recommended and guarded"):
            draft = next_list(shop, policy, NO_TABLES, None, published=PublishedPrices(), seed=SEED)
        with watch.step("rows with what is expected of them"):
            versions = dict.fromkeys(MODELS, number)
            rows = published_rows(draft, versions, Schedule.of(shop, None, datetime.now(UTC)))
        with watch.step("published"):
            name = _published(shop, draft, rows)
        megabytes = peak.sample()
    return {
        "version": number,
        **_sizes(draft, rows, publishing.folder_of(shop) / name),
        "steps": watch.steps,
        "seconds": watch.total("seconds"),
        "cpu_seconds": watch.total("cpu_seconds"),
        "peak_memory_mb": megabytes,
    }


def _sizes(draft: Draft, rows: pd.DataFrame, root: Path) -> dict[str, Any]:
    """Return how many prices a published list has, how many of them moved, and how large its tables are."""
    return {
        "products": len(rows),
        "moved": int((draft.table[PRICE] != draft.table[REFERENCE_PRICE]).sum()),
        "left_out": int((draft.table[ACTION] == LEAVE_OUT).sum()),
        "parquet_mb": (root / PARQUET).stat().st_size / 1e6,
        "csv_mb": (root / CSV).stat().st_size / 1e6,
    }


def repeated(policy: PolicyModel, products: int) -> PolicyModel:
    """Return a policy of so many products of stores; every repetition is of other stores and groups."""
    market, slopes = policy.market.reset_index(drop=True), policy.slopes
    groups, times = slopes.within.shape[1], -(-products // len(market))
    number = np.repeat(np.arange(times), len(market))[:products]
    many = market.iloc[np.arange(products) % len(market)].reset_index(drop=True)
    stores = many[STORE].str.cat(number.astype(str), sep="-")
    links = [slopes.link + groups * turn for turn in range(times)]
    return replace(
        policy,
        market=many.assign(**{STORE: stores, "group": many["group"] + groups * number}),
        slopes=SlopeDraws(
            within=np.tile(slopes.within, times),
            whole=np.tile(slopes.whole, times),
            curve=slopes.curve,
            by_revenue=slopes.by_revenue,
            link=np.concatenate(links, axis=1),
            cross=np.tile(slopes.cross, times),
        ),
    )


def _published(settings: Settings, draft: Draft, rows: pd.DataFrame) -> str:
    """Publish a list into an empty folder, and return its name."""
    wanted = NewList(
        rows=rows,
        effective=datetime.now(UTC),
        follows=None,
        inputs=inputs_of(settings, draft, NO_TABLES, None),
        about={"rows": len(rows)},
        agreed={},
    )
    signed = approval("benchmark", "a list of that size")
    return publishing.publish(settings, wanted, signed, lambda _: None).name
