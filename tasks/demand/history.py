"""What forecasters are given: the panel of sales and features, with the planned periods, and the origins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from expectations.columns import CATEGORY, DATE
from tasks.demand.censoring import expected_demand
from tasks.demand.chosen_features import Origins
from tasks.demand.features import build_features, planned
from tasks.demand.panel import Panel, panel_of
from tasks.demand.splits import Fold, rolling_origins


@dataclass(frozen=True, kw_only=True)
class Layout(Origins):
    """How features and origins are laid out.

    Attributes:
        period: ``D`` or ``W``.
        lags: lags of log units (periods).
        windows: lengths of rolling means (periods).
        rivals: where the shop sells at most this many products, those of a store are features of each other.
    """

    period: str
    lags: tuple[int, ...]
    windows: tuple[int, ...]
    rivals: int


@dataclass(frozen=True, kw_only=True)
class History:
    """Sales, features and origins.

    Attributes:
        sales: accepted sales table.
        panel: its panel, with the planned periods after the end of the data; sold-out periods have their
            expected demand.
        folds: rolling origins, all inside the data.
        now: the origin at the end of the data; its targets lie ahead.
        layout: how it was laid out.
    """

    sales: pd.DataFrame
    panel: Panel
    folds: tuple[Fold, ...]
    now: Fold
    layout: Layout

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


def lay_out(
    sales: pd.DataFrame,
    features: pd.DataFrame,
    layout: Layout,
    *,
    past: Sequence[str],
    known: Sequence[str],
    until: pd.Timestamp,
) -> History:
    """Lay sales and features out for the forecasters, with the periods ahead at the prices in force.

    Args:
        sales: accepted sales table.
        features: features of its periods.
        layout: periods, features and origins.
        past: features to take that are known up to their date.
        known: features to take that are planned ahead.
        until: last date from which the demand of sold-out periods is learnt.
    """
    ahead = layout.gap + layout.horizon
    demand = expected_demand(sales, layout.period, until)
    plan = planned(demand, ahead, layout.period)
    future = build_features(plan, layout.lags, layout.windows, layout.period, layout.rivals).frame
    table = pd.concat([features, future[future[DATE] > sales[DATE].max()]], ignore_index=True)
    panel = panel_of(demand, table, tuple(past), tuple(known), [CATEGORY])
    periods = panel.shape[1] - ahead
    folds = rolling_origins(periods, layout.horizon, layout.gap, layout.folds, layout.holdout_origins)
    targets = slice(periods + layout.gap, periods + ahead)
    return History(
        sales=sales,
        panel=panel,
        folds=folds,
        now=Fold(len(folds), periods - 1, targets, held_out=True),
        layout=layout,
    )
