"""The embedded sales: whole weeks have one price, quantities are units, nobody's household comes along."""

from __future__ import annotations

import pandas as pd
import pytest

from tasks.sources.completejourney import read

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def daily() -> pd.DataFrame:
    return read("D", by_store=False, products=30)


def test_a_year_of_days_of_the_products_sold_most_often(daily: pd.DataFrame) -> None:
    assert daily["product_id"].nunique() == 30
    assert daily["date"].nunique() == 365
    assert not daily.duplicated(["date", "product_id", "store_id"]).any()
    sold = daily[daily["units"] > 0].groupby("product_id")["date"].nunique()
    assert sold.min() > 300
    assert not [name for name in daily.columns if "household" in name or "coupon" in name]


def test_a_price_does_not_reveal_whether_something_sold_that_day(daily: pd.DataFrame) -> None:
    week = daily["date"] - pd.to_timedelta(daily["date"].dt.dayofweek, unit="D")
    prices = daily.groupby(["product_id", week])[["price", "list_price"]].nunique()
    assert (prices == 1).all().all()
    assert (daily["price"] <= daily["list_price"] + 1e-9).mean() > 0.999
    assert daily["price"].notna().all()


def test_promotions_are_shares(daily: pd.DataFrame) -> None:
    for name in ("promotion_display", "promotion_mailer"):
        assert daily[name].between(0, 1).all()
        assert daily[name].max() > 0.5


def test_weeks_are_the_sums_of_their_days(daily: pd.DataFrame) -> None:
    weekly = read("W", by_store=False, products=30)
    product = sorted(set(daily["product_id"]) & set(weekly["product_id"]))[0]
    days, weeks = daily[daily["product_id"] == product], weekly[weekly["product_id"] == product]
    monday = days["date"] - pd.to_timedelta(days["date"].dt.dayofweek, unit="D")
    sums = days.groupby(monday)["units"].sum()
    pd.testing.assert_series_equal(
        weeks.set_index("date")["units"], sums, check_names=False, check_freq=False
    )


def test_stores_add_up_to_the_shop(daily: pd.DataFrame) -> None:
    stores = read("D", by_store=True, products=30)
    assert stores["store_id"].nunique() > 50
    pd.testing.assert_series_equal(
        stores.groupby("product_id")["units"].sum(),
        daily.groupby("product_id")["units"].sum(),
        check_names=False,
    )
