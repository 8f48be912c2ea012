"""A prior price is known where training, sales and published lists cover the 30 days before without a gap."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from tasks.operations.price_history import PriceHistory

START = pd.Timestamp("2026-03-31")
TEN_DAYS_LATER = START + pd.Timedelta(days=10)


def days(first: int, last: int, price: float = 10.0, product: str = "a") -> pd.DataFrame:
    """Return a row on every day, counted in days before the start of the announcement."""
    dates = pd.date_range(START - pd.Timedelta(days=first), START - pd.Timedelta(days=last))
    return pd.DataFrame({"date": dates, "product_id": product, "store_id": "all", "price": price})


def lists(since: int, price: float = 9.0) -> Callable[[pd.Timestamp], pd.DataFrame]:
    """Return what a list charged that has been in force for so many days."""
    return lambda _: days(since, since, price)


def prior(history: PriceHistory, product: str = "a", start: pd.Timestamp = START) -> list[float]:
    starts = pd.DataFrame({"product_id": [product], "store_id": "all", "start": start})
    return list(history.prior_prices(starts)["prior_price"])


def test_sales_must_cover_all_of_the_30_days() -> None:
    market = days(300, 300)
    assert prior(PriceHistory("D", market=market, sales=days(30, 1, 8.0))) == [8.0]
    assert prior(PriceHistory("D", market=market, sales=days(29, 1))) == [], "the first day is not known"
    assert prior(PriceHistory("D", market=market, sales=days(60, 2))) == [], "the day before is not known"
    assert prior(PriceHistory("D", market=market)) == [], "the end of the training is no history"


def test_the_last_day_of_the_training_counts_where_the_sales_follow_it() -> None:
    assert prior(PriceHistory("D", market=days(30, 30, 7.0), sales=days(29, 1))) == [7.0]
    assert prior(PriceHistory("D", market=days(31, 31, 7.0), sales=days(29, 1))) == [], "a missing day"
    weekly = days(35, 1).iloc[[0, 7, 14, 21, 28]]
    assert prior(PriceHistory("W", market=days(300, 300), sales=weekly)) == [10.0]
    assert prior(PriceHistory("D", market=days(300, 300), sales=weekly)) == [], "daily, six days are missing"


def test_published_lists_say_what_was_charged_from_the_first_of_them_on() -> None:
    market = days(300, 300)
    assert prior(PriceHistory("D", market=market, charged=lists(30))) == [9.0]
    assert prior(PriceHistory("D", market=market, charged=lists(29))) == []
    assert prior(PriceHistory("D", market=market, sales=days(40, 20, 8.0), charged=lists(19))) == [8.0]
    assert prior(PriceHistory("D", market=market, sales=days(40, 21), charged=lists(19))) == [], "a gap"
    late = PriceHistory("D", market=days(10, 10, 5.0), sales=days(40, 1, 5.0), charged=lists(31))
    assert prior(late) == [9.0], "what sales average is no price beside a list"
    assert prior(PriceHistory("D", market=market, charged=lists(20)), start=TEN_DAYS_LATER) == [9.0]


def test_the_history_of_a_new_product_is_shorter_and_counts() -> None:
    sales = pd.concat([days(60, 1), days(6, 1, 12.0, product="new")])
    history = PriceHistory("D", market=days(300, 300), sales=sales)
    assert prior(history, "new") == [12.0]
    assert prior(history, "never sold") == [], "nothing was charged before"
    known = pd.concat([days(300, 300), days(300, 300, 11.0, product="new")])
    assert prior(PriceHistory("D", market=known, sales=sales), "new") == [11.0], "it was priced long before"


def test_sales_count_for_a_product_that_no_list_has_had() -> None:
    market = days(300, 300)
    sales = pd.concat([days(30, 1, 8.0, "b"), days(30, 1)])
    history = PriceHistory("D", market=market, sales=sales, charged=lists(20))
    assert prior(history, "b") == [8.0]
    assert prior(history) == [9.0], "sales of days on which a list had it do not count"
