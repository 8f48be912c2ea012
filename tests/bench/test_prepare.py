"""The benchmark of the preparation: its table is what it says, and every step is measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conf import load
from tasks.bench.cases import sales_table
from tasks.bench.cases.sales_table import write_sales
from tasks.bench.prepare import bench_prepare


@pytest.fixture(autouse=True)
def small_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sales_table, "PRODUCTS", 6)
    monkeypatch.setattr(sales_table, "STORES", 3)


def test_the_table_has_its_products_stores_and_days_and_a_row_per_key(tmp_path: Path) -> None:
    written = write_sales(tmp_path / "s.csv", 18 * 40, 40, np.random.default_rng(1))
    table = pd.read_csv(tmp_path / "s.csv")
    assert written == len(table) == 18 * 40
    assert not table.duplicated(["date", "product_id", "store_id"]).any()
    assert table[["date", "product_id", "store_id"]].nunique().tolist() == [40, 6, 3]
    assert (table["price"] > table["unit_cost"]).all()


def test_every_step_from_the_file_to_the_features_is_measured(tmp_path: Path) -> None:
    measured = bench_prepare(load("default", []), 18 * 60, 60, tmp_path, say=[].append)
    assert list(measured["steps"]) == ["check", "read", "accept", "hash", "features", "total"]
    assert measured["rows"] == measured["rows_accepted"] == measured["cells"] == 18 * 60
    assert all(step["peak_memory_mb"] > 0 for step in measured["steps"].values())
    json.dumps(measured, allow_nan=False)
