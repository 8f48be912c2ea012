"""The state of the shop follows its sales since the training; tables that say nothing true are refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tasks.pricing.learning import Doubt, learn
from tasks.pricing.new_sales import Calendar, SalesSinceError
from tasks.pricing.shop_state import ShopState, state_of

TRAINED = pd.Timestamp("2024-12-29")  # a Sunday
MONDAY = pd.Timestamp("2024-12-30")
MEMORY = 0.8


def test_a_day_after_the_training_opens_the_first_week() -> None:
    for days, weeks in ((6, 0), (7, 1), (13, 1), (14, 2)):
        assert _state(_sales(days=days), days=days).weeks == weeks, f"{days} days hold {weeks} whole weeks"


def test_a_new_season_opens_after_the_last_decision() -> None:
    assert [_state(_sales(days=7 * w), days=7 * w).season_week for w in (12, 13, 14)] == [12, 0, 1]


def test_days_are_summed_to_weeks_and_a_week_has_the_price_that_buyers_paid() -> None:
    sales = _sales(days=14)
    sales.loc[(sales["date"] == MONDAY) & (sales["product_id"] == "a"), ["units", "price"]] = [10.0, 8.0]
    state = _state(sales, days=14)
    # a: 10 at 8 and 6 x 2 at 10 in the first week
    assert state.units[:, 0].tolist() == [22, 14]
    assert state.prices[:, 0] == pytest.approx([(10 * 8 + 12 * 10) / 22, 10])
    assert state.present.all()
    assert (state.exposure == 1).all()


def test_a_week_that_is_not_over_moves_price_and_stock_alone() -> None:
    whole, begun = _sales(days=14, stock=100.0), _sales(days=16, stock=100.0)
    begun.loc[begun["date"] == MONDAY + pd.Timedelta(days=15), "price"] = 11.0
    before, after = _state(whole, days=14), _state(begun, days=16)
    for name in ("units", "prices", "remembered", "surprise"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name), err_msg=name)
    assert (after.price == 11).all()
    assert before.price.tolist() == [10, 20]


def test_a_week_that_the_table_does_not_reach_is_no_week_of_low_demand() -> None:
    state = _state(_sales(days=10), days=14)
    assert state.weeks == 2, "the calendar goes on without rows"
    assert state.present.tolist() == [[True, True], [False, False]]
    assert state.surprise == pytest.approx(_state(_sales(days=7), days=7).surprise)


def test_the_price_in_force_is_the_last_one_outside_promotions() -> None:
    sales = _sales(days=14).assign(promotion_deal=0.0)
    late = sales["date"] >= MONDAY + pd.Timedelta(days=7)
    sales.loc[late & (sales["product_id"] == "a"), ["price", "promotion_deal"]] = [7.0, 1.0]
    sales.loc[sales["product_id"] == "b", "price"] = 21.0
    state = _state(sales, days=14)
    assert state.price.tolist() == [10, 21]
    assert state.present.tolist() == [[True, True], [False, True]], (
        "a promoted week teaches no price response"
    )
    assert state.remembered[0] == pytest.approx(0.8 * 10 + 0.2 * 7), "buyers remember what they paid"


def test_a_product_without_rows_keeps_what_the_training_knew() -> None:
    sales = _sales(days=14)
    state = _state(sales[sales["product_id"] == "a"], days=14)
    assert (state.price[1], state.remembered[1], state.surprise[1]) == (20, 20, 0)
    assert state.prices[:, 1].tolist() == [20, 20]
    assert not state.present[:, 1].any()


def test_the_remembered_price_moves_only_in_weeks_that_sold() -> None:
    sales = _sales(days=14)
    first = sales["date"] < MONDAY + pd.Timedelta(days=7)
    sales.loc[first, "price"] *= 1.1
    sales.loc[~first, ["price", "units"]] = [99.0, 0.0]
    assert _state(sales, days=14).remembered == pytest.approx([0.8 * 10 + 0.2 * 11, 0.8 * 20 + 0.2 * 22])


def test_the_surprise_is_smoothed_over_weeks() -> None:
    sales = _sales(days=14)  # a sells 14 a week, 10 were expected; b 7 and 5
    assert _state(sales, days=14).surprise == pytest.approx([0.5 * 0.5 * 0.4 + 0.5 * 0.4] * 2)
    state = _state(sales, days=14, expected=lambda prices: 14 * prices / prices)
    assert state.surprise == pytest.approx([0, -0.375]), "against what was expected at the prices"


def test_a_sold_out_week_is_no_demand() -> None:
    sales = _sales(days=14, stock=50.0)
    sales.loc[(sales["date"] == MONDAY) & (sales["product_id"] == "a"), "stock"] = 2.0  # it sells both
    state = _state(sales, days=14)
    assert state.present.tolist() == [[False, True], [True, True]]
    assert state.surprise[0] == pytest.approx(0.5 * 0.4), "the first week is left out"


def test_days_without_a_row_sell_nothing_and_expect_nothing() -> None:
    sales = _sales(days=7)
    state = _state(sales[(sales["product_id"] == "b") | (sales["date"] != MONDAY)], days=7)
    assert state.exposure[0].tolist() == pytest.approx([6 / 7, 1])
    sold = state.sold(np.zeros(2, int), np.zeros((1, 2)), np.array([14.0, 7.0]), np.zeros(2))
    assert sold.base_units[0].tolist() == pytest.approx([12, 7])
    assert sold.units[0].tolist() == [12, 7]


def test_the_stock_is_the_last_one_less_what_it_sold() -> None:
    sales = _sales(days=7, stock=50.0)
    sales.loc[sales["date"] == MONDAY + pd.Timedelta(days=6), "stock"] = [30.0, 0.5]
    assert _state(sales, days=7).stock.tolist() == [28, 0]
    market = _market().assign(stock=[100.0, np.inf], arrivals=[7.0, 0.0])
    assert _state(_sales(days=14), days=14, market=market).stock.tolist() == [100 + 14 - 28, np.inf]
    assert market["stock"].tolist() == [100, np.inf], "the market table stays as it was"
    assert (_state(_sales(days=7), days=7).stock == np.inf).all()


def test_the_index_is_that_of_the_season() -> None:
    sales = _sales(days=14 * 7)
    sales.loc[sales["date"] >= MONDAY + pd.Timedelta(weeks=5), "price"] *= 1.1
    sales.loc[(sales["date"] >= MONDAY + pd.Timedelta(weeks=13)) & (sales["product_id"] == "a"), "price"] = (
        12.0
    )
    first = _state(sales, days=13 * 7 - 1)
    assert first.index == pytest.approx(np.log(1.1))
    assert first.opening.tolist() == [10, 20]
    second = _state(sales, days=14 * 7)
    assert second.opening.tolist() == pytest.approx([11, 22])
    assert second.index == pytest.approx(np.log(12 / 11) * 100 / 200), "a has half of the revenue"


def test_weeks_are_read_as_days_are() -> None:
    days = _sales(days=28)
    days["week"] = MONDAY + (days["date"] - MONDAY) // pd.Timedelta(weeks=1) * pd.Timedelta(weeks=1)
    weeks = days.groupby(["week", "product_id"], as_index=False).agg({"units": "sum", "price": "mean"})
    weeks = weeks.rename(columns={"week": "date"})
    calendar = Calendar(trained=TRAINED - pd.Timedelta(days=6), as_of=_after(28), period="W", decisions=13)
    by_weeks, by_days = state_of(_market(), weeks, calendar, MEMORY), _state(days, days=28)
    assert by_weeks.weeks == by_days.weeks == 4
    for name in ("units", "prices", "remembered", "surprise", "exposure", "present", "price"):
        np.testing.assert_allclose(getattr(by_weeks, name), getattr(by_days, name), err_msg=name)


def test_the_order_of_the_rows_does_not_matter() -> None:
    sales = _sales(days=20, stock=90.0)
    sales["price"] *= np.linspace(1, 1.2, len(sales))
    shuffled, plain = _state(sales.sample(frac=1, random_state=0), days=20), _state(sales, days=20)
    for name in ("units", "prices", "remembered", "price", "stock", "opening"):
        np.testing.assert_allclose(getattr(shuffled, name), getattr(plain, name), err_msg=name)


def test_rows_of_the_training_and_of_the_future_are_counted_and_left_out() -> None:
    old = _sales(days=7).assign(date=lambda rows: rows["date"] - pd.Timedelta(days=7), price=1.0, units=500.0)
    state = _state(pd.concat([old, _sales(days=21)]), days=14)
    plain = _state(_sales(days=14), days=14)
    assert (state.earlier, state.later) == (14, 14)
    np.testing.assert_array_equal(state.units, plain.units)
    np.testing.assert_array_equal(state.price, plain.price)


def test_unknown_products_are_named() -> None:
    new = _sales(days=7).replace({"product_id": {"a": "A", "b": "z"}})
    state = _state(pd.concat([_sales(days=7), new]), days=7)
    assert state.unknown == ("'A' in 'all' (known: 'a')", "'z' in 'all'")
    with pytest.raises(SalesSinceError, match=r"at least one product and store must be of.*'z'"):
        _state(new, days=7)


def _negative(sales: pd.DataFrame) -> pd.DataFrame:
    return sales.assign(units=np.where(sales["date"] == MONDAY, -3.0, sales["units"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda sales: sales[:0], "the table needs rows. Received: none"),
        (lambda sales: sales.drop(columns="price"), "Missing: price"),
        (
            lambda sales: sales.assign(date=sales["date"] - pd.Timedelta(days=70)),
            "needs rows from 2024-12-30 to 2025-01-12. Received: 28 rows from 2024-10-21 to 2024-11-03",
        ),
        (lambda sales: pd.concat([sales, sales[:3]]), r"'a' in 'all' on 2024-12-30 twice \(3 such rows\)"),
        (_negative, r"`units` must be finite and 0 or above. Received: -3.0 of 'a' on 2024-12-30 \(2 such"),
        (lambda sales: sales.assign(price=np.nan), "`price` must be finite and above 0. Received: nan"),
        (lambda sales: sales.assign(date=sales["date"].astype(str)), "`date` must be a local date"),
    ],
)
def test_a_table_that_says_nothing_true_is_refused(
    change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    with pytest.raises(SalesSinceError, match=message):
        _state(change(_sales(days=14)), days=14)


def test_what_the_sales_say_reaches_the_slopes() -> None:
    sales = _sales(days=28)
    cut = (sales["product_id"] == "a") & (sales["date"] >= MONDAY + pd.Timedelta(days=14))
    sales.loc[cut, ["price", "units"]] = [9.0, 8.0]  # a cut of a tenth sells four times as much
    state = _state(sales, days=28)
    change = np.log(state.prices / [10, 20])
    sold = state.sold(np.zeros(2, int), change, np.array([14.0, 7.0]), np.zeros(2))
    draws = 2.0 + 0.5 * np.random.default_rng(0).standard_normal((100, 1))
    learned = learn(sold, draws, draws, Doubt(product=0.1, level=0.02))
    assert learned.mean[0] > learned.before[0] + 0.3, (
        "sales that answer more than believed make a slope steeper"
    )


def test_before_the_first_week_is_over_the_belief_is_that_of_the_training() -> None:
    state = _state(_sales(days=3), days=3)
    sold = state.sold(np.zeros(2, int), np.zeros((0, 2)), np.array([14.0, 7.0]), np.zeros(2))
    draws = 2.0 + 0.5 * np.random.default_rng(0).standard_normal((100, 1))
    learned = learn(sold, draws, draws, Doubt(product=0.1, level=0.02))
    np.testing.assert_allclose(learned.mean, draws.mean())
    np.testing.assert_allclose(learned.sd, np.sqrt(draws.var() + 0.1))


def _market() -> pd.DataFrame:
    return pd.DataFrame(
        {"product_id": ["a", "b"], "store_id": "all", "price": [10.0, 20.0], "units": [10.0, 5.0]}
    )


def _sales(*, days: int, stock: float | None = None) -> pd.DataFrame:
    """Return two units a day of a and one of b at their prices, from the day after the training."""
    dates = MONDAY + pd.to_timedelta(np.repeat(np.arange(days), 2), unit="D")
    rows = {
        "date": dates,
        "product_id": ["a", "b"] * days,
        "units": [2.0, 1.0] * days,
        "price": [10.0, 20.0] * days,
    }
    return pd.DataFrame(rows if stock is None else rows | {"stock": stock})


def _after(days: int) -> pd.Timestamp:
    return TRAINED + pd.Timedelta(days=days)


def _state(
    sales: pd.DataFrame,
    *,
    days: int,
    market: pd.DataFrame | None = None,
    expected: Callable[[np.ndarray], np.ndarray] | None = None,
) -> ShopState:
    """Return the state after so many days."""
    calendar = Calendar(trained=TRAINED, as_of=_after(days), period="D", decisions=13)
    return state_of(_market() if market is None else market, sales, calendar, MEMORY, expected)
