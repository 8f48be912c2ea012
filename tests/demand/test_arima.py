"""Regressions with ARIMA errors recover what made the data, and report what failed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.demand import arima, regression
from tasks.demand.panel import Panel

ORIGIN = 159
ORDER = regression.Order(1, 0, 0, 10.0)


def test_slopes_without_shrinkage_are_least_squares(panel: Panel) -> None:
    slopes = regression.regress(panel, ORIGIN, regression.Order(1, 0, 0, shrinkage=1e-9))
    x, y = panel.known[2, : ORIGIN + 1], np.log1p(panel.units[2, : ORIGIN + 1])
    expected = np.linalg.lstsq(np.column_stack([np.ones(len(y)), x]), y, rcond=None)[0][1:]
    np.testing.assert_allclose(slopes.slope[2], expected, rtol=1e-6)


def test_much_shrinkage_gives_all_series_the_same_slopes(panel: Panel) -> None:
    slopes = regression.regress(panel, ORIGIN, regression.Order(1, 0, 0, shrinkage=1e9))
    assert np.ptp(slopes.slope, axis=0).max() < 1e-4
    assert slopes.slope[0, 0] == pytest.approx(-1.9, abs=0.25), "the shop was made with -2, on log units"


def test_surprises_that_stores_share_are_weighed_as_generalised_least_squares_weighs_them() -> None:
    rng, stores, weeks, shock = np.random.default_rng(8), 5, 40, 3.0
    shape = (2 * stores, weeks)
    price = np.repeat(rng.normal(size=(2, weeks)), stores, axis=0) + 0.3 * rng.normal(
        size=shape
    )  # chains move prices together
    logs = (
        5 - 2 * price + np.repeat(rng.normal(size=(2, weeks)), stores, axis=0) + 0.3 * rng.normal(size=shape)
    )
    products = np.repeat(["1", "2"], stores)
    panel = Panel(
        series=pd.DataFrame({"product_id": products, "store_id": np.tile(np.arange(stores).astype(str), 2)}),
        dates=pd.date_range("2024-01-01", periods=weeks, freq="7D"),
        units=np.expm1(logs),
        price=np.exp(price),
        past=price[..., None],
        known=price[..., None],
        past_names=("log_price",),
        known_names=("log_price",),
    )
    weighed = regression.regress(
        panel, weeks - 1, regression.Order(0, 0, 0, shrinkage=1e12, shock=shock)
    ).slope

    x, y = (values - values.mean(axis=1, keepdims=True) for values in (price, logs))
    inverse = np.kron(
        np.eye(2), np.linalg.inv(np.eye(stores) + shock)
    )  # stores of a product surprise together in a week
    expected = (x * (inverse @ y)).sum() / (
        (x * (inverse @ x)).sum() + regression.POOLED_RIDGE * (x**2).sum()
    )
    np.testing.assert_allclose(weighed, expected, rtol=1e-6)
    plain = regression.regress(panel, weeks - 1, regression.Order(0, 0, 0, shrinkage=1e12)).slope
    assert abs(weighed[0, 0] + 2) < abs(plain[0, 0] + 2)


def test_nothing_past_the_origin_moves_a_slope(panel: Panel) -> None:
    changed = replace(panel, units=panel.units.copy(), known=panel.known.copy())
    changed.units[:, 100:] = 1e6
    changed.known[:, 100:] = 7.0
    for before, after in zip(
        regression.regress(panel, 99, ORDER), regression.regress(changed, 99, ORDER), strict=True
    ):
        np.testing.assert_allclose(before, after, rtol=1e-12)


def test_forecasts_of_the_errors_are_those_of_statsmodels() -> None:
    from statsmodels.tsa.arima.model import ARIMA

    rng = np.random.default_rng(0)
    errors = np.zeros((2, 120))
    for t in range(1, 120):
        errors[:, t] = 0.7 * errors[:, t - 1] + rng.normal(0, 0.3, 2)
    errors[1, 40:45] = np.nan
    order = regression.Order(1, 0, 0, 1.0)
    fitted = arima.fit_errors(errors, order)
    ahead = arima.forecast_errors(errors, fitted.parameters, order, 5)
    theirs = ARIMA(errors[1], order=(1, 0, 0), trend="c").fit(method_kwargs={"maxiter": 50}).get_forecast(5)
    np.testing.assert_allclose(ahead.mean[1], theirs.predicted_mean, rtol=1e-6)
    np.testing.assert_allclose(ahead.deviation[1], theirs.se_mean, rtol=1e-6)
    assert fitted.reasons == ["", ""]


def test_a_series_that_cannot_be_fitted_is_dropped_with_its_reason() -> None:
    errors = np.stack([np.full(60, np.nan), np.random.default_rng(1).normal(0, 1, 60)])
    fitted = arima.fit_errors(errors, regression.Order(1, 0, 0, 1.0))
    assert fitted.reasons[0]
    assert not fitted.reasons[1]
    ahead = arima.forecast_errors(errors, fitted.parameters, regression.Order(1, 0, 0, 1.0), 3)
    assert np.isfinite(ahead.mean).all()
    assert np.isfinite(ahead.deviation).all()


def test_where_linear_algebra_fails_for_all_series_each_says_so_and_is_forecast_by_its_recent_mean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from statsmodels.tsa.arima.model import ARIMA

    def singular(*_: object, **__: object) -> None:
        raise np.linalg.LinAlgError("Singular matrix")

    errors = np.random.default_rng(1).normal(0, 1, (3, 60))
    monkeypatch.setattr(ARIMA, "fit", singular)
    fitted = arima.fit_errors(errors, ORDER)
    assert fitted.reasons == ["LinAlgError: Singular matrix"] * 3
    ahead = arima.forecast_errors(errors, fitted.parameters, ORDER, 3)
    assert ahead.replaced.all()
    np.testing.assert_allclose(ahead.mean[:, 0], errors[:, -arima.RECENT :].mean(axis=1))


def test_no_forecast_exceeds_a_multiple_of_what_was_ever_sold() -> None:
    wild = arima.distribution(np.full((1, 2), 50.0), np.full((1, 2), 9.0), np.array([10.0]))
    assert wild.quantiles.max() <= 30.0 + 1e-9
    assert wild.mean.max() <= 30.0 + 1e-9
    low = arima.distribution(np.full((1, 2), -50.0), np.full((1, 2), 9.0), np.array([10.0]))
    assert low.quantiles.min() >= 0


def test_a_fit_that_does_not_converge_is_marked_and_its_parameters_are_used() -> None:
    noise = np.random.default_rng(0).normal(size=80)
    wave = np.sin(np.arange(80) / 3) + 1e-6 * noise  # far too regular for six parameters
    unfinished = arima.fit_errors(wave[None], regression.Order(3, 0, 3, 1.0))
    assert unfinished.converged.tolist() == [False]
    assert np.isfinite(unfinished.parameters).all()
    assert unfinished.reasons == [""]
    assert arima.fit_errors(noise[None], ORDER).converged.tolist() == [True]


def test_a_forecast_that_is_not_that_of_the_arima_is_marked() -> None:
    errors = np.random.default_rng(1).normal(0, 1, (3, 60))
    parameters = np.array(
        [[0.0, 0.5, 1.0], [0.0, 1e3, 1.0], [np.nan] * 3]
    )  # the second explodes, the third is none
    ahead = arima.forecast_errors(errors, parameters, ORDER, 200)
    assert ahead.replaced.tolist() == [False, True, True]
    np.testing.assert_allclose(ahead.mean[2], errors[2, -arima.RECENT :].mean())
    assert arima.out_of_bounds(np.array([[3.0, 0.1], [3.0, 3.5]]), np.array([10.0, 10.0])).tolist() == [
        False,
        True,
    ], "log(1 + 30) is 3.43"
