"""A response model must foresee the revenue of weeks that it was not fitted to, or be untested."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from tasks.bench.cases.true_shops import true_shop
from tasks.response.bounds import bounded_weeks
from tasks.response.group_panel import GroupPanel
from tasks.response.held_out import HeldOut, held_out
from tasks.response.predictive_check import calibration, predictive_check


def rows(slope: float, noise: float, groups: int = 12, weeks: int = 20) -> HeldOut:
    """Return held-out weeks with ``slope`` times the predicted log revenue, beside group and trend."""
    rng = np.random.default_rng(0)
    group, week = np.repeat(np.arange(groups), weeks), np.tile(np.arange(weeks), groups)
    predicted = 0.1 * rng.normal(size=groups * weeks)
    observed = slope * predicted + group - 0.01 * group * week + noise * rng.normal(size=groups * weeks)
    return HeldOut(
        group=group,
        week=week,
        store=np.zeros(groups * weeks, int),
        observed=observed,
        predicted=np.stack([predicted, predicted]),
        around=np.zeros((groups * weeks, 1)),
    )


@pytest.mark.parametrize(
    ("slope", "noise", "status"), [(1.0, 0.05, "passed"), (0.4, 0.05, "failed"), (1.0, 1.0, "untested")]
)
def test_a_check_passes_around_1_fails_off_it_and_does_not_tell_where_it_cannot(
    slope: float, noise: float, status: str
) -> None:
    check = calibration(rows(slope, noise), 0.95)
    assert check["status"] == status, check["sentence"]
    assert check["sentence"].startswith(f"predictive check {status}: calibration slope")
    assert (check["groups"], check["weeks"]) == (12, 20)
    if status != "untested":
        assert check["slope"] == pytest.approx(slope, abs=0.1)


def test_what_is_not_known_about_the_slopes_widens_the_interval() -> None:
    sure = rows(1.0, 0.05)
    scales = np.array([[0.8], [1.0], [1.2]])
    unsure = calibration(
        HeldOut(**{**vars(sure), "predicted": scales * sure.predicted[:1]}),
        0.95,
    )
    check = calibration(sure, 0.95)
    assert unsure["slope"] == pytest.approx(check["slope"])
    assert unsure["high"] is not None
    assert check["high"] is not None
    assert unsure["high"] - check["high"] > 0.1, "the slopes are known to about 16 %"


def lonely_group(weeks: int = 60) -> GroupPanel:
    """Return a group of one product that sells 100 ratio^-2 units a week."""
    rng = np.random.default_rng(1)
    ratio = np.exp(0.1 * rng.normal(size=(weeks, 1)))
    return GroupPanel(
        store="all",
        category="x",
        products=np.array(["a"]),
        week=np.arange(weeks),
        units=1000 * ratio**-2,
        present=np.ones((weeks, 1), bool),
        ratio=ratio,
        announced=np.empty((weeks, 1, 0)),
        around=np.empty((weeks, 1, 0)),
        reference=np.array([3.0]),
    )


def test_a_product_alone_at_slope_2_is_predicted_to_lose_as_much_revenue_as_its_price_rises() -> None:
    panel = lonely_group()
    later = held_out([panel], 36)
    assert later is not None
    assert later.week.tolist() == list(range(36, 60))
    expected = -np.log(panel.ratio[36:, 0])
    np.testing.assert_allclose(later.predicted.mean(axis=0), expected, atol=0.02)
    np.testing.assert_allclose(later.observed, np.log(3000) + expected, rtol=1e-6)


def test_the_weeks_that_are_held_out_do_not_move_what_is_predicted_of_them() -> None:
    panel = lonely_group()
    other = panel._replace(units=np.where(panel.week[:, None] < 36, panel.units, 7.0))
    first, second = held_out([panel], 36), held_out([other], 36)
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.predicted, second.predicted)


@cache
def independent() -> pd.DataFrame:
    return bounded_weeks(true_shop("independent", 22).history, "D").table


def test_the_model_foresees_a_shop_that_answers_as_before() -> None:
    check = predictive_check(independent(), instrumented=False, confidence=0.95)
    assert check["status"] == "passed", check["sentence"]


def test_a_shop_that_stops_to_answer_prices_after_the_fit_fails() -> None:
    weeks = independent().copy()
    later = weeks["week"] > weeks["week"].quantile(0.6)
    base = weeks.groupby("product_id")["price"].transform("median")
    weeks["units"] = weeks["units"].where(~later, weeks["units"] * (weeks["price"] / base) ** 2.9)
    check = predictive_check(weeks, instrumented=False, confidence=0.95)
    assert check["status"] == "failed", check["sentence"]


def test_a_short_history_and_prices_that_answer_demand_leave_it_untested() -> None:
    weeks = independent()
    short = weeks[weeks["week"] < weeks["week"].min() + pd.Timedelta(weeks=10)]
    assert predictive_check(short, instrumented=False, confidence=0.95)["status"] == "untested"
    flagged = predictive_check(weeks, instrumented=False, confidence=0.95, flags=["prices follow demand"])
    assert flagged["sentence"] == "predictive check untested: prices follow demand"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nested", "independent", "linear", "ces", "logit", "nested_peaks"])
def test_the_interval_holds_1_in_shops_of_any_demand(kind: str) -> None:
    weeks = bounded_weeks(true_shop(kind, 21).history, "D").table
    check = predictive_check(weeks, instrumented=False, confidence=0.95)
    assert check["low"] is not None
    assert check["high"] is not None
    assert check["low"] < 1 < check["high"], check["sentence"]
