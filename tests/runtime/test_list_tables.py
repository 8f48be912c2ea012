"""A published list as a file: exact in Parquet, the same numbers and harmless text in CSV."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pyarrow.parquet
import pytest

from tasks.governance.local_time import zone_of
from tasks.runtime.list_tables import (
    COLUMNS,
    NEW,
    as_arrow,
    read_csv,
    read_parquet,
    write_csv,
    write_parquet,
)
from tests.runtime.lists import published_rows

BERLIN = zone_of("Europe/Berlin")
HOSTILE = [
    "=1+1", "+49", "-5 %", "@SUM(A1)", "\tx", "\rx", "'=x", "''=x", "'x", "a,b", 'say "no"', "two\nlines",
    "＝1", "NA", "null", "", "007", "<script>", "üß",
]  # fmt: skip


@pytest.fixture
def rows() -> pd.DataFrame:
    table = published_rows(len(HOSTILE))
    return table.assign(name=HOSTILE, category=HOSTILE[::-1], product_id=[f"{text}#" for text in HOSTILE])


@pytest.mark.parametrize(("write", "read"), [(write_parquet, read_parquet), (write_csv, read_csv)])
def test_what_is_read_back_is_what_was_written(
    rows: pd.DataFrame, tmp_path: Path, write: object, read: object
) -> None:
    write(as_arrow(rows, BERLIN), tmp_path / "list")
    pd.testing.assert_frame_equal(read(tmp_path / "list"), read_back(rows))


@pytest.mark.parametrize(("write", "read"), [(write_parquet, read_parquet), (write_csv, read_csv)])
def test_a_list_from_before_there_were_intervals_is_read(tmp_path: Path, write: object, read: object) -> None:
    rows = published_rows()
    write(as_arrow(rows, BERLIN), tmp_path / "new")
    without(list(NEW), tmp_path, parquet=write is write_parquet)
    table = read(tmp_path / "old")
    assert table[list(NEW)].isna().all(axis=None)
    pd.testing.assert_frame_equal(table.drop(columns=list(NEW)), read_back(rows).drop(columns=list(NEW)))


def without(names: list[str], folder: Path, *, parquet: bool) -> None:
    """Write the new table of a folder as an old one that lacks some columns."""
    if parquet:
        table = pyarrow.parquet.read_table(folder / "new").drop_columns(names)
        pyarrow.parquet.write_table(table, folder / "old")
    else:
        texts = pd.read_csv(folder / "new", dtype=str, keep_default_na=False)
        texts.drop(columns=names).to_csv(folder / "old", index=False)


def read_back(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in the order and the types in which a reader gives them."""
    times = {name: rows[name].astype("datetime64[us, UTC]") for name in ("effective_from", "effective_until")}
    return rows.assign(**times)[list(COLUMNS)]


def test_no_cell_of_the_csv_begins_as_a_formula(rows: pd.DataFrame, tmp_path: Path) -> None:
    write_csv(as_arrow(rows, BERLIN), tmp_path / "list.csv")
    cells = pd.read_csv(tmp_path / "list.csv", dtype=str, keep_default_na=False)
    assert not [
        cell for name in ("name", "category", "product_id") for cell in cells[name] if dangerous(cell)
    ]
    assert list(cells.columns[:2]) == ["name", "category"]


def dangerous(cell: str) -> bool:
    return bool(re.match(r"[=+\-@\t\r\n＝＋－＠]", cell))


def test_prices_in_parquet_are_decimals_and_in_csv_as_short_as_they_are(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    table = as_arrow(rows.assign(price=1.1), BERLIN)
    write_parquet(table, tmp_path / "list.parquet")
    write_csv(table, tmp_path / "list.csv")
    stored = pyarrow.parquet.read_table(tmp_path / "list.parquet")
    assert str(stored["price"][0].as_py()) == "1.100000"
    assert set(pd.read_csv(tmp_path / "list.csv", dtype=str)["price"]) == {"1.1"}


def test_times_in_the_csv_are_those_of_the_shops_clocks(rows: pd.DataFrame, tmp_path: Path) -> None:
    at = pd.Timestamp("2026-10-25T01:30", tz="UTC")  # the second 02:30 of that night
    write_csv(as_arrow(rows.assign(effective_from=at), BERLIN), tmp_path / "list.csv")
    texts = pd.read_csv(tmp_path / "list.csv", dtype=str)["effective_from"]
    assert set(texts) == {"2026-10-25T02:30+01:00"}
