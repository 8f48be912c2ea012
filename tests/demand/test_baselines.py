"""The baselines against statsmodels and against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.demand.baselines import ets, naive_scale, season_of, seasonal_naive, smooth


def test_seasonal_naive_repeats_the_last_season_after_the_gap() -> None:
    units = np.arange(1.0, 9.0)[None]
    assert seasonal_naive(units, season=3, gap=1, horizon=4).median.tolist() == [[7.0, 8.0, 6.0, 7.0]]


def test_a_missing_period_is_carried_forward_and_never_back() -> None:
    units = np.array([[np.nan, 5.0, np.nan]])
    assert seasonal_naive(units, season=3, gap=0, horizon=3).median.tolist() == [[0.0, 5.0, 5.0]]


def test_smoothing_is_that_of_statsmodels() -> None:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    rng = np.random.default_rng(4)
    units = 10 + 3 * np.sin(2 * np.pi * np.arange(84) / 7) + rng.normal(0, 1, 84)
    level, seasons, squares = smooth(units[None], 7, np.array([0.2]), np.array([0.1]))
    start = units[:14].mean()
    first = [units[:14][phase::7].mean() - start for phase in range(7)]
    model = ETSModel(
        units,
        seasonal="add",
        seasonal_periods=7,
        initialization_method="known",
        initial_level=start,
        initial_seasonal=first,
    )
    theirs = model.smooth([0.2, 0.1])
    np.testing.assert_allclose(squares[0, 0], (theirs.resid**2).sum(), rtol=1e-9)
    np.testing.assert_allclose(
        level[0, 0] + seasons[0, 0][(84 + np.arange(7)) % 7], theirs.forecast(7), rtol=1e-9
    )


def test_ets_finds_the_season_of_a_clean_series() -> None:
    units = np.tile([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 20)[None]
    np.testing.assert_allclose(ets(units, 7, gap=1, horizon=7).median, [[2, 3, 4, 5, 6, 7, 1]], atol=1e-6)


def test_a_missing_period_teaches_nothing() -> None:
    units = np.full((1, 50), 4.0)
    units[0, 20:30] = np.nan
    np.testing.assert_allclose(ets(units, 1, 0, 3).median, 4.0)


def test_the_scale_is_the_error_of_the_naive_forecast_in_training() -> None:
    units = np.array([[1.0, 3.0, np.nan, 7.0], [2.0, 2.0, 2.0, 2.0]])
    scale = naive_scale(units, 1)
    assert scale[0] == pytest.approx(2.0)
    assert np.isnan(scale[1])


def test_a_year_of_weeks_is_no_season_until_it_was_seen_twice() -> None:
    assert [season_of("D", 300), season_of("W", 103), season_of("W", 104)] == [7, 1, 52]
