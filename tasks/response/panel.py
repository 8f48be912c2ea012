"""The rows of one product as arrays, and what store effects and controls leave of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

RANK = 1e-10  # singular values below this share of the largest one count as 0


class Panel(NamedTuple):
    """Rows of one product.

    Attributes:
        units: log units (rows,).
        price: log price (rows,).
        controls: what moves price and demand together (rows, controls).
        series: number of the row's store (rows,).
        week: number of the row's week (rows,).
        instrument: log cost or randomised price, nan where there is none (rows,).
    """

    units: np.ndarray
    price: np.ndarray
    controls: np.ndarray
    series: np.ndarray
    week: np.ndarray
    instrument: np.ndarray

    def take(self, rows: np.ndarray) -> Panel:
        """Return some rows."""
        return Panel(*(values[rows] for values in self))


def within(values: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Return values less the mean of their series (rows, ...)."""
    if not series.any():
        return np.asarray(values - values.mean(axis=0))
    columns = values if values.ndim == 2 else values[:, None]
    count = np.maximum(np.bincount(series), 1)
    means = (
        np.stack([np.bincount(series, column) / count for column in columns.T], axis=1)
        if columns.size
        else columns
    )
    return np.asarray((columns - means[series]).reshape(values.shape))


def residuals(values: np.ndarray, panel: Panel) -> np.ndarray:
    """Return what effects and controls leave of values (rows, ...), by Frisch, Waugh and Lovell."""
    centred, controls = within(values, panel.series), within(panel.controls, panel.series)
    gram = np.linalg.pinv(controls.T @ controls, rcond=RANK, hermitian=True)
    return np.asarray(centred - controls @ (gram @ (controls.T @ centred)))
