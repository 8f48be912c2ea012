"""False rows move no estimate: not that of their product, not that of another, and the report names them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from tasks.bench.cases.true_shops import true_shop
from tasks.response.bounds import bounded_weeks, surprises
from tasks.response.elasticities import PanelResponse, panel_response
from tasks.response.group_response import GroupResponse, group_response
from tasks.response.identification import Identification
from tasks.response.influence import influence_of, warnings_of
from tasks.response.panel import Panel
from tasks.response.pooling import winsorised
from tasks.response.robust_regression import robust_fit
from tasks.response.weeks import weekly

IDENTIFICATION = Identification(
    confidence=0.95,
    min_prices=4,
    min_price_variation=0.03,
    min_periods=26,
    max_width=4.0,
    reference_memory=0.7,
)
PRODUCT, FALSE_ROWS = "p006", 28


@cache
def shop() -> pd.DataFrame:
    return true_shop("nested", 3).history


def with_false_rows(kind: str) -> pd.DataFrame:
    """Return the sales with 28 false days of one product: scattered or in a row, in units or in prices."""
    sales, rng = shop().copy(), np.random.default_rng(0)
    rows = sales.index[sales["product_id"] == PRODUCT]
    if "scattered" in kind:
        rows = rng.choice(rows, FALSE_ROWS, replace=False)
    elif "dearest" in kind:
        rows = sales.loc[rows, "price"].sort_values(ascending=False).index[:FALSE_ROWS]
    else:
        rows = rows[100 : 100 + FALSE_ROWS]
    if "units" in kind:
        sales.loc[rows, "units"] *= rng.uniform(20, 50, FALSE_ROWS).round()
    else:
        sales.loc[rows, "price"] *= 10.0 if "tenfold" in kind else 2.0
    return sales


@cache
def response(kind: str, seed: int = 1) -> tuple[PanelResponse, GroupResponse]:
    sales = with_false_rows(kind) if kind else shop()
    panel = panel_response(sales, "D", IDENTIFICATION)
    return panel, group_response(sales, "D", IDENTIFICATION, panel, seed=seed, bounded=panel.weeks)


FALSE = [
    "scattered units",
    "units in a row",
    "units of the dearest days",
    "scattered tenfold",
    "doubled in a row",
]


@pytest.mark.parametrize("kind", FALSE)
def test_28_false_rows_move_their_elasticity_by_less_than_its_error_and_hardly_another(kind: str) -> None:
    clean, false = (response(name)[0].table.set_index("product_id") for name in ("", kind))
    moved = (false["elasticity"] - clean["elasticity"]).abs()
    assert moved[PRODUCT] < clean["standard_error"][PRODUCT], f"it moved by {moved[PRODUCT]:.2f}"
    others = (moved / clean["standard_error"]).drop(PRODUCT)
    assert others.max() < 0.35, f"{others.idxmax()} moved by {others.max():.2f} standard errors"
    assert others.mean() < 0.1


@pytest.mark.parametrize("kind", FALSE)
def test_28_false_rows_move_other_groups_by_less_than_another_seed_does(kind: str) -> None:
    clean, false, seeded = (response(*key)[1] for key in (("",), (kind,), ("", 2)))
    other = clean.table["group"] != clean.products.set_index("product_id").loc[PRODUCT, "group"]
    for name in ("within", "whole"):
        moved = (false.table[name] - clean.table[name]).abs()
        by_seed = (seeded.table[name] - clean.table[name]).abs()
        assert moved[other].max() < by_seed.max(), f"{name}: {moved[other].max():.3f}, {by_seed.max():.3f}"
    rest = (false.products["product_id"] != PRODUCT).to_numpy()
    units = np.log(false.products["units"] / clean.products["units"])
    assert units[rest].abs().max() < 0.05
    assert units[~rest].abs().max() < 0.1, "its units at the price in force are those of its true rows"


def test_the_report_names_the_product_of_the_false_rows_first() -> None:
    table = response("units in a row")[0].influence
    assert table["product_id"][0] == PRODUCT
    assert table["little_rows"][0] >= FALSE_ROWS
    day = shop().loc[shop()["product_id"] == PRODUCT, "date"].iloc[100]
    assert f"product {PRODUCT}: {table['little_rows'][0]} rows" in warnings_of(table)[0]
    assert f"the first of {day:%Y-%m-%d}" in warnings_of(table)[0]


def test_clean_rows_count_as_they_are() -> None:
    rows = bounded_weeks(shop(), "D").rows
    assert len(rows) < 0.006 * len(shop())
    assert (rows["weight"] == 0).sum() < 0.001 * len(shop())


def test_a_false_day_sells_what_the_other_days_of_its_week_say_at_their_price() -> None:
    days = pd.date_range("2024-01-01", periods=26 * 7, unit="us")
    sales = pd.DataFrame({"date": days, "product_id": "a", "store_id": "all", "units": 20.0, "price": 2.0})
    false = sales.copy()
    false.loc[[10, 80], ["units", "price"]] = [[900.0, 2.0], [20.0, 20.0]]
    bounded = bounded_weeks(false, "D")
    assert bounded.rows["date"].tolist() == [days[10], days[80]]
    assert bounded.table["units"].tolist() == pytest.approx(weekly(sales, "D")["units"].tolist(), rel=0.01)
    assert bounded.table["price"].tolist() == pytest.approx([2.0] * 26)


def test_a_false_week_is_left_out_and_the_weeks_without_a_sale_are_counted_as_they_are() -> None:
    weeks = pd.date_range("2023-01-02", periods=80, freq="7D", unit="us")
    sales = pd.DataFrame({"date": weeks, "product_id": "a", "store_id": "all", "units": 50.0, "price": 2.0})
    sales.loc[[20, 40], "units"] = [4000.0, 0.0]
    bounded = bounded_weeks(sales, "W")
    assert not set(bounded.table["week"]) & {weeks[20], weeks[40]}
    assert len(bounded.table) == 78
    assert bounded.silent["a"] == pytest.approx(1 / 80)


def test_a_series_of_which_most_looks_false_keeps_all_its_rows() -> None:
    weeks = pd.date_range("2023-01-02", periods=80, freq="7D", unit="us")
    units = np.where(np.arange(80) % 2 == 0, 50.0, 5000.0)
    table = pd.DataFrame({"week": weeks, "product_id": "a", "store_id": "all", "units": units, "price": 2.0})
    assert (surprises(table, "week", daily=False)["weight"] > 0).all()


def test_a_robust_regression_does_not_see_false_outcomes() -> None:
    rng = np.random.default_rng(0)
    price, noise = 0.15 * rng.normal(size=(1, 100)), 0.1 * rng.normal(size=(1, 100))
    y = 3.0 - 2.0 * price + noise
    false = y.copy()
    false[0, :8] += 3.5
    constant, there = np.ones((1, 100, 1)), np.ones((1, 100), bool)
    clean, robust = (robust_fit(outcome, price, constant, there) for outcome in (y, false))
    np.testing.assert_allclose(robust.fitted, clean.fitted, atol=0.03)
    assert clean.scale[0] == pytest.approx(0.1, rel=0.3)


def test_the_week_that_moves_a_slope_most_and_by_how_much_is_that_of_a_regression_without_it() -> None:
    rng = np.random.default_rng(1)
    price = rng.normal(size=40)
    units = -2 * price + 0.1 * rng.normal(size=40)
    units[7], price[7] = 5.0, 3.0
    alone = np.arange(40) != 7
    panel = Panel(
        units=units - units.mean(),
        price=price - price.mean(),
        controls=np.empty((40, 0)),
        series=np.zeros(40, int),
        week=np.arange(40) + 3,
        instrument=np.full(40, np.nan),
    )
    slope = float(panel.price @ panel.units / (panel.price @ panel.price))
    without = float(panel.price[alone] @ panel.units[alone] / (panel.price[alone] @ panel.price[alone]))
    most = influence_of(panel, slope)
    assert most.week == 10
    assert most.change == pytest.approx(without - slope)


def test_a_value_far_from_all_others_is_pooled_at_four_standard_deviations() -> None:
    values = np.r_[np.linspace(-3, -1, 9), 20.0]
    pooled = winsorised(values, np.full(10, 0.5))
    assert pooled[:9].tolist() == values[:9].tolist()
    middle = np.median(values)
    scatter = np.median(np.abs(values - middle)) / 0.6745
    assert pooled[9] == pytest.approx(middle + 4 * max(scatter, 0.5)), "the larger of scatter and error"
