"""Sparse series are counts: whole quantiles, 0 where nothing usually sells, fitted on the folds alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from expectations.columns import LEVELS
from tasks.demand.counts import Counts, counts_of, none_counted, probability_up_to, quantiles_of
from tasks.demand.counts_fit import (
    DISPERSIONS,
    Sample,
    counts_on_folds,
    fit_counts,
    log_likelihoods,
    zero_shares,
)
from tasks.demand.distribution import Distribution
from tasks.demand.features import build_features
from tasks.demand.history import History, Layout, lay_out
from tests.demand.conftest import GAP, HORIZON

TARGETS, ORIGINS = 42, np.repeat(range(3), 14)
SPREAD = np.linspace(0.2, 2.0, len(LEVELS))


def smooth(mean: np.ndarray) -> Distribution:
    """Return forecasts without an atom at 0: every quantile is above it."""
    return Distribution(mean, mean[..., None] * SPREAD)


def sample_of(units: np.ndarray, mean: np.ndarray) -> Sample:
    return Sample(units=units, arima=mean, lstm=mean)


def test_a_poisson_series_of_a_fifth_of_a_unit_has_a_10_percent_quantile_of_0() -> None:
    mean = np.full((30, TARGETS), 0.2)
    units = np.random.default_rng(0).poisson(mean).astype(float)
    counts = fit_counts(sample_of(units, mean), smooth(mean), zero_shares(units), ORIGINS)
    assert counts.counted.all()
    quantiles = counts(smooth(mean), smooth(mean), smooth(mean)).quantiles
    assert (smooth(mean).quantiles[..., LEVELS.index(0.1)] > 0).all(), "the blend itself has no atom"
    assert (quantiles[..., LEVELS.index(0.1)] == 0).all()
    np.testing.assert_array_equal(quantiles[0, 0], [0, 0, 0, 0, 0, 1, 1], "P(0) = 0.819, P(<= 1) = 0.982")


def test_quantiles_worked_by_hand_for_a_geometric_distribution() -> None:
    # alpha = 1, m = 1: P(k) = 2^-(k+1), so that P(<= k) = 1/2, 3/4, 7/8, 15/16, 31/32
    quantiles = quantiles_of(np.array([1.0]), np.array([1.0]))[0]
    np.testing.assert_array_equal(
        quantiles, [0, 0, 0, 0, 1, 3, 4], "at 0.5 and 0.75 the first that reaches it"
    )
    upto = probability_up_to(np.array([-1.0, 0, 1, 2]), np.ones(4), np.ones(4))
    np.testing.assert_allclose(upto, [0, 0.5, 0.75, 0.875])


def test_the_likelihood_is_that_of_the_negative_binomial_but_for_a_constant() -> None:
    rng = np.random.default_rng(1)
    mean = rng.uniform(0.1, 3, (4, 9))
    units = rng.poisson(mean).astype(float)
    units[2, 5] = np.nan
    known = np.isfinite(units)
    for alpha, row in zip(DISPERSIONS[::6], log_likelihoods(units, mean)[::6], strict=True):
        exact = stats.nbinom(1 / alpha, 1 / (1 + alpha * mean)).logpmf(np.nan_to_num(units))
        constant = -np.where(known, special.gammaln(np.nan_to_num(units) + 1), 0.0)
        np.testing.assert_allclose(row, (np.where(known, exact, 0.0) - constant).sum(axis=1), rtol=1e-6)


def test_the_dispersion_and_the_level_of_a_class_are_recovered() -> None:
    rng, alpha = np.random.default_rng(2), 1.5
    mean = rng.uniform(0.2, 0.5, (200, TARGETS))
    units = rng.poisson(mean * rng.gamma(1 / alpha, alpha, mean.shape)).astype(float)
    counts = fit_counts(sample_of(units, 2 * mean), smooth(2 * mean), zero_shares(units), ORIGINS)
    assert counts.counted.all()
    assert np.median(counts.dispersion) == pytest.approx(alpha, rel=0.3)
    assert np.median(counts.factor) == pytest.approx(0.5, rel=0.15), "the forecasts were twice too high"


def test_the_mean_is_that_of_the_member_that_foresees_the_units() -> None:
    rng = np.random.default_rng(3)
    mean = rng.gamma(0.5, 0.6, (100, TARGETS))
    units = rng.poisson(mean).astype(float)
    wrong = np.full_like(mean, mean.mean())
    sample = Sample(units=units, arima=mean, lstm=wrong)
    counts = fit_counts(sample, smooth(wrong), zero_shares(units), ORIGINS)
    assert (counts.weight[counts.counted] >= 0.8).all()


def test_fast_movers_keep_their_quantiles_to_the_last_bit() -> None:
    rng = np.random.default_rng(4)
    mean = np.r_[np.full((20, TARGETS), 0.2), np.full((20, TARGETS), 30.0)]
    units = rng.poisson(mean).astype(float)
    counts = fit_counts(sample_of(units, mean), smooth(mean), zero_shares(units), ORIGINS)
    assert counts.counted.tolist() == [True] * 20 + [False] * 20
    after = counts(smooth(mean), smooth(mean), smooth(mean))
    np.testing.assert_array_equal(after.quantiles[20:], smooth(mean).quantiles[20:])
    np.testing.assert_array_equal(after.mean[20:], mean[20:])


def test_series_stay_as_they_are_where_counts_cost_more_on_folds_left_out() -> None:
    rng = np.random.default_rng(5)
    units = rng.poisson(0.3, (20, TARGETS)).astype(float)
    known = Distribution(units, np.repeat(units[..., None], len(LEVELS), axis=-1))  # foresees every unit
    counts = fit_counts(sample_of(units, np.full(units.shape, 0.3)), known, zero_shares(units), ORIGINS)
    assert not counts.counted.any()


def test_the_registered_arrays_give_the_same_counts_and_older_models_have_none() -> None:
    counts = Counts(
        counted=np.array([True, False]),
        weight=np.array([0.3, 0.0]),
        factor=np.array([0.9, 1.0]),
        dispersion=np.array([0.5, 0.0]),
    )
    read = counts_of(counts.arrays(), 2)
    mean = np.full((2, 3), 0.4)
    forecasts = smooth(mean), smooth(2 * mean), smooth(mean)
    np.testing.assert_array_equal(read(*forecasts).quantiles, counts(*forecasts).quantiles)
    assert read(*forecasts).mean[0, 0] == pytest.approx(0.9 * (0.3 * 0.8 + 0.7 * 0.4))
    assert not counts_of({}, 2).counted.any()
    assert none_counted(2)(*forecasts) is forecasts[0]


def slow_history(sales: pd.DataFrame) -> History:
    layout = Layout(
        period="D", lags=(1, 7), windows=(7,), rivals=0, horizon=HORIZON, gap=GAP, folds=3, holdout_origins=2
    )
    features = build_features(sales, layout.lags, layout.windows, "D").frame
    until = sales["date"].max()
    return lay_out(sales, features, layout, past=("log_units",), known=("log_price",), until=until)


@pytest.fixture(scope="module")
def slow(shop: pd.DataFrame) -> pd.DataFrame:
    units = np.random.default_rng(6).poisson(0.2, len(shop)).astype(float)
    return shop.assign(units=units)


def counts_in(history: History) -> Counts:
    mean = np.full((len(history.panel.series), HORIZON), 0.25)
    forecasts = [smooth(mean)] * len(history.folds)
    return counts_on_folds(history, forecasts, forecasts, forecasts, np.ones(len(mean), bool))


def test_what_the_held_out_periods_sell_moves_no_count(slow: pd.DataFrame) -> None:
    history = slow_history(slow)
    before = counts_in(history)
    assert before.counted.all()
    units = history.panel.units.copy()
    first = history.held_out[0].targets.start
    units[:, first:] = 50.0
    after = counts_in(replace(history, panel=replace(history.panel, units=units)))
    for name, values in before.arrays().items():
        np.testing.assert_array_equal(values, after.arrays()[name], f"{name} read held-out periods")
    units[:, history.fitted[0].targets] += 3.0
    moved = counts_in(replace(history, panel=replace(history.panel, units=units)))
    assert (moved.factor != before.factor).any(), "the folds are read"


def test_units_that_are_not_whole_are_no_counts(slow: pd.DataFrame) -> None:
    kilograms = slow.assign(units=slow["units"].where(slow.index != 3, 0.35))
    assert counts_in(slow_history(slow)).counted.all()
    assert not counts_in(slow_history(kilograms)).counted.any()
