"""Drafts, comparisons and explanations start from what is published, as the next list does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from conf import Settings
from tasks.operations.compare import compare
from tasks.operations.draft import ShopTables
from tasks.operations.explain_price import Question, explain_price
from tasks.operations.recommend import Order, Recommended, recommend
from tests.operations.promotions import promote
from tests.operations.publishing import (
    NONE,
    forget_lists,
    loosened,
    pointed,
    promotions,
    published,
    rows,
    served,
    sold,
    stand_in,
)

COLUMNS = ["product_id", "reference_price", "price", "action"]


@pytest.fixture
def champion(shop: Settings) -> Iterator[Settings]:
    forget_lists(shop)
    with served(stand_in()):
        promote(shop, 1)
        yield loosened(shop)


def drafted(shop: Settings, folder: Path, tables: ShopTables = NONE) -> tuple[Recommended, pd.DataFrame]:
    out = folder / "draft.parquet"
    return recommend.fn(shop, Order(out=str(out), seed=1), tables, sold(tables)), pd.read_parquet(out)


def test_a_draft_is_what_publishing_it_would_publish(champion: Settings, tmp_path: Path) -> None:
    for tables in (NONE, promotions(tmp_path, days=2), NONE, ShopTables(called_off=("p0",))):
        published(champion)
        done, draft = drafted(champion, tmp_path, tables)
        assert done["prices_in_force"] == f"published list {pointed(champion)}"
        listed = published(champion, tables)
        assert (done["run_on"], done["ended_early"]) == (listed["run_on"], listed["ended_early"])
        table = rows(champion).replace({"action": {"promote": "lower"}})
        pd.testing.assert_frame_equal(draft[COLUMNS], table[COLUMNS], check_dtype=False)


def test_a_draft_follows_the_list_that_waits(champion: Settings, tmp_path: Path) -> None:
    published(champion)
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat(timespec="minutes")
    waiting = published(champion, effective=later)["list"]
    done, draft = drafted(champion, tmp_path)
    assert done["prices_in_force"] == f"published list {waiting}"
    assert draft["reference_price"].tolist() == rows(champion, waiting)["price"].tolist()


def test_a_draft_of_a_shop_that_never_published_says_where_its_prices_are_from(
    champion: Settings, tmp_path: Path
) -> None:
    done, draft = drafted(champion, tmp_path)
    assert done["prices_in_force"] == "the end of the training data"
    assert draft["reference_price"].tolist() == [2.0] * 3
    path = tmp_path / "prices.csv"
    pd.DataFrame({"product_id": ["p0", "p1", "p2"], "price": 2.04}).to_csv(path, index=False)
    published(champion)
    done, draft = drafted(champion, tmp_path, ShopTables(prices=str(path)))
    assert done["prices_in_force"] == str(path)
    assert draft["reference_price"].tolist() == [2.04] * 3, "prices that somebody states come first"


def test_comparing_and_explaining_start_from_the_published_prices(champion: Settings, tmp_path: Path) -> None:
    published(champion, promotions(tmp_path))
    table = rows(champion).set_index("product_id")
    assert (table["price"] != 2.0).any()
    for product, price in table["price"].items():
        explained = explain_price(champion, Question(product=str(product)), NONE)
        assert explained["price"] == (2.0 if product == "p0" else price)
        assert explained["prices_in_force"] == f"published list {pointed(champion)}"
    assert explain_price(champion, Question(product="p0"), NONE)["recommended"] == 1.5, "it runs on"
    compared = compare.fn(champion, version=2)
    assert compared["prices_in_force"] == f"published list {pointed(champion)}"
    assert (compared["list"]["up"], compared["list"]["down"]) == (0, 0), "steps add up over publications"
