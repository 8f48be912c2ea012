"""ARIMA forecasts from all origins of a panel: fitted at the first, filtered on from origin to origin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from expectations.columns import PRODUCT, SERIES
from tasks.demand import arima
from tasks.demand.distribution import Distribution
from tasks.demand.features import RIVAL
from tasks.demand.history import History
from tasks.demand.metrics import Criterion
from tasks.demand.panel import Panel
from tasks.demand.pool import Pool
from tasks.demand.regression import Order, Slopes, explained, largest_units, regress, residuals
from tasks.demand.splits import Fold


@dataclass(frozen=True, kw_only=True)
class Filtered:
    """ARIMA at one origin.

    Attributes:
        slopes: of the regression.
        ahead: forecast of its errors.
        demand: what both make of the targets.
        fitted: the parameters that were filtered, of the first origin.
        bounded: whether a median was above the bound and was replaced by it (series,).
    """

    slopes: Slopes
    ahead: arima.Errors
    demand: Distribution
    fitted: arima.Fitted
    bounded: np.ndarray

    @property
    def replaced(self) -> int:
        """Return how many series have a forecast that is not their ARIMA's: the recent mean, or the bound."""
        return int((self.ahead.replaced | self.bounded).sum())


@dataclass(frozen=True, kw_only=True)
class Regressions:
    """What the regressions with ARIMA errors leave behind.

    Attributes:
        forecasts: from every origin.
        served: what forecasts from the last origin, by name, as ``model`` reads it.
        dropped: reason by name of the series without an ARIMA.
        series: number of series, so of fits (series).
        not_converged: fits whose optimiser was stopped before its end (series).
        replaced: forecasts of a series from an origin that the recent mean or the bound stands in for
            (forecasts).
    """

    forecasts: list[Distribution]
    served: dict[str, np.ndarray]
    dropped: dict[str, str]
    series: int
    not_converged: int
    replaced: int


def several_stores(panel: Panel) -> bool:
    """Return whether some product is sold in more than one store."""
    return bool(panel.series[PRODUCT].nunique() < panel.shape[0])


def has_rivals(panel: Panel) -> bool:
    """Return whether prices and promotions of other products are among the known features."""
    return any(name.startswith(RIVAL) for name in panel.known_names)


def search_rows(panel: Panel, sample: int, seed: int) -> np.ndarray:
    """Return the rows of the series on which a search is scored, at most ``sample`` (rows,)."""
    return np.sort(np.random.default_rng(seed).permutation(panel.shape[0])[:sample])


def objective(
    panel: Panel, folds: Sequence[Fold], rows: np.ndarray, criterion: Criterion, pool: Pool
) -> Callable[[Mapping[str, Any]], Iterator[float]]:
    """Return the function that scores an order: the mean error over the folds so far, fold by fold.

    Args:
        panel: sales and features.
        folds: origins at which the order is fitted anew.
        rows: series that are scored.
        criterion: error that counts.
        pool: processes that fit.
    """

    def errors_of(params: Mapping[str, Any]) -> Iterator[float]:
        order, errors_so_far = Order(**params), []
        for fold in folds:
            slopes = regress(panel, fold.origin, order)
            errors = residuals(panel, slopes, fold.origin)[rows]
            ahead = _ahead(pool, errors, order, _fit(pool, errors, order).parameters, fold)
            demand, _ = _demand(panel, slopes, ahead, fold, rows)
            errors_so_far.append(criterion.error(panel.units[rows][:, fold.targets], demand))
            yield float(np.mean(errors_so_far))

    return errors_of


def filter_through(panel: Panel, folds: Sequence[Fold], order: Order, pool: Pool) -> Iterator[Filtered]:
    """Fit at the first origin, filter the errors on with new slopes, and yield forecasts from all origins."""
    fitted, rows = None, np.arange(panel.shape[0])
    for fold in folds:
        slopes = regress(panel, fold.origin, order)
        errors = residuals(panel, slopes, fold.origin)
        fitted = fitted or _fit(pool, errors, order)
        ahead = _ahead(pool, errors, order, fitted.parameters, fold)
        demand, bounded = _demand(panel, slopes, ahead, fold, rows)
        yield Filtered(slopes=slopes, ahead=ahead, demand=demand, fitted=fitted, bounded=bounded)


def regressions(history: History, origins: Iterable[Filtered]) -> Regressions:
    """Return the forecasts from all origins of a history, what serves them, and what went wrong on the way.

    Args:
        history: panel and origins.
        origins: as ``filter_through`` yields them for ``history.origins``.
    """
    steps = list(origins)
    last, panel = steps[-1], history.panel
    names = [" / ".join(row) for row in panel.series[SERIES].itertuples(index=False)]
    return Regressions(
        forecasts=[step.demand for step in steps],
        served={
            "centre": last.slopes.centre,
            "slope": last.slopes.slope,
            "mean": last.ahead.mean,
            "deviation": last.ahead.deviation,
            "largest": largest_units(panel, history.now.origin),
            "fitted": np.isfinite(last.fitted.parameters).all(axis=1),
        },
        dropped={name: why for name, why in zip(names, last.fitted.reasons, strict=True) if why},
        series=len(names),
        not_converged=int((~last.fitted.converged).sum()),
        replaced=sum(step.replaced for step in steps),
    )


def _fit(pool: Pool, errors: np.ndarray, order: Order) -> arima.Fitted:
    parts = pool.over_rows("arima fits", arima.fit_errors, (errors,), order)
    return arima.Fitted(
        np.concatenate([part.parameters for part in parts]),
        [reason for part in parts for reason in part.reasons],
        np.concatenate([part.converged for part in parts]),
    )


def _ahead(pool: Pool, errors: np.ndarray, order: Order, parameters: np.ndarray, fold: Fold) -> arima.Errors:
    """Return the forecast errors of the regression at the targets (series, horizon)."""
    steps, gap = fold.targets.stop - 1 - fold.origin, fold.targets.start - 1 - fold.origin
    parts = pool.over_rows("arima forecasts", arima.forecast_errors, (errors, parameters), order, steps)
    return arima.Errors(
        np.concatenate([part.mean for part in parts])[:, gap:],
        np.concatenate([part.deviation for part in parts])[:, gap:],
        np.concatenate([part.replaced for part in parts]),
    )


def _demand(
    panel: Panel, slopes: Slopes, ahead: arima.Errors, fold: Fold, rows: np.ndarray
) -> tuple[Distribution, np.ndarray]:
    """Return the demand of some series at the targets, and which of them the bound replaces."""
    chosen = Slopes(slopes.centre[rows], slopes.slope[rows])
    level = explained(chosen, panel.known[rows][:, fold.targets]) + ahead.mean
    largest = largest_units(panel, fold.origin)[rows]
    return arima.distribution(level, ahead.deviation, largest), arima.out_of_bounds(level, largest)
