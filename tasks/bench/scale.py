"""Benchmark: seconds and memory of features, ARIMA, LSTM and blend on simulated chains of any size, a chunk of whole stores at a time.

Rivals stand in one store, so a chunk of stores is a sales table of its own. Only forecasts and sales of the folds are held for all series.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import CATEGORY, PRODUCT
from tasks.bench.cases.simulated_chain import PRODUCTS, simulated_stores
from tasks.demand import arima, recurrent
from tasks.demand.blend import fit_blend, relative_cost
from tasks.demand.calibration import calibrate
from tasks.demand.distribution import Distribution, mixed
from tasks.demand.ensemble import warm
from tasks.demand.features import build_features
from tasks.demand.metrics import mape
from tasks.demand.panel import Panel, panel_of
from tasks.demand.splits import Fold, rolling_origins
from tasks.runtime.artifacts import Artifact, load_arrays, save_arrays
from tasks.runtime.memory import PeakMemory, cpu_seconds, peak_memory
from tasks.runtime.seeds import seed_of
from tasks.runtime.workers import CHUNK, Workers, workers
from tasks.stages import fit_lstm
from tasks.stages.history import joined

log = logging.getLogger("repricer")

WEEKS = 120
CHUNK_STORES = 20  # stores, of 100 series each, that are in memory together
TRAINED = 2000  # series whose windows the network is trained on; the number of its gradient steps is fixed
NUMBERS = ("units", "price", "past", "known")  # of a panel
STAGES = ("features", "arima", "lstm", "blend")


class ScaleError(ValueError):
    """A size that no chain has."""


@dataclass
class Stage:
    """What a stage took: seconds, those of all processors (s), peak memory (MB), and what else is to be told."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    told: dict[str, Any] = field(default_factory=dict)


def bench_scale(
    settings: Settings, sizes: Sequence[int], fitted: int, folder: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure every stage on chains of some sizes, from the smallest to the largest.

    Args:
        settings: of features, forecasters and folds; periods are weeks.
        sizes: series of each chain, multiples of the products of a store.
        fitted: series whose ARIMA is fitted and filtered, at most; the others are forecast by the recent mean of their errors, as a
            series is whose ARIMA was dropped.
        folder: where the panels of the chunks lie meanwhile.
        say: told about every chain.

    Raises:
        ScaleError: a size that is no multiple of the products of a store.
    """
    for size in sizes:
        if size < PRODUCTS or size % PRODUCTS:
            raise ScaleError(
                f"series: a chain has a multiple of {PRODUCTS} series, as every store has that many. Received: {size}."
            )
    chains = []
    with workers() as pool:
        _begin(pool)
        for size in sorted(sizes):
            chains.append(_chain(settings, size, fitted, folder, pool))
            say(_line(chains[-1]))
    cost = [{name: stage["cpu_ms_per_series"] for name, stage in chain["stages"].items()} for chain in chains]
    growth = {name: cost[-1][name] / cost[0][name] for name in cost[0]}
    return {
        "weeks": WEEKS,
        "cores": pool.cores,
        "chunk_series": CHUNK_STORES * PRODUCTS,
        "chains": chains,
        "cost_per_series_ratio": growth,
    }


def _begin(pool: Workers) -> None:
    """Let the workers start and import what they need before anything is timed."""
    noise = np.random.default_rng(0).normal(size=(CHUNK * pool.cores, WEEKS))
    pool.over_rows("workers", arima.fit_errors, (noise,), arima.Order(1, 0, 0, 1.0))


def _chain(settings: Settings, size: int, fitted: int, folder: Path, pool: Workers) -> dict[str, Any]:
    """Measure one chain, stage by stage."""
    stages = {name: Stage() for name in STAGES}
    folds = _folds(settings)
    with _measured(stages["features"]):
        chunks = _panels(settings, size, folder, stages["features"])
    with _measured(stages["arima"]):
        of_arima = _arima(settings, chunks, folds, min(fitted, size), pool, stages["arima"])
    with _measured(stages["lstm"]):
        of_lstm = _lstm(settings, chunks, folds, stages["lstm"])
    with _measured(stages["blend"]):
        _blend(settings, chunks, folds, of_arima, of_lstm, stages["blend"])
    told = {name: _row(stage, size) for name, stage in stages.items()}
    every = stages.values()
    total = Stage(
        sum(s.seconds for s in every), sum(s.cpu_seconds for s in every), max(s.peak_memory_mb for s in every)
    )
    return {"series": size, "stages": told | {"total": _row(total, size)}}


@contextmanager
def _measured(stage: Stage) -> Iterator[PeakMemory]:
    begin, spent = time.monotonic(), cpu_seconds()
    with peak_memory() as peak:
        yield peak
        stage.seconds += time.monotonic() - begin
        stage.cpu_seconds += cpu_seconds() - spent
        stage.peak_memory_mb = peak.sample()


def _folds(settings: Settings) -> tuple[Fold, ...]:
    told = settings.forecast
    return rolling_origins(WEEKS, told.horizon, told.gap, told.folds, holdout_origins=1)


@dataclass(frozen=True)
class Chunks:
    """A chain of which only one chunk of stores is in memory at a time.

    Attributes:
        files: numbers of the panels in float32, one file a chunk.
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
        """Yield, chunk by chunk, the rows of a sample of so many series, evenly over the chain."""
        done = 0
        for panel in self.empty:
            place = done + np.arange(len(panel.series) + 1)
            yield np.flatnonzero(np.diff(place * size // len(self.units)))
            done += len(panel.series)

    def __iter__(self) -> Iterator[Panel]:
        """Yield the whole panels, one after the other."""
        for file, panel in zip(self.files, self.empty, strict=True):
            numbers = load_arrays(file)
            yield replace(
                panel,
                units=numbers["units"],
                price=numbers["price"],
                past=numbers["past"],
                known=numbers["known"],
            )


def _panels(settings: Settings, size: int, folder: Path, stage: Stage) -> Chunks:
    """Make the chain, build its features and write its panels, chunk by chunk; making the sales is not counted."""
    told, seed, stores = settings.prepare.features, seed_of(settings.seed, "bench.scale"), size // PRODUCTS
    files, empty, units, making = [], [], [], Stage()
    for first in range(0, stores, CHUNK_STORES):
        with _measured(making):
            sales = simulated_stores(first, min(first + CHUNK_STORES, stores), WEEKS, seed)
        table = build_features(sales, told.lags, told.windows, "W", told.rivals)
        panel = panel_of(sales, table.frame, table.past, table.known, [CATEGORY])
        arrays = {name: getattr(panel, name).astype(np.float32) for name in NUMBERS}
        files.append(save_arrays(arrays, folder / f"{size}_{first}.npz"))
        units.append(arrays["units"])
        empty.append(_lean(panel, panel.series, np.arange(0)))
        log.info("features: %d of %d series", min(first + CHUNK_STORES, stores) * PRODUCTS, size)
    stage.seconds, stage.cpu_seconds = -making.seconds, -making.cpu_seconds
    return Chunks(files, empty, np.concatenate(units))


def _arima(
    settings: Settings, chunks: Chunks, folds: Sequence[Fold], fitted: int, pool: Workers, stage: Stage
) -> list[Distribution]:
    """Return what the regressions say from every origin; the ARIMA of a sample of their errors is fitted."""
    told = settings.forecast.arima
    order = arima.Order(**{name: getattr(told, name) for name in arima.Order.__dataclass_fields__})
    stage.told = {"fitted_series": fitted, "fit_cpu_seconds": 0.0, "filter_cpu_seconds": 0.0}
    parts = []
    for panel, sample in zip(chunks, chunks.spread(fitted), strict=True):
        parts.append(_arima_of(panel, sample, folds, order, pool, stage.told))
        log.info("arima: a chunk of %d series", len(panel.series))
    stage.told["fit_cpu_ms_per_fitted_series"] = 1000 * stage.told["fit_cpu_seconds"] / fitted
    return _by_fold(parts)


def _arima_of(
    panel: Panel,
    sample: np.ndarray,
    folds: Sequence[Fold],
    order: arima.Order,
    pool: Workers,
    clock: dict[str, Any],
) -> list[Distribution]:
    """Return what ARIMA says of the series of a chunk, from every origin; those in the sample have an ARIMA of their own."""
    parameters, told = None, []
    for fold in folds:
        slopes = arima.regress(panel, fold.origin, order)
        errors = arima.residuals(panel, slopes, fold.origin)
        begin = cpu_seconds()
        if parameters is None:
            found = pool.over_rows("arima fits", arima.fit_errors, (errors[sample],), order)
            parameters = np.full((len(errors), found[0].parameters.shape[1]), np.nan)
            parameters[sample] = np.concatenate([part.parameters for part in found])
            clock["fit_cpu_seconds"] += cpu_seconds() - begin
            begin = cpu_seconds()
        steps, gap = fold.targets.stop - 1 - fold.origin, fold.targets.start - 1 - fold.origin
        ahead = pool.over_rows("arima forecasts", arima.forecast_errors, (errors, parameters), order, steps)
        clock["filter_cpu_seconds"] += cpu_seconds() - begin
        mean, deviation = (
            np.concatenate([getattr(part, name) for part in ahead])[:, gap:] for name in ("mean", "deviation")
        )
        level = arima.explained(slopes, panel.known[:, fold.targets]) + mean
        told.append(arima.distribution(level, deviation, arima.largest_units(panel, fold.origin)))
    return told


def _lstm(settings: Settings, chunks: Chunks, folds: Sequence[Fold], stage: Stage) -> list[Distribution]:
    """Return what one network says from every origin; it is trained on a sample of the series, from origin to origin."""
    from tasks.demand.lstm import Network

    told, begin = settings.forecast, cpu_seconds()
    sample = _sample(chunks, min(TRAINED, len(chunks.units)))
    scaling = recurrent.scaling_of(sample, folds[0].origin)
    params = {name: getattr(told.lstm, name) for name in ("units", "embedding", "dropout", "learning_rate")}
    seed, plan = seed_of(settings.seed, "forecast.lstm"), fit_lstm.plan_of(settings, params)
    network = Network(sample, scaling, fit_lstm.shape_of(settings, params), told.gap, told.horizon, seed)
    weights = []
    for number, fold in enumerate(folds):
        for _ in network.train(fold.origin, warm(plan) if number else plan, seed + number):
            pass
        weights.append(network.weights())
    stage.told = {
        "trained_series": len(sample.series),
        "train_cpu_seconds": cpu_seconds() - begin,
        "networks": 1,
    }
    products, parts, begin = pd.Index(sample.series[PRODUCT].unique()), [], cpu_seconds()
    for panel in chunks:
        own = replace(
            recurrent.scaling_of(panel, folds[0].origin),
            past_spread=scaling.past_spread,
            known_spread=scaling.known_spread,
        )
        history, known, rows = (
            own.history(panel),
            own.known(panel.known),
            products.get_indexer(panel.series[PRODUCT]),
        )
        of_chunk = []
        for fold, trained in zip(folds, weights, strict=True):
            state = recurrent.encode(
                trained, history[:, fold.origin + 1 - told.lstm.window : fold.origin + 1]
            )
            of_chunk.append(recurrent.decode(trained, state, known[:, fold.targets], own.level, rows))
        parts.append(of_chunk)
    stage.told["forecast_cpu_ms_per_series"] = 1000 * (cpu_seconds() - begin) / len(chunks.units)
    return _by_fold(parts)


def _blend(
    settings: Settings,
    chunks: Chunks,
    folds: Sequence[Fold],
    of_arima: list[Distribution],
    of_lstm: list[Distribution],
    stage: Stage,
) -> None:
    """Calibrate both members, fit the blend on all folds but the last, and score that one."""
    told, fitted = settings.forecast.blend, [fold for fold in folds if not fold.held_out]
    units = np.concatenate([chunks.units[:, fold.targets] for fold in fitted], axis=1)
    corrections = [calibrate(units, joined(forecasts[:-1])) for forecasts in (of_arima, of_lstm)]
    first, second = (
        correct(joined(forecasts[:-1]))
        for correct, forecasts in zip(corrections, (of_arima, of_lstm), strict=True)
    )
    now = [
        correct(forecasts[-1]) for correct, forecasts in zip(corrections, (of_arima, of_lstm), strict=True)
    ]
    categories = chunks.series[CATEGORY].to_numpy()
    origins = np.repeat([fold.number for fold in fitted], settings.forecast.horizon)
    cost = relative_cost(settings.forecast.mape_units)
    found = fit_blend(units, (first, second), categories, origins, told.grid, told.shrinkage, cost)
    weights = found.weights(categories)
    final = calibrate(units, mixed(weights, first, second, found.in_logs))(
        mixed(weights, now[0], now[1], found.in_logs)
    )
    sold = chunks.units[:, folds[-1].targets]
    errors = [mape(sold, each.relative_median, settings.forecast.mape_units) for each in (*now, final)]
    stage.told = {
        "lambda": found.weight,
        "held_out_mape": dict(zip(("arima", "lstm", "blend"), errors, strict=True)),
    }


def _sample(chunks: Chunks, size: int) -> Panel:
    """Return the panel of series taken evenly from all chunks."""
    parts = [
        _lean(panel, panel.series.iloc[rows], rows)
        for panel, rows in zip(chunks, chunks.spread(size), strict=True)
    ]
    units, price, past, known = (np.concatenate([getattr(part, name) for part in parts]) for name in NUMBERS)
    series = pd.concat([part.series for part in parts], ignore_index=True)
    return replace(parts[0], series=series, units=units, price=price, past=past, known=known)


def _lean(panel: Panel, series: pd.DataFrame, rows: np.ndarray) -> Panel:
    """Return the panel of some of its series."""
    units, price, past, known = (getattr(panel, name)[rows] for name in NUMBERS)
    return replace(panel, series=series, units=units, price=price, past=past, known=known)


def _by_fold(parts: list[list[Distribution]]) -> list[Distribution]:
    """Put the series of all chunks below each other, for every fold."""
    return [
        Distribution(
            np.concatenate([part.mean for part in fold]), np.concatenate([part.quantiles for part in fold])
        )
        for fold in zip(*parts, strict=True)
    ]


def _row(stage: Stage, size: int) -> dict[str, Any]:
    return {
        "seconds": stage.seconds,
        "cpu_seconds": stage.cpu_seconds,
        "cpu_ms_per_series": 1000 * stage.cpu_seconds / size,
        "peak_memory_mb": stage.peak_memory_mb,
        **stage.told,
    }


def _line(chain: dict[str, Any]) -> str:
    stages = chain["stages"]
    told = ", ".join(
        f"{name} {stages[name]['seconds']:.0f} s, {stages[name]['peak_memory_mb']:,.0f} MB" for name in STAGES
    )
    return f"{chain['series']:,} series: {told}; ARIMA fitted to {stages['arima']['fitted_series']:,}"
