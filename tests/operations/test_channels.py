"""Channels: one publication, a list for every channel, fees in its floors, parity between its channels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from expectations.refusals import DataError
from tasks.governance import published_rows
from tasks.governance.approval import Refused
from tasks.governance.published_rows import price_at, regular_price
from tasks.operations import publications
from tasks.operations.draft import ShopTables
from tasks.operations.recommend import Order, recommend
from tasks.operations.verify import verify
from tasks.pricing.greedy import Greedy
from tasks.pricing.price_list import in_force
from tasks.pricing.recommend import PolicyModel
from tasks.runtime import champion_aliases, published_tables
from tasks.runtime.list_tables import read_csv, read_parquet
from tasks.runtime.publishing_due import bring_up
from tests.operations.promotions import promote
from tests.operations.publishing import (
    NONE,
    forget_lists,
    loosened,
    pointed,
    promotions,
    published,
    root,
    rows,
    sales,
    served,
    withdraw,
)
from tests.operations.test_verify_lists import findings
from tests.pricing.small_market import gainful_weights, group_of, model_of, shop_rules

TABLE = """store_id,channel,fee,tax,zone,currency
s,shop,,,Europe/Berlin,EUR
w,web,0.2,,America/New_York,EUR
"""
TOGETHER = TABLE.replace("America/New_York", "Europe/Berlin")


def two_stores() -> PolicyModel:
    """Return a policy of three products at 2.00 that cost 1.00, in the store and on the web."""
    free = shop_rules(index_week=np.inf, index_season=np.inf)
    model = model_of(group_of([20.0] * 6, whole=0.5), free, Greedy(gainful_weights()))
    names = {"product_id": ["p0", "p1", "p2"] * 2, "store_id": ["s"] * 3 + ["w"] * 3}
    trained = pd.Timestamp.now().normalize() - pd.Timedelta(days=2)  # costs of long ago are stale
    market = model.market.assign(date=trained, name="Tea", category="tea", **names)
    return replace(model, market=market)


@pytest.fixture(autouse=True)
def policy(shop: Settings) -> Iterator[PolicyModel]:
    forget_lists(shop)
    model = two_stores()
    with served(model):
        yield model


def in_channels(shop: Settings, folder: Path, table: str = TOGETHER, *parity: str) -> Settings:
    """Return the settings of a shop with a table of channels."""
    path = folder / "channels.csv"
    path.write_text(table)
    settings = loosened(shop)
    price = settings.price.model_copy(update={"channels": str(path)})
    guard = settings.guard.model_copy(update={"parity": parity})
    return settings.model_copy(update={"price": price, "guard": guard})


@pytest.fixture
def champion(shop: Settings, tmp_path: Path) -> Settings:
    promote(shop, 1)
    return in_channels(shop, tmp_path)


def table_of(shop: Settings, channel: str) -> pd.DataFrame:
    place = root(shop) / str(pointed(shop)) / "channels" / channel
    table = read_parquet(place / "list.parquet")
    assert published_rows.differences(table, read_csv(place / "list.csv")).empty
    return table


def test_a_publication_has_a_list_for_every_channel(champion: Settings) -> None:
    done = published(champion)
    assert (done["products"], done["in_force"]) == (6, True)
    whole = rows(champion)
    assert whole["channel"].tolist() == ["shop"] * 3 + ["web"] * 3
    for channel, store in (("shop", "s"), ("web", "w")):
        part = table_of(champion, channel)
        assert set(part["store_id"]) == {store}
        assert set(part["currency"]) == {"EUR"}
        expected = whole[whole["channel"] == channel].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, expected, check_dtype=False)
    assert findings(champion) == []


def test_without_a_table_a_list_has_one_channel(shop: Settings) -> None:
    promote(shop, 1)
    assert published(loosened(shop))["channels"] == {}
    assert set(rows(shop)["channel"]) == {"default"}
    assert not (root(shop) / str(pointed(shop)) / "channels").exists()


def test_the_fee_of_a_channel_is_in_its_floor(shop: Settings, tmp_path: Path) -> None:
    promote(shop, 1)
    # a cost of 1.00 with a margin of 60 % needs 1.60, on the web 1.60 / 0.8 = 2.00
    settings = in_channels(shop, tmp_path)
    guard = settings.guard.model_copy(update={"margin_floor": 0.6})
    settings = settings.model_copy(update={"guard": guard})
    for _ in range(2):
        published(settings)
    table = rows(settings)
    assert (table.loc[table["channel"] == "web", "price"] >= 2.0).all()
    dearer = in_channels(settings, tmp_path, TOGETHER.replace("0.2", "0.25"))
    with pytest.raises(Refused, match="draft, nothing was published"):
        published(dearer.model_copy(update={"guard": guard.model_copy(update={"margin_floor": 2.0})}))
    left_out = published(dearer)["left_out"]
    assert [name[:7] for name in left_out] == ["p0 in w", "p1 in w", "p2 in w"], "2.00 is below 1.60 / 0.75"


def test_parity_holds_between_the_channels_of_a_list(
    shop: Settings, policy: PolicyModel, tmp_path: Path
) -> None:
    promote(shop, 1)
    stated = in_force(policy).assign(price=[2.0] * 3 + [1.95] * 3)  # a step of the web leads to 2.04
    stated.to_csv(tmp_path / "prices.csv", index=False)
    tables = ShopTables(prices=str(tmp_path / "prices.csv"))
    apart = in_channels(shop, tmp_path)
    published(apart, tables)
    assert rows(apart)["price"].tolist() == [2.1] * 3 + [2.04] * 3, "priced apart"
    settings = in_channels(shop, tmp_path, TOGETHER, "shop not dearer than web")
    published(settings, tables)
    assert rows(settings)["price"].tolist() == [2.04] * 6
    assert set(rows(settings)["binding_rule"][:3]) == {"parity"}
    assert rows(settings)["reason"][0].endswith("Set to keep the parity of the channels.")
    assert findings(settings) == []


def test_channels_of_different_zones_begin_at_their_own_local_time(
    shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(shop, 1)
    settings = in_channels(shop, tmp_path, TABLE)
    day = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
    done = published(settings, effective=f"{day}T00:00")
    assert done["channels"].keys() == {"shop", "web"}
    assert done["channels"]["web"].startswith(f"{day}T00:00-0"), "midnight in New York"
    berlin, york = (datetime.fromisoformat(done["channels"][name]) for name in ("shop", "web"))
    assert york - berlin in (timedelta(hours=5), timedelta(hours=6))
    assert bring_up(settings, berlin - timedelta(minutes=1)) == []
    assert [entry.kind for entry in bring_up(settings, berlin)] == ["took_effect"]
    before, web = rows(settings), table_of(settings, "web")
    assert (web["price"] == 2.0).all(), "the web has the price in force"
    moved = web["price_after"].notna()
    assert moved.any()
    assert set(web.loc[moved, "effective_until"]) == {pd.Timestamp(york)}
    assert set(web.loc[moved, "action"]) <= {"raise", "lower"}
    assert (table_of(settings, "shop")["price"] != 2.0).any()
    assert findings(settings) == []
    assert bring_up(settings, york - timedelta(minutes=1)) == []
    assert [entry.kind for entry in bring_up(settings, york)] == ["ended"]
    after = rows(settings)
    assert after["price"].tolist() == regular_price(before).tolist() == price_at(before, york).tolist()
    assert set(after["action"]) <= {"raise", "lower", "hold"}
    assert after["reference_price"].tolist() == [2.0] * 6
    assert after["effective_until"].isna().all()
    assert findings(settings) == [], "and the prices come out again"


def test_a_list_waits_until_the_one_before_it_holds_in_all_channels(shop: Settings, tmp_path: Path) -> None:
    promote(shop, 1)
    settings = in_channels(shop, tmp_path, TABLE)
    day = datetime.now(UTC) + timedelta(days=2)
    published(settings, effective=f"{day:%Y-%m-%d}T00:00")
    with pytest.raises(Refused, match=r"holds in channel web from .* Choose a later moment"):
        published(settings, effective=f"{day:%Y-%m-%d}T02:00")
    assert published(settings, effective=f"{day:%Y-%m-%d}T07:00+01:00")["in_force"] is False


def test_a_promotion_ends_at_midnight_of_its_channel(
    shop: Settings, policy: PolicyModel, tmp_path: Path
) -> None:
    promote(shop, 1)
    settings = in_channels(shop, tmp_path, TABLE)
    announced = promotions(tmp_path, days=2)
    pd.concat([sales(store="s"), sales(store="w")]).to_parquet(str(announced.sales))
    trained = pd.Timestamp.now().normalize() - pd.Timedelta(days=2)  # one of long ago is too old for sales
    with served(replace(policy, market=policy.market.assign(date=trained))):
        published(settings)
        published(settings, announced)
    ends = rows(settings).dropna(subset=["effective_until"]).set_index("channel")["effective_until"]
    for channel, zone in (("shop", "Europe/Berlin"), ("web", "America/New_York")):
        assert ends[channel].tz_convert(zone).hour == 0, channel


def test_a_list_is_taken_back_in_all_channels_and_compared(champion: Settings, tmp_path: Path) -> None:
    first = published(champion)["list"]
    prices = rows(champion)["price"].tolist()
    second = published(champion, effective=None)["list"]
    compared = publications.diff(champion, first, second)
    assert {row["channel"] for row in compared["differing"]} <= {"shop", "web"}
    withdraw(champion)
    assert (pointed(champion), rows(champion)["price"].tolist()) == (first, prices)
    assert table_of(champion, "web")["price"].tolist() == prices[3:]
    web = root(champion) / first / "channels" / "web" / "list.csv"
    one = publications.diff(champion, "in_force", str(web))
    assert (one["rows_a"], one["rows_b"], len(one["differing"])) == (6, 3, 3), "the web alone lacks the shop"


def test_a_draft_has_channels_and_is_compared_with_the_list_in_force(
    champion: Settings, policy: PolicyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(champion)
    chosen = type("Chosen", (), {"policy": policy})()
    monkeypatch.setattr(champion_aliases, "chosen", lambda *_: (1, chosen))
    draft = tmp_path / "draft.parquet"
    recommended = recommend.fn(champion, Order(out=str(draft), version=None, force=False, seed=1), NONE, None)
    assert recommended["currency"] == "EUR"
    assert set(pd.read_parquet(draft)["channel"]) == {"shop", "web"}
    compared = publications.diff(champion, "in_force", str(draft))
    assert (compared["rows_a"], compared["rows_b"]) == (6, 6)
    assert all(row["price_a"] is not None for row in compared["differing"]), "the same rows"


def test_a_destination_folder_has_the_lists_of_all_channels(shop: Settings, tmp_path: Path) -> None:
    promote(shop, 1)
    settings = in_channels(shop, tmp_path)
    place = {"web": {"kind": "folder", "path": str(tmp_path / "out")}}
    publish = Settings(publish={"time_zone": None, "destinations": place}).publish
    settings = settings.model_copy(update={"publish": publish})
    name = published(settings)["list"]
    for file in ("list.csv", "channels/shop/list.csv", "channels/web/list.parquet"):
        assert (tmp_path / "out" / name / file).is_file(), file


def test_a_changed_table_of_a_channel_is_found(champion: Settings) -> None:
    published(champion)
    folder = root(champion) / str(pointed(champion))
    path = folder / "channels" / "web" / "list.csv"
    path.write_text(path.read_text().replace("2.", "3."))
    assert any("channels/web/list.csv" in str(finding) for finding in verify(champion)["findings"])


def test_a_store_without_a_channel_is_refused(shop: Settings, tmp_path: Path) -> None:
    promote(shop, 1)
    with pytest.raises(DataError, match=r"no row of 'w'. Rule: every store that is priced has a row"):
        published(in_channels(shop, tmp_path, "store_id,channel\ns,shop\n"))
    assert pointed(shop) is None


def test_the_manifest_says_when_every_channel_began_and_keeps_the_table(champion: Settings) -> None:
    published(champion)
    folder = root(champion) / str(pointed(champion))
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    assert manifest["channels"].keys() == {"shop", "web"}
    assert (folder / "inputs" / "channels.csv").read_text() == TOGETHER


def test_a_table_of_a_channel_that_is_not_of_the_list_is_found(
    champion: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(published_tables, "channels_in", dearer_channels)
        published(champion)
    assert [finding for finding in findings(champion) if "channel web: 3 rows differ" in finding]


def dearer_channels(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for name, part in published_rows.channels_in(rows):
        yield name, part.assign(price=part["price"] + 1.0)
