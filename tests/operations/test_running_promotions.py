"""A published promotion runs to its announced end, whoever publishes next, unless a person calls it off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from conf import Settings
from tasks.governance.approval import Refused
from tasks.operations.draft import ShopTables
from tasks.operations.verify import verify
from tasks.runtime import ledger_store
from tests.operations.promotions import promote
from tests.operations.publishing import (
    forget_lists,
    loosened,
    promotions,
    published,
    rows,
    served,
    stand_in,
)


@pytest.fixture
def shop(shop: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Yield a shop in whose list p0 is on promotion at 1.50 for two more days."""
    forget_lists(shop)
    with served(stand_in()):
        promote(shop, 1)
        published(loosened(shop))
        published(loosened(shop), promotions(tmp_path, days=2))
        yield loosened(shop)


def p0(shop: Settings) -> pd.Series:
    return rows(shop).set_index("product_id").loc["p0"]


def ruled(folder: Path, **rule: float) -> ShopTables:
    """Return a table with a rule of p0."""
    path = folder / "rules.csv"
    pd.DataFrame({"scope": "product", "name": "p0", **rule}, index=[0]).to_csv(path, index=False)
    return ShopTables(rules=str(path))


def test_a_list_without_announcements_lets_it_run_to_its_end_and_says_so(shop: Settings) -> None:
    before = p0(shop)
    done = published(shop)
    row = p0(shop)
    assert (row["price"], row["action"]) == (1.5, "promote")
    assert row["effective_until"] == before["effective_until"]
    assert row["price_after"] == row["reference_price"] == before["price_after"]
    last = before["effective_until"].tz_convert("Europe/Berlin") - pd.Timedelta(days=1)
    assert done["run_on"] == [f"p0 in all at 1.5 until {last:%Y-%m-%d}"]
    assert done["ended_early"] == []
    checks = ("files of published lists", "list in force", "published prices")
    assert [found for found in verify(shop)["findings"] if found["check"] in checks] == []


def test_a_named_person_calls_it_off_and_the_ledger_has_it(shop: Settings) -> None:
    regular = p0(shop)["price_after"]
    done = published(shop, ShopTables(called_off=("p0",)))
    row = p0(shop)
    assert row["reference_price"] == regular
    assert row["price"] == pytest.approx(regular, rel=0.05)
    assert pd.isna(row["effective_until"])
    assert (done["run_on"], done["ended_early"]) == ([], ["p0 in all: called off"])
    entry = next(entry for entry in reversed(ledger_store.entries(shop)) if entry.kind == "published")
    assert entry.body["called_off"] == ["p0"]


def test_an_announcement_of_the_product_comes_before_the_published_one(
    shop: Settings, tmp_path: Path
) -> None:
    done = published(shop, promotions(tmp_path, days=1, price=1.6))
    assert p0(shop)["price"] == 1.6
    assert (done["run_on"], done["ended_early"]) == ([], [])


def test_what_does_not_run_cannot_be_called_off(shop: Settings) -> None:
    with pytest.raises(Refused, match=r"--call-off p1: no published promotion of it runs then\. Running: p0"):
        published(shop, ShopTables(called_off=("p1",)))


def test_a_product_that_the_list_leaves_out_keeps_its_promotion_whoever_calls_it_off(
    shop: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "rules.csv"
    pd.DataFrame({"scope": ["product"], "name": ["p0"], "minimum_advertised_price": [5.0]}).to_csv(
        path, index=False
    )
    tables = ShopTables(rules=str(path))
    with pytest.raises(
        Refused, match="p0: the list leaves its product out, so its promotion ends as publish"
    ):
        published(shop, replace(tables, called_off=("p0",)))
    assert published(shop, tables)["run_on"][0].startswith("p0 in all is left out of the list; its promotion")


def test_a_hard_rule_ends_it_and_the_output_says_which(shop: Settings, tmp_path: Path) -> None:
    done = published(shop, ruled(tmp_path, least_price=1.8))
    held = "Held: the announced price breaks the rule absolute bounds."
    assert done["ended_early"] == [f"p0 in all: {held}"]


def test_a_promotion_is_not_called_off_and_announced_at_once(shop: Settings, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="--call-off p0: --promotions announces a price of it for that day"):
        published(shop, replace(promotions(tmp_path, days=2), called_off=("p0",)))
