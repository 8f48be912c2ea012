"""A simulated chain of which a chunk of whole stores is in memory at a time.

Rivals stand in one store, so a chunk of stores is a sales table in itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from expectations.columns import CATEGORY
from tasks.bench.cases.simulated_chain import PRODUCTS, simulated_stores
from tasks.demand.features import build_features
from tasks.demand.panel import Panel, panel_of
from tasks.runtime.artifacts import Artifact, load_arrays, save_arrays

log = logging.getLogger("repricer")

WEEKS = 120
CHUNK_STORES = 20  # stores, of 100 series each, that are in memory together
NUMBERS = ("units", "price", "past", "known")  # of a panel


@dataclass(frozen=True)
class Chunks:
    """A chain, chunk by chunk.

    Attributes:
        files: numbers of the panels in float32, a file for a chunk.
        empty: the panels without their series' numbers.
        units: units/week of all series (series, weeks).
    """

    files: list[Artifact]
    empty: list[Panel]
    units: np.ndarray

    @property
    def series(self) -> pd.DataFrame:
        """Return product, store and category of all series."""
        return pd.concat([panel.series for panel in self.empty], ignore_index=True)

    def spread(self, size: int) -> Iterator[np.ndarray]:
        """Yield, chunk by chunk, the rows of a sample of this many series, evenly over the chain."""
        done = 0
        for panel in self.empty:
            place = done + np.arange(len(panel.series) + 1)
            yield np.flatnonzero(np.diff(place * size // len(self.units)))
            done += len(panel.series)

    def sample(self, size: int) -> Panel:
        """Return the panel of this many series, taken evenly from all chunks."""
        parts = [
            _of_rows(panel, panel.series.iloc[rows], rows)
            for panel, rows in zip(self, self.spread(size), strict=True)
        ]
        series = pd.concat([part.series for part in parts], ignore_index=True)
        numbers = {name: np.concatenate([getattr(part, name) for part in parts]) for name in NUMBERS}
        return _with_numbers(replace(parts[0], series=series), numbers)

    def __iter__(self) -> Iterator[Panel]:
        """Yield the whole panels, one after the other."""
        for file, panel in zip(self.files, self.empty, strict=True):
            yield _with_numbers(panel, load_arrays(file))


@dataclass(frozen=True)
class Windows:
    """Features of the chain.

    Attributes:
        lags: lags of log units (weeks).
        windows: lengths of rolling means (weeks).
        rivals: where the chain sells at most this many products, those of a store are features of each other.
    """

    lags: tuple[int, ...]
    windows: tuple[int, ...]
    rivals: int


def write_chunks(
    size: int,
    features: Windows,
    folder: Path,
    seed: int,
    making: Callable[[], AbstractContextManager[object]],
) -> Chunks:
    """Make the chain, build its features and write its panels, chunk by chunk.

    Args:
        size: series of the chain.
        features: of the panels.
        folder: of the files.
        seed: root of the chain.
        making: context in which sales are made, so that a caller can leave it out of its measurement.
    """
    stores, files, empty, units = size // PRODUCTS, [], [], []
    for first in range(0, stores, CHUNK_STORES):
        last = min(first + CHUNK_STORES, stores)
        with making():
            sales = simulated_stores(first, last, WEEKS, seed)
        table = build_features(sales, features.lags, features.windows, "W", features.rivals)
        panel = panel_of(sales, table.frame, table.past, table.known, [CATEGORY])
        arrays = {name: getattr(panel, name).astype(np.float32) for name in NUMBERS}
        files.append(save_arrays(arrays, folder / f"{size}_{first}.npz"))
        units.append(arrays["units"])
        empty.append(_of_rows(panel, panel.series, np.arange(0)))
        log.info("features: %d of %d series", last * PRODUCTS, size)
    return Chunks(files, empty, np.concatenate(units))


def _of_rows(panel: Panel, series: pd.DataFrame, rows: np.ndarray) -> Panel:
    """Return the panel with the numbers of some rows, under the given series."""
    return _with_numbers(
        replace(panel, series=series), {name: getattr(panel, name)[rows] for name in NUMBERS}
    )


def _with_numbers(panel: Panel, numbers: Mapping[str, np.ndarray]) -> Panel:
    return replace(
        panel,
        units=numbers["units"],
        price=numbers["price"],
        past=numbers["past"],
        known=numbers["known"],
    )
