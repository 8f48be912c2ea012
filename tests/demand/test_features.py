"""Features read their own date and what came before, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.demand.features import build_features, planned

LAGS, WINDOWS = (1, 7), (3, 7)


@pytest.fixture
def sales() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = []
    for product, begin in (("a", 0), ("b", 0), ("c", 20)):
        dates = pd.date_range("2025-01-01", periods=60, unit="us")[begin:]
        rows.append(
            pd.DataFrame(
                {
                    "date": dates,
                    "product_id": product,
                    "store_id": "all",
                    "category": "x" if product != "b" else "y",
                }
            )
        )
    frame = pd.concat(rows, ignore_index=True)
    n = len(frame)
    return frame.assign(
        units=rng.poisson(4, n).astype(float),
        price=rng.choice([2.0, 2.5, 3.0], n),
        list_price=3.0,
        promotion_display=rng.random(n),
    )


def table(sales: pd.DataFrame) -> pd.DataFrame:
    return build_features(sales, LAGS, WINDOWS, "D").frame


@pytest.mark.parametrize("cut", [15, 37, 58])
def test_no_feature_reads_past_its_origin(sales: pd.DataFrame, cut: int) -> None:
    origin = pd.Timestamp("2025-01-01") + pd.Timedelta(days=cut)
    future = sales["date"] > origin
    changed = sales.assign(
        units=sales["units"].where(~future, 999.0),
        price=sales["price"].where(~future, 0.5),
        list_price=sales["list_price"].where(~future, 99.0),
        promotion_display=sales["promotion_display"].where(~future, 1.0),
    )
    before, after = table(sales), table(changed)
    past = before["date"] <= origin
    pd.testing.assert_frame_equal(before[past], after[past], check_exact=True)
    assert not before[~past].equals(after[~past]), "the perturbation must be visible after the origin"


def test_rows_in_the_future_leave_every_feature_bit_identical(sales: pd.DataFrame) -> None:
    before, after = table(sales), table(planned(sales, 9, "D"))
    again = after[after["date"] <= sales["date"].max()].reset_index(drop=True)
    pd.testing.assert_frame_equal(before, again, check_exact=True)


def test_features_are_what_their_names_say() -> None:
    sales = pd.DataFrame(
        {
            "date": np.repeat(pd.date_range("2025-03-03", periods=3, unit="us"), 2),  # a Monday
            "product_id": ["a", "b"] * 3,
            "store_id": "all",
            "category": "x",
            "units": [1.0, 7.0, 3.0, 0.0, np.nan, 1.0],
            "price": [1.0, 4.0, 2.0, 4.0, 2.0, 4.0],
        }
    )
    built = build_features(sales, (1,), (2,), "D")
    a = built.frame[built.frame["product_id"] == "a"].reset_index(drop=True)
    np.testing.assert_allclose(a["log_units"], np.log1p([1, 3, np.nan]))
    np.testing.assert_allclose(a["lag_1"], [np.nan, np.log(2), np.log(4)])
    np.testing.assert_allclose(a["mean_2"], [np.log(2), (np.log(2) + np.log(4)) / 2, np.log(4)])
    np.testing.assert_allclose(a["category_units"], [(np.log(2) + np.log(8)) / 2, np.log(4) / 2, np.log(2)])
    np.testing.assert_allclose(a["price_to_past_2"], [0, np.log(2), np.log(2) / 2])
    np.testing.assert_allclose(a["price_to_rivals"], np.log([1 / 4, 2 / 4, 2 / 4]))
    assert a["price_to_cheapest"].tolist() == [0, 0, 0]
    b = built.frame[built.frame["product_id"] == "b"]
    np.testing.assert_allclose(b["price_to_cheapest"], np.log([4 / 1, 4 / 2, 4 / 2]))
    assert a["monday"].tolist() == [1, 0, 0]
    assert a["tuesday"].tolist() == [0, 1, 0]
    assert set(built.past) | set(built.known) == set(built.descriptions)


def test_a_missing_row_is_missing_and_not_zero(sales: pd.DataFrame) -> None:
    gone = sales[~((sales["product_id"] == "a") & (sales["date"] == pd.Timestamp("2025-01-11")))]
    built = table(gone)
    row = built[(built["product_id"] == "a") & (built["date"] == pd.Timestamp("2025-01-11"))]
    assert len(row) == 1, "the full grid holds the missing period"
    assert row["log_units"].isna().all()
    assert row["log_price"].notna().all(), "the price is carried"


def test_the_grid_begins_with_each_series_and_ends_with_the_data(sales: pd.DataFrame) -> None:
    span = table(sales).groupby("product_id")["date"].agg(["min", "max", "size"])
    assert span["size"].tolist() == [60, 60, 40]
    assert (span["max"] == sales["date"].max()).all()


def test_one_year_promises_no_yearly_season(sales: pd.DataFrame) -> None:
    assert not [name for name in build_features(sales, LAGS, WINDOWS, "D").known if name.startswith("year")]
    weeks = pd.date_range("2020-01-06", periods=120, freq="7D", unit="us")
    long = pd.DataFrame({"date": weeks, "product_id": "a", "store_id": "all", "units": 1.0, "price": 2.0})
    assert {"year_sin", "year_cos"} <= set(build_features(long, (1,), (4,), "W").known)


def test_the_plan_holds_the_price_in_force_and_promotes_nothing(sales: pd.DataFrame) -> None:
    plan = planned(sales, 3, "D")
    ahead = plan[plan["date"] > sales["date"].max()]
    last = sales[sales["date"] == sales["date"].max()].set_index("product_id")["price"]
    assert len(ahead) == 9
    assert (ahead["price"] == ahead["product_id"].map(last)).all()
    assert ahead["units"].isna().all()
    assert (ahead["promotion_display"] == 0).all()
