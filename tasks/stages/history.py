"""Loads what ``prepare`` left and lays it out for the forecasters; keeps their forecasts.

A history needs the features as ``prepare`` built them, so its record is made of two sections of the settings:
the features and the period, and the origins of the forecast.
"""

from __future__ import annotations

import numpy as np

from conf import Settings
from tasks.demand.chosen_features import first_origin
from tasks.demand.distribution import Distribution
from tasks.demand.history import History, Layout, lay_out
from tasks.runtime.artifacts import Artifact, load_arrays, load_json, load_table, save_arrays
from tasks.runtime.attempt import Attempt
from tasks.runtime.records import Prepared


def history_of(settings: Settings, prepared: Prepared) -> History:
    """Load what ``prepare`` left and lay it out, with the periods ahead at the prices in force."""
    sales, selection = load_table(prepared["sales"]), load_json(prepared["selection"])
    layout = layout_of(settings)
    return lay_out(
        sales,
        load_table(prepared["features"]),
        layout,
        past=selection["past"],
        known=selection["known"],
        until=first_origin(sales, layout.period, layout),
    )


def layout_of(settings: Settings) -> Layout:
    """Return how features and origins are laid out."""
    features, forecast = settings.prepare.features, settings.forecast
    return Layout(
        period=settings.source.period,
        lags=features.lags,
        windows=features.windows,
        rivals=features.rivals,
        horizon=forecast.horizon,
        gap=forecast.gap,
        folds=forecast.folds,
        holdout_origins=forecast.holdout_origins,
    )


def save_forecasts(forecasts: list[Distribution], attempt: Attempt, name: str) -> Artifact:
    """Write forecasts from all origins: mean (origins, series, horizon), quantiles (..., level)."""
    arrays = {
        "mean": np.stack([f.mean for f in forecasts]),
        "quantiles": np.stack([f.quantiles for f in forecasts]),
    }
    return save_arrays(arrays, attempt.path("forecast", f"{name}_forecasts.npz"))


def load_forecasts(artifact: Artifact) -> list[Distribution]:
    """Read what ``save_forecasts`` wrote."""
    arrays = load_arrays(artifact)
    return [
        Distribution(mean, quantiles)
        for mean, quantiles in zip(arrays["mean"], arrays["quantiles"], strict=True)
    ]
