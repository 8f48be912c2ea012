"""A product that a list leaves out keeps what was published of it: price, history, promotion, and its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from conf import Settings
from tasks.operations.draft import ShopTables
from tasks.operations.verify import verify
from tasks.runtime import publishing
from tasks.runtime.publishing_due import bring_up
from tests.operations.promotions import promote
from tests.operations.publishing import (
    forget_lists,
    loosened,
    promotions,
    published,
    rows,
    served,
    stand_in,
    withdraw,
)


@pytest.fixture
def champion(shop: Settings) -> Iterator[Settings]:
    forget_lists(shop)
    with served(stand_in()):
        promote(shop, 1)
        yield loosened(shop)


def without_p0(folder: Path) -> ShopTables:
    """Return rules by which the price in force of p0 breaks a hard rule: the list leaves it out."""
    path = folder / "rules.csv"
    pd.DataFrame({"scope": ["product"], "name": ["p0"], "minimum_advertised_price": [5.0]}).to_csv(
        path, index=False
    )
    return ShopTables(rules=str(path))


def p0(shop: Settings) -> pd.Series:
    return rows(shop).set_index("product_id").loc["p0"]


def test_its_published_price_is_that_of_the_newest_list_that_has_it(
    champion: Settings, tmp_path: Path
) -> None:
    published(champion)
    price = p0(champion)["price"]
    assert price != 2.0, "a price that did not move proves nothing"
    for _ in range(2):
        assert published(champion, without_p0(tmp_path))["left_out"][0].startswith("p0 in all")
        assert "p0" not in set(rows(champion)["product_id"])
    published(champion)
    assert p0(champion)["reference_price"] == price


def test_its_steps_add_up_over_lists_that_left_it_out(champion: Settings, tmp_path: Path) -> None:
    for _ in range(5):
        published(champion)
        published(champion, without_p0(tmp_path))
    published(champion)
    assert abs(p0(champion)["price"] / 2.0 - 1) <= 0.05 + 1e-9


def test_its_promotion_ends_as_published_and_the_price_before_it_enters_the_list(
    champion: Settings, tmp_path: Path
) -> None:
    published(champion)
    regular = p0(champion)["price"]
    published(champion, promotions(tmp_path))
    end = p0(champion)["effective_until"]
    published(champion, replace(promotions(tmp_path), rules=without_p0(tmp_path).rules))
    assert "p0" not in set(rows(champion)["product_id"])
    assert publishing.standing(champion).lists.in_force.ends == (end.to_pydatetime(),)
    assert bring_up(champion, end - pd.Timedelta(minutes=1)) == []
    assert [entry.kind for entry in bring_up(champion, end)] == ["ended"]
    assert (p0(champion)["price"], p0(champion)["action"]) == (regular, "restore")
    assert len(rows(champion)) == 3
    checks = ("files of published lists", "list in force", "published prices")
    assert [found for found in verify(champion)["findings"] if found["check"] in checks] == []


def test_a_list_in_force_again_ends_its_own_promotion(champion: Settings, tmp_path: Path) -> None:
    published(champion)
    regular = p0(champion)["price"]
    published(champion, promotions(tmp_path))
    end = p0(champion)["effective_until"]
    published(champion, without_p0(tmp_path))
    bring_up(champion, end)
    withdraw(champion)
    bring_up(champion, end)
    assert (p0(champion)["price"], p0(champion)["action"]) == (regular, "restore")


def test_its_promotion_ends_also_at_the_moment_of_the_next_list(champion: Settings, tmp_path: Path) -> None:
    published(champion)
    published(champion, promotions(tmp_path))
    end = rows(champion).set_index("product_id").loc["p0", "effective_until"]
    published(champion, without_p0(tmp_path), effective=end.tz_convert("Europe/Berlin").isoformat())
    entries = bring_up(champion, end.to_pydatetime())
    assert [entry.kind for entry in entries] == ["took_effect", "ended"]
    row = rows(champion).set_index("product_id").loc["p0"]
    assert (row["price"], row["action"]) == (2.1, "restore")
