"""Which series are forecast as counts, and their distribution, fitted on the folds alone.

Series are fitted in two classes by their share of zeros before the first fold. In a class the weight of the
members' means, a common factor and a common dispersion have the largest likelihood. A series has a factor
and a dispersion of its own as far as its units outweigh those of its class. A class is counted only where
that costs less on folds that the fit did not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from expectations.columns import UNITS
from tasks.demand.counts import LEAST_DISPERSION, LEAST_MEAN, Counts, none_counted, quantiles_of
from tasks.demand.distribution import Distribution, joined
from tasks.demand.history import History
from tasks.demand.metrics import pinball

SLOW = 0.5  # share of zeros from which a series is a slow mover
SPARSE = 0.1  # share of zeros from which the 10 % quantile of a series is 0
CLASSES = ((SLOW, np.inf), (SPARSE, SLOW))  # from the first share of zeros to below the second
WEIGHTS = np.linspace(0, 1, 11)  # of ARIMA in the mean
DISPERSIONS = np.r_[LEAST_DISPERSION, np.geomspace(0.05, 10, 23)]
CLASS_UNITS = 10.0  # units by which the factor of a class is drawn to 1
SERIES_UNITS = 50.0  # units by which the factor of a series is drawn to that of its class
SERIES_PERIODS = 100.0  # periods of the class that enter the dispersion of a series


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What sold at the targets of the folds, and what was forecast.

    Attributes:
        units: whole units/period, nan where missing (series, targets).
        arima, lstm: the members' means (series, targets).
    """

    units: np.ndarray
    arima: np.ndarray
    lstm: np.ndarray

    def part(self, rows: np.ndarray, targets: np.ndarray) -> Sample:
        """Return some series at some targets."""
        cut = np.ix_(rows, targets)
        return Sample(units=self.units[cut], arima=self.arima[cut], lstm=self.lstm[cut])

    def mean(self, weight: float) -> np.ndarray:
        """Return the weighted mean of the members (series, targets)."""
        return np.maximum(weight * self.arima + (1 - weight) * self.lstm, LEAST_MEAN)


@dataclass(frozen=True, kw_only=True)
class CountFit:
    """The distribution of the series of a class: a common weight, and factors and dispersions (series,)."""

    weight: float
    factor: np.ndarray
    dispersion: np.ndarray

    def quantiles(self, sample: Sample) -> np.ndarray:
        """Return the quantiles of the same series at the targets of a sample (series, targets, level)."""
        mean = np.maximum(self.factor[:, None] * sample.mean(self.weight), LEAST_MEAN)
        return quantiles_of(mean, self.dispersion[:, None])


def counts_on_folds(
    history: History,
    arima: Sequence[Distribution],
    lstm: Sequence[Distribution],
    blend: Sequence[Distribution],
    fitted: np.ndarray,
) -> Counts:
    """Return which series are counts; none where some units of the shop are not whole, such as kilograms.

    Args:
        history: sales and origins; only the folds that are not held out are read.
        arima, lstm, blend: calibrated forecasts from every origin.
        fitted: whether the series has an ARIMA (series,), bool.
    """
    if not (history.sales[UNITS].dropna() % 1 == 0).all():
        return none_counted(len(fitted))
    numbers = [fold.number for fold in history.fitted]
    first, second, both = (joined([f[number] for number in numbers]) for f in (arima, lstm, blend))
    units = np.concatenate([history.panel.units[:, fold.targets] for fold in history.fitted], axis=1)
    sample = Sample(
        units=np.rint(units),  # those of sold-out periods are an expectation
        arima=np.where(fitted[:, None], first.mean, second.mean),
        lstm=second.mean,
    )
    origins = np.repeat(numbers, history.layout.horizon)
    counts = fit_counts(sample, both, zeros_before(history), origins)
    return replace(counts, weight=np.where(fitted, counts.weight, 0.0))


def zeros_before(history: History) -> np.ndarray:
    """Return the share of zeros of each series before the first fold (series,)."""
    return zero_shares(history.panel.units[:, : history.folds[0].origin + 1])


def zero_shares(units: np.ndarray) -> np.ndarray:
    """Return the share of the periods with sales data in which nothing sold (series,); nan: no data.

    Args:
        units: units/period, nan where missing (series, periods).
    """
    known = np.isfinite(units).sum(axis=1)
    return np.where(known > 0, (units == 0).sum(axis=1) / np.maximum(known, 1), np.nan)


def fit_counts(sample: Sample, blend: Distribution, zeros: np.ndarray, origins: np.ndarray) -> Counts:
    """Return which series are counts, and their distributions.

    Args:
        sample: units and members' means at the targets of the folds.
        blend: the calibrated blend there.
        zeros: share of zeros of each series before the first fold (series,).
        origins: number of each target's origin (targets,).
    """
    result = none_counted(len(zeros))
    everywhere = np.ones(len(origins), bool)
    for least, below in CLASSES:
        rows = (zeros >= least) & (zeros < below)
        if not rows.any():
            continue
        of_class = sample.part(rows, everywhere)
        if _costs_less(of_class, blend.quantiles[rows], origins):
            fit = _fitted(of_class)
            result.counted[rows], result.weight[rows] = True, fit.weight
            result.factor[rows], result.dispersion[rows] = fit.factor, fit.dispersion
    return result


def _costs_less(sample: Sample, quantiles: np.ndarray, origins: np.ndarray) -> bool:
    """Return whether counts have a pinball loss below that of the blend, on folds left out of the fit.

    With a single fold, the fit is compared on that fold.

    Args:
        sample: of a class.
        quantiles: of the blend (series, targets, level).
        origins: number of each target's origin (targets,).
    """
    rows, known = np.ones(len(sample.units), bool), np.isfinite(sample.units)
    counted = np.empty_like(quantiles)
    for origin in np.unique(origins):
        left_out = origins == origin
        fit = _fitted(sample.part(rows, left_out if left_out.all() else ~left_out))
        counted[:, left_out] = fit.quantiles(sample.part(rows, left_out))
    costs = [pinball(sample.units, forecast)[known].sum() for forecast in (counted, quantiles)]
    return bool(costs[0] < costs[1])


def _fitted(sample: Sample) -> CountFit:
    """Return the distribution of the largest likelihood, and what its series show of their own."""
    factors = [_factor(sample, weight) for weight in WEIGHTS]
    likelihoods = [
        log_likelihoods(sample.units, factor * sample.mean(weight)).sum(axis=1).max()
        for weight, factor in zip(WEIGHTS, factors, strict=True)
    ]
    best = int(np.argmax(likelihoods))
    mean, known = sample.mean(WEIGHTS[best]), np.isfinite(sample.units)
    sold, expected = np.nansum(sample.units, axis=1), np.where(known, mean, 0.0).sum(axis=1)
    factor = (sold + SERIES_UNITS * factors[best]) / (expected + SERIES_UNITS)
    by_series = log_likelihoods(sample.units, factor[:, None] * mean)  # (dispersion, series)
    of_class = by_series.sum(axis=1, keepdims=True) / max(1, known.sum())
    dispersion = DISPERSIONS[(by_series + SERIES_PERIODS * of_class).argmax(axis=0)]
    return CountFit(weight=float(WEIGHTS[best]), factor=factor, dispersion=dispersion)


def _factor(sample: Sample, weight: float) -> float:
    """Return what the weighted mean of a class is to be multiplied by."""
    expected = sample.mean(weight)[np.isfinite(sample.units)].sum()
    return float((np.nansum(sample.units) + CLASS_UNITS) / (expected + CLASS_UNITS))


def log_likelihoods(units: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return the log likelihood of each series under each of ``DISPERSIONS`` (dispersion, series).

    Terms that hold neither mean nor dispersion are left out.

    Args:
        units: whole units/period, nan where missing (series, targets).
        mean: expected units/period, above 0 (series, targets).
    """
    known = np.isfinite(units)
    y = np.where(known, units, 0.0)
    rows = []
    for alpha in DISPERSIONS:
        size = 1 / alpha
        terms = special.gammaln(y + size) - special.gammaln(size) + y * np.log(alpha * mean)
        terms -= (y + size) * np.log1p(alpha * mean)
        rows.append(np.where(known, terms, 0.0).sum(axis=1))
    return np.array(rows)
