"""A large sales table as a CSV: products in stores by days, written a day at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc

PRODUCTS, STORES, CATEGORIES = 2000, 83, 40
FIRST_DAY = "2024-01-01"
MEAN_UNITS = 3.0  # units/day
COST_SHARE = 0.6  # of the regular price
PROMOTED, REDUCTION = 0.1, 0.2  # share of rows, share of the price


def write_sales(path: Path, rows: int, days: int, rng: np.random.Generator) -> int:
    """Write a sales table and return its rows.

    Args:
        path: CSV to write.
        rows: rows, about; a series has a row on each day with the same probability (rows).
        days: days from the first to the last (days).
        rng: source of the draws.
    """
    series = PRODUCTS * STORES
    share = min(1.0, rows / (series * days))
    regular = np.round(rng.uniform(1, 20, PRODUCTS), 2)
    names = pa.array([f"P{product:05}" for product in range(PRODUCTS)])
    stores = pa.array([f"S{store:03}" for store in range(STORES)])
    categories = pa.array([f"C{product % CATEGORIES:02}" for product in range(PRODUCTS)])
    written, writer = 0, None
    for day in pd.date_range(FIRST_DAY, periods=days).strftime("%Y-%m-%d"):
        there = np.flatnonzero(rng.random(series) < share)
        product, store = there // STORES, there % STORES
        promoted = rng.random(len(there)) < PROMOTED
        price = np.round(regular[product] * (1 - REDUCTION * promoted), 2)
        table = pa.table(
            {
                "date": pa.array([day]).take(pa.array(np.zeros(len(there), dtype="i8"))),
                "product_id": names.take(pa.array(product)),
                "store_id": stores.take(pa.array(store)),
                "units": rng.poisson(MEAN_UNITS * (1 + promoted)),
                "price": price,
                "unit_cost": np.round(COST_SHARE * regular[product], 2),
                "promotion_deal": promoted.astype("i8"),
                "category": categories.take(pa.array(product)),
            }
        )
        writer = writer or pc.CSVWriter(path, table.schema)
        writer.write_table(table)
        written += len(there)
    if writer is not None:
        writer.close()
    return written
