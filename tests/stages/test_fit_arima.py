"""The stage shows how often ARIMA failed: on its run, and in one line of the log."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import pytest

from tasks.demand.arima_fit import Regressions
from tasks.runtime.tune import Search
from tasks.stages.fit_arima import _show


class Run:
    """A run that remembers its metrics."""

    def __init__(self) -> None:
        self.logged: dict[str, float] = {}

    def metrics(self, values: Mapping[str, float]) -> None:
        self.logged |= values

    def params(self, values: Mapping[str, object]) -> None:
        """Forget them."""


def test_unfinished_fits_and_replaced_forecasts_are_metrics_and_one_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    result = Regressions(
        forecasts=[None] * 5,  # type: ignore[list-item]
        served={},
        dropped={"p1 / all": "LinAlgError: singular"},
        series=40,
        not_converged=3,
        replaced=7,
    )
    run = Run()
    with caplog.at_level(logging.INFO, logger="repricer"):
        _show(run, Search({"p": 1}, 0.5, ()), result)  # type: ignore[arg-type]
    assert run.logged == {
        "forecast.arima.validation_wape": 0.5,
        "forecast.arima.dropped": 1,
        "forecast.arima.not_converged": 3,
        "forecast.arima.replaced_forecasts": 7,
    }
    assert [record.getMessage() for record in caplog.records] == [
        "arima: of 40 fits 3 did not converge and 1 were dropped; of 200 forecasts 7 were replaced"
    ]
