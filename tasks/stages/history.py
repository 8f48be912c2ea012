"""What every forecaster is given: the panel of sales and features, the plan of the periods ahead, and the rolling origins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import CATEGORY, DATE
from tasks.demand.censoring import expected_demand
from tasks.demand.chosen_features import first_origin
from tasks.demand.distribution import Distribution
from tasks.demand.features import build_features, planned
from tasks.demand.panel import Panel, panel_of
from tasks.demand.splits import Fold, rolling_origins
from tasks.runtime.artifacts import Artifact, load_arrays, load_json, load_table, save_arrays
from tasks.runtime.attempt import Attempt
from tasks.runtime.records import Prepared
from tasks.stages.sales import origins_of


@dataclass(frozen=True)
class History:
    """Sales, features and origins.

    Attributes:
        sales: accepted sales table.
        panel: its panel, with the planned periods after the end of the data; sold-out periods have their expected demand.
        folds: rolling origins, all inside the data.
        now: the origin at the end of the data; its targets lie ahead.
    """

    sales: pd.DataFrame
    panel: Panel
    folds: tuple[Fold, ...]
    now: Fold

    @property
    def origins(self) -> tuple[Fold, ...]:
        """Return every origin, the last one at the end of the data."""
        return (*self.folds, self.now)

    @property
    def fitted(self) -> tuple[Fold, ...]:
        """Return the folds on which something may be fitted."""
        return tuple(fold for fold in self.folds if not fold.held_out)

    @property
    def held_out(self) -> tuple[Fold, ...]:
        """Return the folds that are only reported."""
        return tuple(fold for fold in self.folds if fold.held_out)


def history_of(settings: Settings, prepared: Prepared) -> History:
    """Load what ``prepare`` left and lay it out, with the periods ahead at the prices in force."""
    sales, chosen = load_table(prepared["sales"]), load_json(prepared["selection"])
    forecast, features = settings.forecast, settings.prepare.features
    ahead = forecast.gap + forecast.horizon
    until = first_origin(sales, settings.source.period, origins_of(forecast))
    demand = expected_demand(sales, settings.source.period, until)
    plan = planned(demand, ahead, settings.source.period)
    future = build_features(
        plan, features.lags, features.windows, settings.source.period, features.rivals
    ).frame
    table = pd.concat(
        [load_table(prepared["features"]), future[future[DATE] > sales[DATE].max()]], ignore_index=True
    )
    panel = panel_of(demand, table, tuple(chosen["past"]), tuple(chosen["known"]), [CATEGORY])
    periods = panel.shape[1] - ahead
    folds = rolling_origins(periods, forecast.horizon, forecast.gap, forecast.folds, forecast.holdout_origins)
    return History(
        sales,
        panel,
        folds,
        Fold(len(folds), periods - 1, slice(periods + forecast.gap, periods + ahead), held_out=True),
    )


def joined(forecasts: list[Distribution]) -> Distribution:
    """Put forecasts from several origins beside each other (series, origins * horizon)."""
    return Distribution(
        np.concatenate([f.mean for f in forecasts], axis=1),
        np.concatenate([f.quantiles for f in forecasts], axis=1),
    )


def save_forecasts(forecasts: list[Distribution], attempt: Attempt, name: str) -> Artifact:
    """Write forecasts from every origin: mean (origins, series, horizon), quantiles (origins, series, horizon, level)."""
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
