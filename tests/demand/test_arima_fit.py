"""ARIMA is fitted at the first origin and filtered on; what went wrong on the way is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tasks.demand.arima_fit import Filtered, filter_through, objective, regressions, search_rows
from tasks.demand.history import History, Layout
from tasks.demand.metrics import Criterion, wape
from tasks.demand.panel import Panel
from tasks.demand.regression import Order
from tasks.demand.splits import Fold, rolling_origins
from tests.demand.conftest import GAP, HORIZON, PERIODS

ORDER = Order(1, 0, 0, 10.0)


class OneProcess:
    """A pool that does everything here, in two chunks."""

    cores = 1

    def over_rows(
        self, _what: str, function: Callable[..., Any], rows: tuple[np.ndarray, ...], *fixed: object
    ) -> list[Any]:
        return [function(*(array[part] for array in rows), *fixed) for part in (slice(0, 4), slice(4, None))]


@pytest.fixture
def history(shop: pd.DataFrame, panel: Panel) -> History:
    layout = Layout(
        period="D",
        lags=(1, 7),
        windows=(7,),
        rivals=0,
        horizon=HORIZON,
        gap=GAP,
        folds=2,
        holdout_origins=1,
    )
    now = Fold(3, PERIODS - 1, slice(PERIODS + GAP, PERIODS + GAP + HORIZON), held_out=True)
    folds = rolling_origins(PERIODS, HORIZON, GAP, 2, 1)
    return History(sales=shop, panel=panel, folds=folds, now=now, layout=layout)


def origins_of(history: History) -> list[Filtered]:
    return list(filter_through(history.panel, history.origins, ORDER, OneProcess()))


def test_parameters_are_those_of_the_first_origin_at_every_later_one(history: History) -> None:
    origins = origins_of(history)
    assert len(origins) == 4
    assert all(origin.fitted is origins[0].fitted for origin in origins)
    result = regressions(history, origins)
    assert (result.series, result.not_converged, result.replaced, result.dropped) == (6, 0, 0, {})
    assert result.served["fitted"].all()
    assert result.forecasts[-1].mean.shape == (6, HORIZON)


def test_unfinished_fits_dropped_series_and_replaced_forecasts_are_counted(history: History) -> None:
    origins = origins_of(history)
    broken = origins[0].fitted._replace(
        reasons=["", "LinAlgError: singular", "", "", "", ""],
        converged=np.array([False, True, False, True, True, True]),
    )
    of_mean, of_bound = np.arange(6) == 1, np.arange(6) < 2  # a series that is both counts once
    origins = [
        replace(origin, fitted=broken, ahead=origin.ahead._replace(replaced=of_mean), bounded=of_bound)
        for origin in origins
    ]
    result = regressions(history, origins)
    assert result.not_converged == 2
    assert result.dropped == {"p1 / all": "LinAlgError: singular"}
    assert result.replaced == 4 * 2, "four origins, two series"


def test_an_order_is_scored_by_the_mean_error_over_the_folds_so_far(history: History) -> None:
    rows = search_rows(history.panel, 6, seed=1)
    error = objective(history.panel, history.fitted, rows, Criterion("units", 1.0), OneProcess())
    scores = list(error({"p": 1, "d": 0, "q": 0, "shrinkage": 10.0}))
    assert len(scores) == 2
    first = next(filter_through(history.panel, history.fitted, ORDER, OneProcess()))
    units = history.panel.units[:, history.fitted[0].targets]
    assert scores[0] == pytest.approx(wape(units, first.demand.median))
