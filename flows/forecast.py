"""Flow: forecast demand."""

from __future__ import annotations

from prefect import flow

from conf import Settings
from tasks.runtime.attempt import Attempt
from tasks.runtime.records import Forecasted, Prepared
from tasks.stages.blend import blend
from tasks.stages.fit_arima import fit_arima
from tasks.stages.fit_lstm import fit_lstm


@flow(name="forecast", flow_run_name="ARIMA, LSTM and their blend")
def forecast(attempt: Attempt, settings: Settings, prepared: Prepared) -> Forecasted:
    """Fit both members from rolling origins, blend them, and score them beside the baselines."""
    arima = fit_arima(attempt, settings, prepared)
    lstm = fit_lstm(attempt, settings, prepared)
    return blend(attempt, settings, prepared, arima, lstm)
