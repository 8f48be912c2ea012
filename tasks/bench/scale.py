"""Benchmark: seconds and memory of features, ARIMA, LSTM and blend on simulated chains of any size.

A chunk of whole stores is in memory at a time; only forecasts and sales of the folds are held for all series.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from conf import Settings
from tasks.bench.cases.simulated_chain import PRODUCTS
from tasks.bench.chain_chunks import CHUNK_STORES, WEEKS, Chunks, Windows, write_chunks
from tasks.bench.scale_stages import Facts, forecast_arima, forecast_network, score_blend
from tasks.demand import arima
from tasks.demand.blend import Weighting, relative_cost
from tasks.demand.regression import Order
from tasks.demand.splits import Fold, rolling_origins
from tasks.runtime.memory import cpu_seconds, peak_memory
from tasks.runtime.seeds import seed_of
from tasks.runtime.workers import CHUNK, Workers, workers
from tasks.stages.fit_lstm import recipe_of

STAGES = ("features", "arima", "lstm", "blend")


class ScaleError(ValueError):
    """A size that no chain has."""


@dataclass
class Stage:
    """What a stage took.

    Attributes:
        seconds: of the clock (s).
        cpu_seconds: of all processors (s).
        peak_memory_mb: at its end (MB).
        facts: what it reports beside them.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    facts: Facts = field(default_factory=dict)


def bench_scale(
    settings: Settings, sizes: Sequence[int], fitted: int, folder: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure every stage on chains of some sizes, from the smallest to the largest.

    Args:
        settings: of features, forecasters and folds; periods are weeks.
        sizes: series of the chains, multiples of the products of a store.
        fitted: series whose ARIMA is fitted and filtered, at most; the others are forecast by the recent mean
            of their errors, as a series is whose ARIMA was dropped.
        folder: where the panels of the chunks lie meanwhile.
        say: shows a line about every chain.

    Raises:
        ScaleError: a size that is no multiple of the products of a store.
    """
    for size in sizes:
        if size < PRODUCTS or size % PRODUCTS:
            raise ScaleError(
                f"series: a chain has a multiple of {PRODUCTS} series, as every store has that many. "
                f"Received: {size}."
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
    pool.over_rows("workers", arima.fit_errors, (noise,), Order(1, 0, 0, 1.0))


def _chain(settings: Settings, size: int, fitted: int, folder: Path, pool: Workers) -> dict[str, Any]:
    """Measure one chain, stage by stage."""
    stages, forecast, folds = {name: Stage() for name in STAGES}, settings.forecast, _folds(settings)
    recipe, seed = recipe_of(forecast), seed_of(settings.seed, "forecast.lstm")
    order = Order(**{name: getattr(forecast.arima, name) for name in Order.__dataclass_fields__})
    weighting = Weighting(forecast.blend.grid, forecast.blend.shrinkage, relative_cost(forecast.mape_units))
    with _measured(stages["features"]):
        chunks = _chunks(settings, size, folder, stages["features"])
    with _measured(stages["arima"]) as stage:
        of_arima, stage.facts = forecast_arima(chunks, folds, order, min(fitted, size), pool)
    with _measured(stages["lstm"]) as stage:
        of_lstm, stage.facts = forecast_network(chunks, folds, recipe, forecast.horizon, seed)
    with _measured(stages["blend"]) as stage:
        stage.facts = score_blend(chunks, folds, (of_arima, of_lstm), weighting, forecast.mape_units)
    total = Stage(
        sum(stage.seconds for stage in stages.values()),
        sum(stage.cpu_seconds for stage in stages.values()),
        max(stage.peak_memory_mb for stage in stages.values()),
    )
    rows = {name: _row(stage, size) for name, stage in {**stages, "total": total}.items()}
    return {"series": size, "stages": rows}


@contextmanager
def _measured(stage: Stage) -> Iterator[Stage]:
    begin, spent = time.monotonic(), cpu_seconds()
    with peak_memory() as peak:
        yield stage
        stage.seconds += time.monotonic() - begin
        stage.cpu_seconds += cpu_seconds() - spent
        stage.peak_memory_mb = peak.sample()


def _folds(settings: Settings) -> tuple[Fold, ...]:
    forecast = settings.forecast
    return rolling_origins(WEEKS, forecast.horizon, forecast.gap, forecast.folds, holdout_origins=1)


def _chunks(settings: Settings, size: int, folder: Path, stage: Stage) -> Chunks:
    """Write the panels of a chain; making its sales is taken off what the stage takes."""
    features, making = settings.prepare.features, Stage()
    windows = Windows(features.lags, features.windows, features.rivals)
    seed = seed_of(settings.seed, "bench.scale")
    chunks = write_chunks(size, windows, folder, seed, making=lambda: _measured(making))
    stage.seconds, stage.cpu_seconds = -making.seconds, -making.cpu_seconds
    return chunks


def _row(stage: Stage, size: int) -> dict[str, Any]:
    return {
        "seconds": stage.seconds,
        "cpu_seconds": stage.cpu_seconds,
        "cpu_ms_per_series": 1000 * stage.cpu_seconds / size,
        "peak_memory_mb": stage.peak_memory_mb,
        **stage.facts,
    }


def _line(chain: dict[str, Any]) -> str:
    stages = chain["stages"]
    measured = ", ".join(
        f"{name} {stages[name]['seconds']:.0f} s, {stages[name]['peak_memory_mb']:,.0f} MB" for name in STAGES
    )
    fitted = stages["arima"]["fitted_series"]
    return f"{chain['series']:,} series: {measured}; ARIMA fitted to {fitted:,}"
