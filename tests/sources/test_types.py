"""Columns of every type that people's tools write: Parquet, CSV and SQL give the same rows."""

from __future__ import annotations

import datetime as dt
import logging
import sqlite3
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations.refusals import DataError
from tasks.sources import files, sql
from tasks.sources.mapping import lines_of

DAYS = [dt.date(2025, 3, 1), dt.date(2025, 3, 2), dt.date(2025, 3, 3)]
PRICES = [Decimal("13.29"), Decimal("0.10"), None]
COLUMNS = {
    "date": pa.array(DAYS, pa.date32()),
    "product_id": pa.array(["007", "NA", "x"]),
    "units": pa.array([4, 0, 2], pa.int64()),
    "price": pa.array([13.29, 0.1, None], pa.float64()),
    "promotion_on": pa.array([1.0, 0.0, None], pa.float64()),
}
TYPES = {
    "decimal128": {"price": pa.array(PRICES, pa.decimal128(12, 2))},
    "dictionary of text": {"product_id": pa.array(["007", "NA", "x"]).dictionary_encode()},
    "dictionary of dates": {"date": pa.array(["2025-03-01", "2025-03-02", "2025-03-03"]).dictionary_encode()},
    "large_string": {"product_id": pa.array(["007", "NA", "x"], pa.large_string())},
    "binary text": {"product_id": pa.array([b"007", b"NA", b"x"], pa.binary())},
    "timestamp": {"date": pa.array(pd.to_datetime(pd.Series(DAYS)))},
    "small integers": {"units": pa.array([4, 0, 2], pa.uint8())},
    "booleans": {"promotion_on": pa.array([True, False, None])},
    "boolean text": {"promotion_on": pa.array(["yes", "No", ""])},
    "numbers as text": {"units": pa.array(["4", "0", "2"]), "price": pa.array(["13.29", "0.1", None])},
}


def frame_of(path: Path) -> pd.DataFrame:
    lines = files.read(path, {}, None)
    assert not lines.breaches, str(DataError(lines.breaches))
    return lines.frame.drop(columns="file")


@pytest.fixture
def expected(tmp_path: Path) -> pd.DataFrame:
    pq.write_table(pa.table(COLUMNS), tmp_path / "plain.parquet")
    return frame_of(tmp_path / "plain.parquet")


@pytest.mark.parametrize("kind", TYPES)
def test_a_parquet_type_gives_the_same_rows(tmp_path: Path, expected: pd.DataFrame, kind: str) -> None:
    pq.write_table(pa.table({**COLUMNS, **TYPES[kind]}), tmp_path / "s.parquet")
    pd.testing.assert_frame_equal(frame_of(tmp_path / "s.parquet"), expected)


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_nullable_types_of_pandas_give_the_same_rows(
    tmp_path: Path, expected: pd.DataFrame, backend: str
) -> None:
    table = pa.table({**COLUMNS, **TYPES["booleans"]}).to_pandas().convert_dtypes(dtype_backend=backend)
    table.to_parquet(tmp_path / "s.parquet")
    pd.testing.assert_frame_equal(frame_of(tmp_path / "s.parquet"), expected)
    lines = lines_of(table, "s", {}, None)
    assert not lines.breaches, str(DataError(lines.breaches))
    pd.testing.assert_frame_equal(lines.frame.drop(columns="file"), expected)


@pytest.mark.parametrize(
    "cells",
    [["True", "False", ""], ["true", "false", ""], ["t", "f", ""], ["yes", "no", ""], ["ON", "Off", ""]],
)
def test_truth_values_of_a_promotion_in_a_csv_are_1_0_and_unknown_and_it_is_said(
    tmp_path: Path, expected: pd.DataFrame, caplog: pytest.LogCaptureFixture, cells: list[str]
) -> None:
    caplog.set_level(logging.INFO, "repricer")
    table = pa.table({**COLUMNS, "promotion_on": pa.array(cells)})
    table.to_pandas().to_csv(tmp_path / "s.csv", index=False)
    pd.testing.assert_frame_equal(frame_of(tmp_path / "s.csv"), expected)
    assert f"promotion_on: {', '.join(sorted(cells[:2]))} read as 1 (on) and 0 (off)" in caplog.text


def test_truth_values_of_a_database_are_1_0_and_unknown(
    tmp_path: Path, expected: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(tmp_path / "s.db") as base:
        base.execute("create table sales (date, product_id, units, price, promotion_on)")
        rows = [
            ("2025-03-01", "007", 4, 13.29, "t"),
            ("2025-03-02", "NA", 0, 0.1, "f"),
            ("2025-03-03", "x", 2, None, None),
        ]
        base.executemany("insert into sales values (?, ?, ?, ?, ?)", rows)
    monkeypatch.setenv("SHOP_URL", f"sqlite:///{tmp_path / 's.db'}")
    frame = sql.read("SHOP_URL", "select * from sales", {}, None).frame.drop(columns="file")
    pd.testing.assert_frame_equal(frame, expected)


@pytest.mark.parametrize("values", [[True, False, None], pd.array([True, False, None], "boolean")])
def test_booleans_of_python_are_shares_in_a_promotion_and_refused_elsewhere(values: object) -> None:
    raw = pd.DataFrame({"date": DAYS, "product_id": "a", "units": 1, "price": 1.0, "promotion_on": values})
    lines = lines_of(raw, "query", {}, None)
    assert not lines.breaches, str(DataError(lines.breaches))
    np.testing.assert_array_equal(lines.frame["promotion_on"], [1.0, 0.0, np.nan])
    lines = lines_of(raw.assign(units=values), "query", {}, None)
    assert "row 1, column units: 'True'" in str(DataError(lines.breaches))


def test_another_word_in_a_promotion_is_refused_with_row_and_value(tmp_path: Path) -> None:
    text = "date,product_id,units,price,promotion_on\n2025-03-01,a,1,1,yes\n2025-03-02,a,1,1,maybe\n"
    (tmp_path / "s.csv").write_text(text)
    message = str(DataError(files.read(tmp_path / "s.csv", {}, None).breaches))
    assert "row 2, column promotion_on: 'maybe'" in message
    assert "row 1" not in message
