"""A margin floor rests on the newest cost, and the row of the list says which one that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from conf import Settings
from tasks.operations.draft import ShopTables
from tasks.operations.publish import Published, Release, publish
from tasks.operations.verify import verify
from tasks.pricing.recommend import PolicyModel
from tests.operations.promotions import promote
from tests.operations.publishing import forget_lists, loosened, rows, served, stand_in
from tests.pricing.small_market import known_slopes

YESTERDAY = pd.Timestamp.now().normalize() - pd.Timedelta(days=1)


def cutting() -> PolicyModel:
    """Return the policy of a shop whose buyers answer prices so much that all of them are too high."""
    return replace(stand_in(), slopes=known_slopes([4.0], [4.0]))


@pytest.fixture
def champion(shop: Settings) -> Iterator[Settings]:
    forget_lists(shop)
    with served(cutting()):
        promote(shop, 1)
        yield loosened(shop)


def sold(cost: float) -> pd.DataFrame:
    """Return yesterday's sales, in which the first product costs what is given."""
    table = pd.DataFrame({"product_id": ["p0", "p1", "p2"], "store_id": "all", "units": 20.0 / 7})
    return table.assign(date=YESTERDAY, price=2.0, unit_cost=[cost, 1.0, 1.0])


def published(shop: Settings, sales: pd.DataFrame | None, tables: ShopTables) -> Published:
    return publish.fn(shop, Release(by="Ada", reason="weekly list", seed=1), tables, sales)


def listed(shop: Settings, sales: pd.DataFrame | None, tables: ShopTables) -> pd.DataFrame:
    published(shop, sales, tables)
    return rows(shop).set_index("product_id")


def test_a_price_that_no_longer_covers_the_cost_of_the_sales_since_is_left_out_and_named(
    champion: Settings,
) -> None:
    assert listed(champion, None, ShopTables())["price"].tolist() == [1.9] * 3, "1.00 was its cost"
    done = published(champion, sold(1.98), ShopTables())
    assert done["products"] == 2
    (reason,) = done["left_out"]
    assert reason.startswith("p0 in all: Left out: the price in force breaks the rule margin floor.")
    assert reason.endswith(f"check both. Unit cost 1.98 of {YESTERDAY:%Y-%m-%d}.")


def test_a_floor_on_the_newest_cost_binds_and_names_it(champion: Settings) -> None:
    guard = champion.guard.model_copy(update={"margin_floor": 0.5})
    table = listed(champion.model_copy(update={"guard": guard}), sold(1.295), ShopTables())
    assert table["price"].tolist() == [1.95, 1.9, 1.9], "1.295 x 1.5 = 1.9425: a step of 2.5 %, not of 5 %"
    assert table.loc["p0", "reason"].endswith(f"Unit cost 1.295 of {YESTERDAY:%Y-%m-%d}.")
    assert "Unit cost" not in table.loc["p1", "reason"], "its floor is far below"
    assert [found for found in verify(champion)["findings"] if found["check"] == "published prices"] == []


def test_a_price_whose_cost_is_older_than_the_limit_holds_and_says_so(shop: Settings, tmp_path: Path) -> None:
    forget_lists(shop)
    promote(shop, 1)
    old, day = cutting(), YESTERDAY - pd.Timedelta(days=100)
    model = replace(old, market=old.market.assign(cost_date=[day, YESTERDAY, YESTERDAY]))
    with served(model):
        table = listed(loosened(shop), None, ShopTables())
        assert table["action"].tolist() == ["hold", "lower", "lower"]
        words = f"Held: its unit cost is out of date; renew it. Unit cost 1 of {day:%Y-%m-%d}."
        assert table.loc["p0", "reason"] == words
        prices = tmp_path / "prices.csv"
        table.assign(unit_cost=1.0)[["store_id", "price", "unit_cost"]].to_csv(prices)
        renewed = listed(loosened(shop), None, ShopTables(prices=str(prices)))
        assert "out of date" not in renewed.loc["p0", "reason"], "a cost of --prices is one of today"
