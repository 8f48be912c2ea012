"""Benchmark of the price response: of any sales table, timed, and of simulated shops whose truth is known."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from conf import Settings
from expectations.columns import (
    DATE,
    ELASTICITY,
    HIGH,
    IDENTIFIED,
    LOW,
    PRICE,
    PRODUCT,
    PROMOTION_PREFIX,
    REASON,
    SERIES,
    UNITS,
)
from tasks.bench.cases.remembering_shop import ELASTICITY as REMEMBERING_ELASTICITY
from tasks.bench.cases.remembering_shop import MEMORY, remembering_shop
from tasks.bench.cases.simulated_shop import Shop, simulated_shop
from tasks.response.elasticities import panel_response
from tasks.response.identification import Identification
from tasks.response.predictive_check import predictive_check
from tasks.sources.closed import without_closed
from tasks.sources.files import read
from tasks.sources.meaning import Meaning

log = logging.getLogger("repricer")

PROMOTIONS = ("deal", "display", "feature_ad", "coupon", "mailer")  # well-known names of promotion columns
SHOPS: dict[str, dict[str, bool]] = {
    "observed_season": {},
    "unobserved_shocks_with_cost": {"shocks": True, "costs": True},
    "unobserved_shocks_without_cost": {"shocks": True},
}
"""Simulated shops by what moves price and demand in them, as options of ``simulated_shop``."""
MEMORIES = {"remembers_nothing": 0.0, "remembers": 0.3}  # effect of the remembered price, by kind of shop
SHOPS_A_LINE = 10  # simulated shops between two lines of progress
WEEK_DAYS = 7
NUMBERS = (ELASTICITY, LOW, HIGH, "first_stage_f", "first_half", "second_half", "double_ml")


def bench_elasticity(data: Path, settings: Settings) -> dict[str, Any]:
    """Estimate the price response of a table and time it, reading included; then check what it foresees.

    Args:
        data: CSV or Parquet file.
        settings: names of the columns (``source.columns``) and when an elasticity is identified
            (``respond``).
    """
    start = time.perf_counter()
    sales = _sales_of_file(data, settings)
    identification = _identification(settings)
    response = panel_response(sales, "W" if _is_weekly(sales) else "D", identification)
    products = [_product_json(row) for _, row in response.table.iterrows()]
    seconds = time.perf_counter() - start
    check = predictive_check(
        response.weeks.table, response.instrumented, identification.confidence, response.flags
    )
    return {
        "products": products,
        "flags": response.flags,
        "promotable": response.promotable,
        "seconds": seconds,
        "predictive_check": check,
    }


def bench_simulated(seeds: int, settings: Settings) -> dict[str, Any]:
    """Return bias of the mean, coverage and share identified over simulated shops, by kind of shop.

    Args:
        seeds: shops of each kind.
        settings: when an elasticity is identified (``respond``).
    """
    identification = _identification(settings)
    results: dict[str, Any] = {}
    for kind, options in SHOPS.items():
        scores = []
        for seed in range(seeds):
            shop = simulated_shop(np.random.default_rng(seed), **options)
            scores.append(_scores(shop, identification))
            if (seed + 1) % SHOPS_A_LINE == 0:
                log.info("%s: %d shops", kind, seed + 1)
        means = {name: float(np.mean([score[name] for score in scores])) for name in scores[0]}
        results[kind] = means | {"seeds": seeds}
    return results


def bench_memory(seeds: int, settings: Settings) -> dict[str, Any]:
    """Return mean elasticity and remembered price over simulated shops whose buyers remember, or do not.

    Every elasticity is -2 beside what is remembered. ``shown`` counts the shops in which the data show a
    remembered price, ``covered`` those whose interval holds its true effect.

    Args:
        seeds: shops of each kind.
        settings: when an elasticity is identified (``respond``).
    """
    identification = Identification(**settings.respond.model_dump() | {"reference_memory": MEMORY})
    results: dict[str, Any] = {}
    for kind, effect in MEMORIES.items():
        responses = [
            panel_response(remembering_shop(seed, effect), "D", identification) for seed in range(seeds)
        ]
        remembered = [response.remembered for response in responses]
        means = [float(response.table[ELASTICITY].mean()) for response in responses]
        results[kind] = {
            "seeds": seeds,
            "true_elasticity": REMEMBERING_ELASTICITY,
            "elasticity": float(np.mean(means)),
            "elasticity_spread": float(np.std(means)),
            "true_effect": effect,
            "effect": float(np.mean([estimate["estimate"] for estimate in remembered])),
            "shown": sum(estimate["estimate"] > 0 for estimate in remembered),
            "covered": sum(estimate["low"] <= effect <= estimate["high"] for estimate in remembered),
        }
        log.info("%s: %d shops", kind, seeds)
    return results


def _identification(settings: Settings) -> Identification:
    """Return the settings of ``respond`` without a remembered price."""
    return Identification(**settings.respond.model_dump() | {"reference_memory": None})


def _scores(shop: Shop, identification: Identification) -> dict[str, float]:
    """Return how the estimates of a shop compare with its truth."""
    response = panel_response(shop.sales, "W", identification)
    table, truth = response.table, shop.truth.to_numpy()
    return {
        "bias": float((table[ELASTICITY] - truth).mean()),
        "coverage": float(((table[LOW] <= truth) & (truth <= table[HIGH])).mean()),
        "identified": float(table[IDENTIFIED].mean()),
        "promotable": float(response.promotable),
    }


def _sales_of_file(data: Path, settings: Settings) -> pd.DataFrame:
    """Return the file as a sales table; well-known promotion columns need no prefix, and the log names them.

    Raises:
        ValueError: rows break the rules of a sales table.
    """
    columns = dict(settings.source.columns)
    header = _header(data)
    for name in PROMOTIONS:
        if name in header and f"{PROMOTION_PREFIX}{name}" not in {*columns, *header}:
            columns[f"{PROMOTION_PREFIX}{name}"] = name
            log.info("column %s is taken for a promotion", name)
    lines = read(data, columns, settings.source.time_zone)
    if lines.breaches:
        raise ValueError(
            f"{data.name}: {len(lines.breaches)} rules are broken. The first: {lines.breaches[0]}"
        )
    rows, _ = without_closed(lines.frame)
    rows = rows.dropna(subset=[DATE, PRODUCT, UNITS, PRICE])
    rows = rows[(rows[PRICE] > 0) & (rows[UNITS] >= 0)]
    frame = Meaning(sum_lines=settings.source.sum_lines).one_row_per_key(rows, lines)
    return frame.drop_duplicates([DATE, *SERIES])


def _header(data: Path) -> list[str]:
    """Return the names of the columns of a CSV or Parquet file."""
    if data.suffix == ".parquet":
        import pyarrow.parquet as pq

        return list(pq.read_schema(data).names)
    return list(pd.read_csv(data, nrows=0).columns)


def _is_weekly(sales: pd.DataFrame) -> bool:
    """Return whether the periods are weeks: the dates of a series are at least seven days apart."""
    gaps = sales.sort_values(DATE).groupby(SERIES)[DATE].diff().dropna()
    return bool(len(gaps) and gaps.dt.days.min() >= WEEK_DAYS)


def _product_json(row: Mapping[str, Any] | pd.Series) -> dict[str, Any]:
    """Return a row of the elasticity table as JSON; numbers that are not finite become null."""
    numbers = {name: float(row[name]) if np.isfinite(row[name]) else None for name in NUMBERS}
    words = {
        PRODUCT: row[PRODUCT],
        "method": row["method"],
        IDENTIFIED: bool(row[IDENTIFIED]),
        REASON: row[REASON],
    }
    return words | numbers | {"cross": row["rivals"], "stores": row["stores"]}
