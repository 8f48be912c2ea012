"""A shop that publishes: its policy stands in for that of every version, and its clock is ours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from tasks.operations import publications
from tasks.operations.draft import ShopTables
from tasks.operations.publish import Published, Release, publish
from tasks.pricing.greedy import Greedy
from tasks.pricing.recommend import PolicyModel
from tasks.runtime import ledger_store, verified_models
from tasks.runtime.list_tables import read_parquet
from tests.pricing.small_market import gainful_weights, group_of, model_of, shop_rules

NONE = ShopTables()


def stand_in(units: float = 20.0) -> PolicyModel:
    """Return a policy of three products at 2.00 that cost 1.00, trained until the day before yesterday."""
    free = shop_rules(index_week=np.inf, index_season=np.inf)
    model = model_of(group_of([units] * 3, whole=0.5), free, Greedy(gainful_weights()))
    trained = pd.Timestamp.now().normalize() - pd.Timedelta(days=2)  # costs of long ago are stale
    market = model.market.assign(date=trained, name="Tea", category="tea", currency="EUR")
    return replace(model, market=market)


@contextmanager
def served(policy: PolicyModel) -> Iterator[None]:
    """Let every version of every model be this policy."""
    version = SimpleNamespace(unwrap_python_model=lambda: SimpleNamespace(policy=policy))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verified_models, "load", lambda *_: version)
        yield


def loosened(shop: Settings) -> Settings:
    """Return the settings with which the guard lets all three products move at once."""
    breaker = shop.guard.breaker.model_copy(update={"mean": 0.5, "median": 0.5, "percentile_95": 0.5})
    guard = shop.guard.model_copy(update={"breaker": breaker, "change_share": 1.0})
    bounds = shop.price.guard.model_copy(update={"index_week": 0.2, "index_season": 0.5})
    price = shop.price.model_copy(update={"guard": bounds})
    return shop.model_copy(update={"guard": guard, "price": price})


def published(shop: Settings, tables: ShopTables = NONE, **release: Any) -> Published:
    """Publish as a person commands it."""
    given = {"by": "Ada", "reason": "weekly list", "seed": 1, **release}
    return publish.fn(shop, Release(**given), tables, sold(tables))


def sold(tables: ShopTables) -> pd.DataFrame | None:
    """Return the sales of a table, as the flows hand them to the operations."""
    return None if tables.sales is None else pd.read_parquet(tables.sales)


def sales(days: int = 40, store: str = "all") -> pd.DataFrame:
    """Return the sales of all three products at 2.00 on so many days until yesterday."""
    yesterday = pd.Timestamp.now("Europe/Berlin").tz_localize(None).normalize() - pd.Timedelta(days=1)
    day, product = np.divmod(np.arange(3 * days), 3)
    table = {"date": yesterday - pd.to_timedelta(day, unit="D"), "product_id": [f"p{i}" for i in product]}
    return pd.DataFrame({**table, "store_id": store, "units": 20.0 / 7, "price": 2.0})


def promotions(folder: Path, days: int = 0, price: float = 1.5) -> ShopTables:
    """Return a table in which the first product is on promotion from yesterday until so many days ahead.

    The sales of the 30 days before come with it.
    """
    today = pd.Timestamp.now("Europe/Berlin").tz_localize(None).normalize()
    row = {
        "product_id": ["p0"],
        "start": [f"{today - pd.Timedelta(days=1):%Y-%m-%d}"],
        "end": [f"{today + pd.Timedelta(days=days):%Y-%m-%d}"],
        "price": [price],
    }
    path = folder / "promotions.csv"
    pd.DataFrame(row).to_csv(path, index=False)
    sales().to_parquet(folder / "sales.parquet")
    return ShopTables(promotions=str(path), sales=str(folder / "sales.parquet"))


def root(shop: Settings) -> Path:
    return Path(shop.data_folder) / "published"


def forget_lists(shop: Settings) -> None:
    """Remove what was published before; the ledger is restored beside it."""
    shutil.rmtree(root(shop), ignore_errors=True)
    (Path(shop.data_folder) / "ledger_witness.txt").unlink(missing_ok=True)


def pointed(shop: Settings) -> str | None:
    pointer = root(shop) / "in_force.json"
    return str(json.loads(pointer.read_text())["list"]) if pointer.exists() else None


def rows(shop: Settings, name: str | None = None) -> pd.DataFrame:
    return read_parquet(root(shop) / str(name or pointed(shop)) / "list.parquet")


def kinds(shop: Settings) -> list[str]:
    return [entry.kind for entry in ledger_store.entries(shop)]


def withdraw(shop: Settings, name: str | None = None) -> publications.Withdrawn:
    return publications.withdraw(shop, "Bob", "prices of tea are wrong", name)
