"""Sales and features as dense arrays over series and periods, the shape in which models read them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from expectations.columns import DATE, PRICE, SERIES, UNITS


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Series by periods, all periods of the span present.

    Attributes:
        series: product, store and statics of each series (series rows, sorted by product and store).
        dates: first days of the periods (periods,).
        units: units/period, nan where missing (series, periods).
        price: currency/unit, carried forward over missing periods, nan before the first (series, periods).
        past: features known only up to their date (series, periods, past features).
        known: features known for future dates too: price, promotion, calendar (series, periods, features).
        past_names, known_names: names of the features.
    """

    series: pd.DataFrame
    dates: pd.DatetimeIndex
    units: np.ndarray
    price: np.ndarray
    past: np.ndarray
    known: np.ndarray
    past_names: tuple[str, ...]
    known_names: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Return (series, periods)."""
        return self.units.shape[0], self.units.shape[1]


def panel_of(
    sales: pd.DataFrame,
    features: pd.DataFrame,
    past_names: tuple[str, ...],
    known_names: tuple[str, ...],
    statics: list[str],
) -> Panel:
    """Lay the sales table and its features out as a panel.

    Args:
        sales: sales table, a row per date, product and store; a missing row is a missing period.
        features: the same keys on the full grid of periods, with the feature columns.
        past_names: feature columns to take that are known up to their date.
        known_names: feature columns to take that are planned ahead.
        statics: columns of ``sales`` that do not change within a series.
    """
    series = sales[[*SERIES, *statics]].drop_duplicates(SERIES).sort_values(SERIES, ignore_index=True)
    dates = pd.DatetimeIndex(np.sort(features[DATE].unique()))
    index = pd.MultiIndex.from_product([range(len(series)), dates])
    number = series.reset_index(names="number")[["number", *SERIES]]

    def dense(frame: pd.DataFrame, names: list[str]) -> np.ndarray:
        keyed = frame.merge(number, on=SERIES).set_index(["number", DATE])[names].reindex(index)
        return keyed.to_numpy(dtype=float).reshape(len(series), len(dates), len(names))

    observed = dense(sales, [UNITS, PRICE])
    price = pd.DataFrame(observed[..., 1]).ffill(axis=1).to_numpy()
    both = dense(features, [*past_names, *known_names])
    split = len(past_names)
    return Panel(
        series=series,
        dates=dates,
        units=observed[..., 0],
        price=price,
        past=both[..., :split],
        known=both[..., split:],
        past_names=past_names,
        known_names=known_names,
    )
