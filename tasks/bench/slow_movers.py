"""Benchmark of slow movers: does the 80 % interval cover 80 % where most days sell nothing?

Every shop goes through the demand part of a retraining: contract, features and their selection, ARIMA,
networks, blend and counts. Beside the blend stands the true distribution, which no forecast can surpass.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from typing_extensions import TypedDict

from conf import Settings
from expectations.columns import DATE, UNITS
from tasks.bench.cases.slow_movers import SlowShop, slow_shops
from tasks.demand import arima_fit, ensemble
from tasks.demand.chosen_features import chosen_features
from tasks.demand.combination import Combination, Fit, Rules, combine
from tasks.demand.counts import quantiles_of
from tasks.demand.coverage import Coverage, randomised_coverage
from tasks.demand.history import History, lay_out
from tasks.demand.metrics import pinball
from tasks.demand.regression import Order
from tasks.demand.splits import before
from tasks.runtime.artifacts import save_table
from tasks.runtime.seeds import seed_of
from tasks.runtime.tune import Journal
from tasks.runtime.workers import Workers, workers
from tasks.stages.fit_arima import search_order
from tasks.stages.fit_lstm import recipe_of, search_network
from tasks.stages.history import layout_of
from tasks.stages.sales import accepted_sales, feature_choice_of, seen_until
from tasks.stages.search import criterion_of

TARGET = (0.75, 0.85)  # randomised coverage that counts as right


class SlowResult(TypedDict):
    """One shop.

    ``zeros`` is the share of its product-days without a sale; ``counted`` the products that are forecast as
    counts; ``coverage`` the randomised coverage of the blend's 80 % interval on the held-out days; the
    pinball losses are those of the blend and of the true distribution (units); ``bias`` is that of the
    blend's mean, over the units sold.
    """

    zeros: float
    products: int
    counted: int
    coverage: Coverage
    pinball: float
    pinball_of_truth: float
    bias: float
    seconds: float


class SlowResults(TypedDict):
    """All shops; ``within`` of them have a coverage between both numbers of ``target``."""

    profile: str
    target: tuple[float, float]
    shops: list[SlowResult]
    within: int
    mean_coverage: float
    seconds: float


def bench_slow_movers(
    settings: Settings, shops: int, seed: int, *, folder: Path, say: Callable[[str], None]
) -> SlowResults:
    """Forecast shops of slow movers and score their intervals on held-out days.

    Args:
        settings: of the features and forecasters; the source is each shop's table.
        shops: number of shops, from 80 % to 95 % zeros.
        seed: root of the shops.
        folder: where their tables are written.
        say: shows a line about every shop.
    """
    begin, results = time.monotonic(), []
    with workers() as pool:
        for number, shop in enumerate(slow_shops(shops, seed), start=1):
            place = folder / f"shop_{number:02d}"
            place.mkdir(parents=True, exist_ok=True)
            results.append(_result(shop, settings, place, pool))
            say(f"shop {number} of {shops}: {_line(results[-1])}")
    covered = [result["coverage"]["value"] for result in results]
    return SlowResults(
        profile=settings.profile,
        target=TARGET,
        shops=results,
        within=sum(TARGET[0] <= value <= TARGET[1] for value in covered),
        mean_coverage=float(np.mean(covered)),
        seconds=time.monotonic() - begin,
    )


def _result(shop: SlowShop, settings: Settings, folder: Path, pool: Workers) -> SlowResult:
    start = time.monotonic()
    save_table(shop.sales, folder / "sales.parquet")
    here = _settings_at(settings, folder)
    history = _history(here)
    result = _combined(here, history, folder, pool)
    blend = result.scores["blend"]
    return SlowResult(
        zeros=shop.zeros,
        products=len(history.panel.series),
        counted=int(result.counts.counted.sum()),
        coverage=randomised_coverage(result.transforms)["all"],
        pinball=blend["pinball"],
        pinball_of_truth=_pinball_of_truth(shop, history),
        bias=blend["bias"],
        seconds=time.monotonic() - start,
    )


def _settings_at(settings: Settings, folder: Path) -> Settings:
    """Return the settings with the shop's table as source."""
    tree = settings.model_dump()
    tree["source"] |= {"kind": "file", "path": str(folder / "sales.parquet"), "columns": {}, "period": "D"}
    return Settings(**tree)


def _history(settings: Settings) -> History:
    """Return the shop as ``prepare`` leaves it to the forecasters."""
    sales = accepted_sales(settings).sales
    until = seen_until(settings, sales)
    features = chosen_features(sales, feature_choice_of(settings), until)
    selection = features.selection
    return lay_out(
        sales,
        features.table.frame,
        layout_of(settings),
        past=selection.past,
        known=selection.known,
        until=until,
    )


def _combined(settings: Settings, history: History, folder: Path, pool: Workers) -> Combination:
    """Fit both members from all origins, blend and count."""
    forecast, panel, known = settings.forecast, history.panel, [before(history.folds[0])]
    order = search_order(
        forecast,
        panel,
        known,
        journal=Journal(folder / "arima.journal"),
        seed=seed_of(settings.seed, "forecast.arima"),
        pool=pool,
    )
    network = search_network(
        forecast,
        panel,
        known,
        journal=Journal(folder / "lstm.journal"),
        seed=seed_of(settings.seed, "forecast.lstm.search"),
    )
    origins = arima_fit.filter_through(panel, history.origins, Order(**order.params), pool)
    arima = arima_fit.regressions(history, origins)
    recipe, seed = recipe_of(forecast).tuned(network.params), seed_of(settings.seed, "forecast.lstm")
    lstm = ensemble.networks(history, ensemble.train_members(panel, history.origins, recipe, seed, pool))
    rules = Rules(criterion_of(forecast), forecast.blend.grid, forecast.blend.shrinkage)
    return combine(history, Fit(arima.forecasts, arima.served), Fit(lstm.forecasts, lstm.served), rules)


def _pinball_of_truth(shop: SlowShop, history: History) -> float:
    """Return the pinball loss of the distribution that the held-out units were drawn from (units)."""
    held_out = [date for fold in history.held_out for date in history.panel.dates[fold.targets]]
    rows = shop.sales[DATE].isin(held_out).to_numpy()
    quantiles = quantiles_of(shop.mean[rows], shop.dispersion[rows])
    return float(pinball(shop.sales[UNITS].to_numpy()[rows], quantiles).mean())


def _line(result: SlowResult) -> str:
    covered = result["coverage"]
    return (
        f"{result['zeros']:.0%} zeros, the 80 % interval covers {covered['value']:.1%} "
        f"({covered['low']:.1%} to {covered['high']:.1%}), pinball {result['pinball']:.4f} "
        f"(truth {result['pinball_of_truth']:.4f}), {result['seconds']:.0f} s"
    )
