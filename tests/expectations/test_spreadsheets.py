"""No text of a CSV is run by a spreadsheet, and Parquet holds it as it was."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from expectations.spreadsheets import neutral, restored
from tasks.operations.experiment_analyze import assignment_at
from tasks.operations.experiment_design import _written
from tasks.runtime.tables import table_at

FORMULAS = [
    '=HYPERLINK("http://evil";"x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1,1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\uff1d1+1",
    "'=1",
    "''@x",
]
STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


@pytest.mark.parametrize("dtype", ["str", "object", "category"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_in_any_text_column_is_written_as_text(formula: str, dtype: str) -> None:
    table = pd.DataFrame(
        {"name": pd.Series([formula, "tea", None], dtype=dtype), "price": [-1.5, 2.0, np.nan]}
    )
    harmless = neutral(table)
    assert not str(harmless["name"].iloc[0]).startswith(STARTS)
    assert restored(harmless["name"].astype("str")).iloc[0] == formula
    assert harmless["name"].isna().tolist() == [False, False, True]
    pd.testing.assert_series_equal(harmless["price"], table["price"])
    assert table["name"].iloc[0] == formula, "the caller's table is left alone"


def test_a_formula_among_numbers_and_in_the_name_of_a_column_is_written_as_text() -> None:
    table = pd.DataFrame({"=cmd": pd.Series([1, "=1+1", -2.5], dtype=object)})
    written = neutral(table).to_csv(index=False)
    assert pd.read_csv(io.StringIO(written), dtype=str)["'=cmd"].tolist() == ["1", "'=1+1", "-2.5"]


@pytest.mark.parametrize("formula", [text for text in FORMULAS if text.isprintable()])
def test_an_assignment_neutralises_ids_and_is_read_back_as_it_was(formula: str, tmp_path: Path) -> None:
    assignment = pd.DataFrame(
        {"product_id": [formula, "7"], "store_id": formula, "cluster": formula, "arm": ["A", "B"]}
    )
    _written(assignment, {}, tmp_path)
    cells = pd.read_csv(tmp_path / "assignment.csv", dtype=str, keep_default_na=False)
    assert not cells.map(lambda cell: cell.startswith(STARTS)).to_numpy().any()
    assert assignment_at(tmp_path / "assignment.csv").to_dict("list") == assignment.to_dict("list")


@pytest.mark.parametrize("formula", [text for text in FORMULAS if text.isprintable()])
def test_parquet_is_exact(formula: str, tmp_path: Path) -> None:
    table = pd.DataFrame({"product_id": [formula], "store_id": [formula], "price": [1.0]})
    table.to_parquet(tmp_path / "prices.parquet")
    assert table_at(tmp_path / "prices.parquet", "--prices")["product_id"].tolist() == [formula]
