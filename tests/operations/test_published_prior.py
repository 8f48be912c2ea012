"""The prior price of an announced reduction is the lowest that published lists charged, promoted or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from conf import Settings
from tasks.operations.draft import ShopTables
from tests.operations.promotions import promote
from tests.operations.publishing import forget_lists, loosened, promotions, published, rows, served, stand_in


@pytest.fixture
def champion(shop: Settings) -> Iterator[Settings]:
    forget_lists(shop)
    with served(stand_in()):
        promote(shop, 1)
        yield loosened(shop)


def tomorrow(folder: Path, price: float) -> ShopTables:
    """Return a table in which p0 is on promotion on the day after tomorrow."""
    day = f"{pd.Timestamp.now('Europe/Berlin') + pd.Timedelta(days=2):%Y-%m-%d}"
    path = folder / "next.csv"
    pd.DataFrame({"product_id": ["p0"], "start": [day], "end": [day], "price": [price]}).to_csv(
        path, index=False
    )
    return ShopTables(promotions=str(path))


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
