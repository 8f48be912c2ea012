"""The explanation of a price says the price of the list, to the cent, its bounds, and what was learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from conf import Settings
from tasks.operations.draft import ShopTables
from tasks.operations.explain_price import ExplainedPrice, Question, explain_price
from tasks.operations.recommend import Order, recommend
from tasks.pricing.greedy import Greedy
from tasks.pricing.recommend import PolicyError, PolicyModel
from tasks.runtime import verified_models
from tests.pricing.small_market import gainful_weights, group_of, model_of, shop_rules

TRAINED = pd.Timestamp("2025-01-05")
NOTHING = ShopTables()
UNITS = [20.0, 30.0, 10.0, 5.0]


@pytest.fixture(autouse=True)
def policy(monkeypatch: pytest.MonkeyPatch) -> PolicyModel:
    """Stand in for the policy of every version: four siblings around 2.00, of which p3 is not identified."""
    free = shop_rules(index_week=np.inf, index_season=np.inf)
    group = replace(group_of(UNITS, whole=0.5), identified=np.array([True, True, True, False]))
    model = model_of(group, free, Greedy(gainful_weights()))
    columns = {"date": TRAINED, "name": "Tea", "slow_reference": [2.0, 1.97, 2.6, 2.0]}
    stand_in = replace(model, market=model.market.assign(**columns))
    served = SimpleNamespace(unwrap_python_model=lambda: SimpleNamespace(policy=stand_in))
    monkeypatch.setattr(verified_models, "load", lambda *_: served)
    return stand_in


@pytest.fixture
def shop(shop: Settings) -> Settings:
    """Return a shop whose price index may move: of four products, any move is one of the index."""
    guard = shop.price.guard.model_copy(update={"index_week": 0.5, "index_season": 0.9})
    return shop.model_copy(update={"price": shop.price.model_copy(update={"guard": guard})})


def sold(weeks: int = 3, steep: bool = False) -> pd.DataFrame:
    """Return daily sales since the training; where ``steep``, p0 sells thrice as much at a twentieth less."""
    days = pd.date_range(TRAINED + pd.Timedelta(days=1), periods=7 * weeks)
    frames = []
    for number, units in enumerate(UNITS):
        frame = pd.DataFrame({"date": days, "product_id": f"p{number}", "store_id": "all", "price": 2.0})
        frames.append(frame.assign(units=units / 7))
    if steep:
        cheap = (days >= days[7]) & (days < days[14])
        frames[0].loc[cheap, ["price", "units"]] = [1.9, 3 * UNITS[0] / 7]
    return pd.concat(frames, ignore_index=True)


def listed(shop: Settings, folder: Path, sales: pd.DataFrame | None, seed: int) -> pd.DataFrame:
    recommend.fn(shop, Order(out=str(folder / "list.parquet"), version=1, seed=seed), NOTHING, sales)
    return pd.read_parquet(folder / "list.parquet").set_index("product_id")


def explained(
    shop: Settings, product: str, sales: pd.DataFrame | None = None, **more: float
) -> ExplainedPrice:
    return explain_price(shop, Question(product=product, version=1, **more), NOTHING, sales)  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("since", [False, True])
def test_the_price_is_that_of_the_list_to_the_cent(
    shop: Settings, tmp_path: Path, share: float, since: bool
) -> None:
    variation = shop.price.variation.model_copy(update={"share": share})
    varied = shop.model_copy(update={"price": shop.price.model_copy(update={"variation": variation})})
    sales = sold() if since else None
    table = listed(varied, tmp_path, sales, seed=3)
    assert (table["price"] != table["reference_price"]).any(), "a list that holds every price proves nothing"
    for product, row in table.iterrows():
        why = explained(varied, str(product), sales, seed=3)
        assert why["recommended"] == row["price"], f"{product}: the list says another price"
        assert why["price"] == row["reference_price"]
        assert why["drawn"] == pytest.approx(row["randomised_price"])
    drawn = [explained(varied, product, sales, seed=3)["drawn"] != 0 for product in table.index]
    assert any(drawn) == bool(share), "the variation is in the explanation where it is in the list"


def test_the_step_that_is_shown_as_chosen_is_the_price_of_a_list_without_a_draw(
    shop: Settings, tmp_path: Path
) -> None:
    table = listed(shop, tmp_path, sold(), seed=3)
    for product, price in table["price"].items():
        (chosen,) = [step for step in explained(shop, str(product), sold())["ladder"] if step["chosen"]]
        assert round(chosen["price"], 2) == price


def test_the_bounds_of_the_week_come_with_what_they_come_of(shop: Settings) -> None:
    sales = sold()
    recent = (sales["product_id"] == "p1") & (sales["date"] == sales["date"].max() - pd.Timedelta(days=2))
    sales.loc[recent, "price"] = 1.96
    trail = explained(shop, "p1", sales)["trail"]
    assert (trail["recent_low"], trail["recent_high"]) == (1.96, 2.0)
    assert trail["slow_reference"] == 1.97
    step, band = shop.price.guard.step, shop.price.guard.band
    assert trail["lowest"] == pytest.approx(max(2.0 * (1 - step), 1.97 * (1 - band)))
    assert trail["highest"] == 2.05 < min(1.96 * (1 + step), 1.97 * (1 + band)), "the cent below"
    assert trail["covering_price"] == 1.0
    alone = explained(shop, "p1")["trail"]
    assert (alone["recent_low"], alone["recent_high"]) == (2.0, 2.0), "without sales, the price in force"


def test_a_price_that_holds_says_the_rule(shop: Settings) -> None:
    assert "not identified" in explained(shop, "p3")["trail"]["rule"]
    held = explained(shop, "p0", price=1.01)  # a step down would be below the cost of 1.00
    assert held["price"] == 1.01
    assert held["recommended"] >= 1.0


def test_what_the_sales_taught_is_said_before_and_after(shop: Settings) -> None:
    assert explained(shop, "p0")["lesson"] == {"weeks": 0, "slope_trained": None, "slope_now": None}
    lesson = explained(shop, "p0", sold(steep=True))["lesson"]
    assert lesson["weeks"] == 3
    assert lesson["slope_trained"] == pytest.approx(3.0)
    assert (lesson["slope_now"] or 0.0) > 3.0, "thrice the sales at 5 % less: steeper than was believed"


def test_a_product_that_the_table_of_prices_lacks_is_named(shop: Settings, tmp_path: Path) -> None:
    pd.DataFrame({"product_id": ["p0"], "price": [2.0]}).to_csv(tmp_path / "prices.csv", index=False)
    tables = ShopTables(prices=str(tmp_path / "prices.csv"))
    assert explain_price(shop, Question(product="p0", version=1), tables)["price"] == 2.0
    with pytest.raises(PolicyError, match="the prices in force have no product 'p1' in store 'all'"):
        explain_price(shop, Question(product="p1", version=1), tables)
