"""The prior price of an announced reduction is the lowest that published lists charged, promoted or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from conf import Settings
from tasks.operations.draft import ShopTables
from tests.operations.promotions import promote
from tests.operations.publishing import (
    forget_lists,
    loosened,
    promotions,
    published,
    rows,
    sales,
    served,
    stand_in,
)

UNKNOWN = "Held: the lowest price of the 30 days before is not known: give --sales that cover them."


@pytest.fixture
def champion(shop: Settings) -> Iterator[Settings]:
    forget_lists(shop)
    with served(stand_in()):
        promote(shop, 1)
        yield loosened(shop)


def tomorrow(folder: Path, price: float) -> ShopTables:
    """Return a table in which p0 is on promotion on the day after tomorrow, and the sales until today."""
    day = f"{pd.Timestamp.now('Europe/Berlin') + pd.Timedelta(days=2):%Y-%m-%d}"
    path = folder / "next.csv"
    pd.DataFrame({"product_id": ["p0"], "start": [day], "end": [day], "price": [price]}).to_csv(
        path, index=False
    )
    return replace(promotions(folder), promotions=str(path))


def test_a_reduction_that_is_none_against_the_promotion_before_it_is_held(
    champion: Settings, tmp_path: Path
) -> None:
    published(champion)
    published(champion, promotions(tmp_path, price=1.6))
    at = (pd.Timestamp.now("Europe/Berlin") + pd.Timedelta(days=2)).strftime("%Y-%m-%dT12:00")
    waiting = published(champion, tomorrow(tmp_path, 1.7), effective=at)["list"]
    row = rows(champion, waiting).set_index("product_id").loc["p0"]
    assert row["price"] == row["reference_price"], "1.60 was charged in the 30 days before"
    assert row["reason"] == "Held: the announced price is not below the lowest price of the 30 days before."
    later = (pd.Timestamp.now("Europe/Berlin") + pd.Timedelta(days=2)).strftime("%Y-%m-%dT13:00")
    below = published(champion, tomorrow(tmp_path, 1.55), effective=later)["list"]
    assert rows(champion, below).set_index("product_id").loc["p0", "price"] == 1.55


def p0(shop: Settings) -> pd.Series:
    return rows(shop).set_index("product_id").loc["p0"]


def test_a_reduction_whose_30_days_before_are_not_known_is_held(champion: Settings, tmp_path: Path) -> None:
    known = promotions(tmp_path)
    published(champion, replace(known, sales=None))
    assert (p0(champion)["price"], p0(champion)["reason"]) == (p0(champion)["reference_price"], UNKNOWN)
    sales(days=20).to_parquet(tmp_path / "few.parquet")
    published(champion, replace(known, sales=str(tmp_path / "few.parquet")))
    assert p0(champion)["reason"] == UNKNOWN, "20 days are not 30"
    published(champion, known)
    assert (p0(champion)["price"], p0(champion)["action"]) == (1.5, "promote")


def test_an_announcement_that_is_no_reduction_needs_no_prior_price(
    champion: Settings, tmp_path: Path
) -> None:
    published(champion)
    published(champion, replace(promotions(tmp_path, price=2.2), sales=None))
    assert p0(champion)["price"] == 2.2


def test_a_promotion_that_is_announced_again_while_it_runs_is_no_new_reduction(
    champion: Settings, tmp_path: Path
) -> None:
    published(champion)
    published(champion, promotions(tmp_path, days=1))
    published(champion, replace(promotions(tmp_path, days=1), sales=None))
    assert p0(champion)["price"] == 1.5, "at its price, without the sales of before"
    published(champion, replace(promotions(tmp_path, days=1, price=1.4), sales=None))
    assert p0(champion)["reason"] == UNKNOWN, "a deeper reduction is a new one"
