"""Where channels of several zones, promotions, and other decisions meet in the lists of a shop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conf import Settings
from tasks.governance.approval import Refused, approval
from tasks.operations.draft import ShopTables
from tasks.runtime import champion_aliases, champion_store, publishing
from tasks.runtime.publishing_due import bring_up
from tests.operations.promotions import promote
from tests.operations.publishing import forget_lists, loosened, promotions, published, rows, sales, served
from tests.operations.test_channels import TABLE, TOGETHER, in_channels, two_stores
from tests.operations.test_verify_lists import findings


@pytest.fixture
def two(shop: Settings) -> Iterator[Settings]:
    """Yield a shop with two stores and a champion."""
    forget_lists(shop)
    with served(two_stores()):
        promote(shop, 1)
        yield shop


def announced(folder: Path, days: int) -> ShopTables:
    """Return a promotion of the first product in both stores, with the sales before it."""
    tables = promotions(folder, days=days)
    pd.concat([sales(store="s"), sales(store="w")]).to_parquet(str(tables.sales))
    return tables


def on_web(shop: Settings) -> Any:
    """Return the row of the first product on the web."""
    table = rows(shop)
    return table[(table["store_id"] == "w") & (table["product_id"] == "p0")].iloc[0]


def day_after_tomorrow() -> str:
    return f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"


def test_a_promotion_ends_as_published_however_many_lists_follow(two: Settings, tmp_path: Path) -> None:
    shop = in_channels(two, tmp_path, TABLE)
    published(shop)
    published(shop, announced(tmp_path, days=2))
    end = on_web(shop)["effective_until"]
    for _ in range(2):
        published(shop)
        assert on_web(shop)["effective_until"] == end, "a day of New York ends in the next one of Berlin"
        assert on_web(shop)["price"] == 1.5


def test_a_promotion_that_runs_on_has_begun_in_a_channel_that_begins_later(
    two: Settings, tmp_path: Path
) -> None:
    shop, day = in_channels(two, tmp_path, TABLE), day_after_tomorrow()
    published(shop)
    published(shop, announced(tmp_path, days=1))
    end = on_web(shop)["effective_until"]
    published(shop, effective=f"{day}T00:00")  # after its last day in Berlin, within it in New York
    at = datetime.fromisoformat(f"{day}T00:00+01:00")
    bring_up(shop, at)
    assert (on_web(shop)["effective_until"], on_web(shop)["price"]) == (end, 1.5)
    assert on_web(shop)["effective_from"] <= at
    assert findings(shop) == []


def test_until_its_channel_begins_a_promotion_that_is_called_off_is_charged(
    two: Settings, tmp_path: Path
) -> None:
    shop, day = in_channels(two, tmp_path, TABLE), day_after_tomorrow()
    published(shop)
    published(shop, announced(tmp_path, days=4))
    published(shop, ShopTables(called_off=("p0",)), effective=f"{day}T00:00")
    bring_up(shop, datetime.fromisoformat(f"{day}T00:00+01:00"))
    assert on_web(shop)["price"] == 1.5
    assert on_web(shop)["price_after"] > 1.5


@pytest.mark.parametrize("moved", ["web", "online"])
def test_stores_that_change_their_channel_keep_their_products(
    moved: str, two: Settings, tmp_path: Path
) -> None:
    if moved == "web":
        published(loosened(two))
    else:
        published(in_channels(two, tmp_path, TOGETHER))
    shop = in_channels(two, tmp_path, TOGETHER.replace("web", moved))
    for _ in range(2):
        done = published(shop)
        assert (done["products"], len(rows(shop))) == (6, 6)
    assert findings(shop) == []


def test_a_moment_with_seconds_is_the_same_in_both_tables(two: Settings, tmp_path: Path) -> None:
    shop, day = in_channels(two, tmp_path, TABLE), day_after_tomorrow()
    published(shop, effective=f"{day}T00:00:30")
    bring_up(shop, datetime.fromisoformat(f"{day}T00:00:30+01:00"))
    assert findings(shop) == []


def test_channels_that_keep_together_begin_together(two: Settings, tmp_path: Path) -> None:
    shop, day = in_channels(two, tmp_path, TABLE, "web not dearer than shop"), day_after_tomorrow()
    with pytest.raises(Refused, match=r"would begin apart, and `guard.parity` keeps .* with its offset"):
        published(shop, effective=f"{day}T00:00")
    assert published(shop, effective=f"{day}T00:00+01:00")["list"]


def test_a_rejection_while_a_list_is_stored_keeps_it_from_nothing(
    two: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, seen = publishing.stage, champion_store.newest(two)

    def slowly(*arguments: Any) -> Any:
        for _ in range(30):
            champion_aliases.champion(two)  # who looks at the champion takes a token
        champion_store.decide(two, seen, "rejected", {"version": 2}, approval("Eve", "milk at 9.99"))
        return stage(*arguments)

    monkeypatch.setattr(publishing, "stage", slowly)
    assert published(loosened(two))["in_force"]
