"""The band of the price index adds up over publications: of seven local days, and of the season."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from expectations.columns import SERIES
from tasks.operations.published_prices import published_at
from tasks.runtime import published_tables, publishing
from tests.governance.shelves import GUARD
from tests.governance.test_price_guard import guard
from tests.governance.test_publication import Shop
from tests.operations.promotions import promote
from tests.operations.publishing import forget_lists, loosened, published, rows, served, stand_in

WEEK, SEASON = 0.03, 0.04
PRODUCTS = 200


@pytest.fixture
def champion(shop: Settings) -> Iterator[Settings]:
    """Yield a shop whose list may move by 3 % in a week and 4 % in a season; each price by 5 % a week."""
    forget_lists(shop)
    with served(stand_in()):
        promote(shop, 1)
        wide = loosened(shop)
        bounds = wide.price.guard.model_copy(update={"index_week": WEEK, "index_season": SEASON})
        yield wide.model_copy(update={"price": wide.price.model_copy(update={"guard": bounds})})


def index(shop: Settings) -> float:
    """Return the log price index of the list in force; the three products sell alike at 2.00."""
    return float(np.log(rows(shop)["price"] / 2.0).mean())


def test_publishing_again_moves_the_index_no_further_than_its_band(champion: Settings) -> None:
    moved = []
    for _ in range(4):
        published(champion)
        moved.append(index(champion))
    assert 0 < max(np.abs(moved)) <= np.log1p(WEEK) + 1e-8


@dataclass
class Year:
    """A shop in memory whose policy always wants its prices as far up, or as far down, as they may go."""

    settings: Settings
    ledger: Shop = field(default_factory=Shop)
    lists: dict[str, pd.DataFrame] = field(default_factory=dict)
    price: np.ndarray = field(default_factory=lambda: np.full(PRODUCTS, 10.0))

    def publish(self, wanted: float) -> float:
        """Publish the next list as the command would, and return the log price index of the year so far."""
        standing = publishing.Standing(
            entries=self.ledger.entries, lists=self.ledger.standing, stopped_because=""
        )
        known = published_at(self.settings, standing, self.ledger.now).prices
        names = [f"p{number}" for number in range(PRODUCTS)]
        products = pd.DataFrame({"product_id": names, "store_id": "all", "price": self.price})
        table = products if known is None else products.merge(known.drop(columns="price"), on=SERIES)
        table = table.assign(covering_price=1.0, index_weight=1 / PRODUCTS, slow_reference=10.0)
        price = guard(guard=replace(GUARD, index_week=WEEK, index_season=SEASON))(table, wanted * self.price)
        listed = products.assign(reference_price=self.price, price=price.price, action="raise")
        listed["effective_from"] = pd.Timestamp(self.ledger.now)
        listed["effective_until"] = pd.Series(pd.NaT, listed.index, dtype="datetime64[us, UTC]")
        self.lists[name := str(len(self.lists))] = listed.assign(price_after=np.nan)
        self.ledger.publish(name)
        self.price = price.price
        return float(np.log(self.price / 10.0).mean())


@pytest.fixture
def year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Year:
    shop = Year(Settings(data_folder=str(tmp_path)))
    monkeypatch.setattr(published_tables, "shelf_of", lambda _, published: shop.lists[published.name])
    return shop


@pytest.mark.parametrize("wanted", [1.05, 0.95])
def test_a_year_of_weekly_publications_stays_in_the_band_of_every_week_and_season(
    year: Year, wanted: float
) -> None:
    moved = [0.0]
    for day in range(0, 365, 7):
        year.ledger.at(24 * day)
        moved.append(year.publish(wanted))
    limits = [abs(np.log1p(np.sign(wanted - 1) * band)) + 1e-8 for band in (WEEK, SEASON)]
    assert np.abs(np.diff(moved)).max() <= limits[0]
    for start in range(0, len(moved) - 1, 13):
        season = np.abs(np.array(moved[start : start + 14]) - moved[start])
        assert season.max() <= limits[1], f"the season that begins with list {start}"
        assert season.max() > 0.9 * limits[1] or abs(moved[-1]) > 0.15, "the band is used"
    assert (np.abs(year.price / 10 - 1) <= GUARD.band + 1e-9).all(), "nor does any price leave its own band"


@pytest.mark.parametrize("wanted", [1.05, 0.95])
def test_ten_publications_within_seven_days_move_the_index_by_one_week(year: Year, wanted: float) -> None:
    for number in range(10):
        year.ledger.at(16 * number)
        moved = year.publish(wanted)
        assert abs(moved) <= abs(np.log1p(np.sign(wanted - 1) * WEEK)) + 1e-8
    assert abs(moved) > 0.02, "the band of the week is used"
    year.ledger.at(24 * 8)
    assert abs(year.publish(wanted)) > abs(moved), "and the next week begins anew"
