"""The features that forecasts use: built once on the whole table, chosen on what the first fold knows."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from expectations.columns import DATE, PERIOD_FREQUENCY
from tasks.demand.censoring import expected_demand
from tasks.demand.features import FeatureTable, build_features
from tasks.demand.selection import Selection, select
from tasks.demand.splits import rolling_origins


@dataclass(frozen=True, kw_only=True)
class Origins:
    """How the history is cut into rolling origins.

    Attributes:
        horizon: periods forecast from one origin (periods).
        gap: periods between the origin and the first target (periods).
        folds: origins on which the blend is fitted.
        holdout_origins: later origins that are only reported.
    """

    horizon: int
    gap: int
    folds: int
    holdout_origins: int


@dataclass(frozen=True, kw_only=True)
class FeatureChoice:
    """Which features are built and which are dropped again.

    Attributes:
        period: ``D`` for days, ``W`` for weeks.
        lags: lags of log units (periods).
        windows: lengths of the rolling means (periods).
        rivals: up to so many products, prices and promotions of each are features of the others (products).
        redundant_above: largest absolute correlation with a kept feature.
        noise_columns: columns of pure noise that a feature must outdo.
        seed: root of the sample, of the noise and of the permutations.
    """

    period: str
    lags: tuple[int, ...]
    windows: tuple[int, ...]
    rivals: int
    redundant_above: float
    noise_columns: int
    seed: int


@dataclass(frozen=True)
class ChosenFeatures:
    """The features on the full grid of periods, and which of them are used.

    Attributes:
        table: all features.
        selection: those that are used, and why the others are not.
    """

    table: FeatureTable
    selection: Selection

    @property
    def used(self) -> dict[str, str]:
        """Return what each used feature is, by name, past ones first."""
        names = (*self.selection.past, *self.selection.known)
        return {name: self.table.descriptions[name] for name in names}


def first_origin(sales: pd.DataFrame, period: str, origins: Origins) -> pd.Timestamp:
    """Return the last date that the first fold knows. Feature selection must not read later rows.

    Args:
        sales: sales table.
        period: ``D`` for days, ``W`` for weeks.
        origins: how the history is cut.
    """
    dates = pd.date_range(sales[DATE].min(), sales[DATE].max(), freq=PERIOD_FREQUENCY[period], unit="us")
    folds = rolling_origins(
        len(dates),
        horizon=origins.horizon,
        gap=origins.gap,
        folds=origins.folds,
        holdout_origins=origins.holdout_origins,
    )
    return pd.Timestamp(dates[folds[0].origin])


def chosen_features(sales: pd.DataFrame, choice: FeatureChoice, until: pd.Timestamp) -> ChosenFeatures:
    """Build the features of a sales table and select among them.

    Args:
        sales: sales table.
        choice: what is built and what is dropped.
        until: last date that the selection may read.

    Raises:
        DataError: the features break their suite.
    """
    from expectations import suites

    demand = expected_demand(sales, choice.period, until)
    table = build_features(demand, choice.lags, choice.windows, choice.period, choice.rivals)
    suites.run("features", table.frame)
    selection = select(
        table,
        sales,
        until,
        redundant_above=choice.redundant_above,
        noise_columns=choice.noise_columns,
        seed=choice.seed,
    )
    return ChosenFeatures(table, selection)
