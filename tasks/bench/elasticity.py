"""Benchmark: own and cross elasticities of any sales table, timed; and of simulated shops whose truth is known."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import DATE, PRICE, PRODUCT, PROMOTION_PREFIX, REASON, SERIES, UNITS
from tasks.bench.cases.simulated_shop import simulated_shop
from tasks.response.elasticities import panel_response
from tasks.response.weeks import Rules
from tasks.sources.files import read

log = logging.getLogger("repricer")

PROMOTIONS = (
    "deal",
    "display",
    "feature_ad",
    "coupon",
    "mailer",
)  # promotions by the names that tables give them
WORLDS: dict[str, dict[str, bool]] = {
    "observed_season": {},
    "unobserved_shocks_with_cost": {"shocks": True, "costs": True},
    "unobserved_shocks_without_cost": {"shocks": True},
}


def bench_elasticity(data: Path, settings: Settings) -> dict[str, Any]:
    """Estimate the price response of a table and time it, reading included.

    Args:
        data: CSV or Parquet file.
        settings: names of the columns (``source.columns``) and when an elasticity counts as identified (``respond``).
    """
    start = time.perf_counter()
    sales = _sales(data, settings)
    period = "W" if _weekly(sales) else "D"
    response = panel_response(
        sales, period, Rules(**settings.respond.model_dump(exclude={"reference_memory"}))
    )
    rows = [_row(row) for _, row in response.table.iterrows()]
    return {
        "products": rows,
        "flags": response.flags,
        "promotable": response.promotable,
        "seconds": time.perf_counter() - start,
    }


def bench_simulated(seeds: int, settings: Settings) -> dict[str, Any]:
    """Return bias of the mean, coverage and share identified over simulated shops, by what is unseen in them."""
    told: dict[str, Any] = {}
    for name, what in WORLDS.items():
        bias, covered, identified, promotable = [], [], [], []
        for seed in range(seeds):
            shop = simulated_shop(np.random.default_rng(seed), **what)  # type: ignore[arg-type]
            response = panel_response(
                shop.sales, "W", Rules(**settings.respond.model_dump(exclude={"reference_memory"}))
            )
            table, truth = response.table, shop.truth.to_numpy()
            bias.append(float((table["elasticity"] - truth).mean()))
            covered.append(float(((table["low"] <= truth) & (truth <= table["high"])).mean()))
            identified.append(float(table["identified"].mean()))
            promotable.append(response.promotable)
            if (seed + 1) % 10 == 0:
                log.info("%s: %d shops", name, seed + 1)
        means = {
            "bias": np.mean(bias),
            "coverage": np.mean(covered),
            "identified": np.mean(identified),
            "promotable": np.mean(promotable),
        }
        told[name] = {key: float(value) for key, value in means.items()} | {"seeds": seeds}
    return told


def _sales(data: Path, settings: Settings) -> pd.DataFrame:
    """Return the table in our words; well-known names of promotions count without their prefix, and say so."""
    columns = dict(settings.source.columns)
    head = _names(data)
    for name in PROMOTIONS:
        if name in head and f"{PROMOTION_PREFIX}{name}" not in {*columns, *head}:
            columns[f"{PROMOTION_PREFIX}{name}"] = name
            log.info("column %s is taken for a promotion", name)
    lines = read(data, columns, settings.source.time_zone)
    if lines.breaches:
        raise ValueError(
            f"{data.name}: {len(lines.breaches)} rules are broken. The first: {lines.breaches[0]}"
        )
    frame = lines.frame.dropna(subset=[DATE, PRODUCT, UNITS, PRICE])
    frame = frame[(frame[PRICE] > 0) & (frame[UNITS] >= 0)]
    return frame.drop_duplicates([DATE, *SERIES])


def _names(data: Path) -> list[str]:
    if data.suffix == ".parquet":
        import pyarrow.parquet as pq

        return list(pq.read_schema(data).names)
    return list(pd.read_csv(data, nrows=0).columns)


def _weekly(sales: pd.DataFrame) -> bool:
    """Return whether the periods of the table are weeks: dates of a series lie seven days apart, or more."""
    gaps = sales.sort_values(DATE).groupby(SERIES)[DATE].diff().dropna()
    return bool(len(gaps) and gaps.dt.days.min() >= 7)


def _row(row: Mapping[str, Any] | pd.Series) -> dict[str, Any]:
    numbers = ("elasticity", "low", "high", "first_stage_f", "first_half", "second_half", "double_ml")
    told = {name: float(row[name]) if np.isfinite(row[name]) else None for name in numbers}
    words = {
        PRODUCT: row[PRODUCT],
        "method": row["method"],
        "identified": bool(row["identified"]),
        REASON: row[REASON],
    }
    return words | told | {"cross": row["rivals"], "stores": row["stores"]}
