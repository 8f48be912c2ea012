"""Tables that a user names are read with their ids as text, or named when they are not there."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tasks.runtime.tables import TableError, table_at


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_ids_stay_text(tmp_path: Path, name: str) -> None:
    table = pd.DataFrame({"product_id": ["007"], "store_id": ["01"], "price": [2.0]})
    table.to_csv(tmp_path / name, index=False) if name.endswith("csv") else table.to_parquet(tmp_path / name)
    assert table_at(tmp_path / name, "--prices").iloc[0].tolist() == ["007", "01", 2.0]


def test_numbers_of_a_parquet_file_are_ids_too(tmp_path: Path) -> None:
    pd.DataFrame({"product_id": [7], "price": [2.0]}).to_parquet(tmp_path / "t.parquet")
    assert table_at(tmp_path / "t.parquet", "--prices").iloc[0].tolist() == ["7", 2.0]


def test_the_mark_of_a_spreadsheet_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("product_id,price\n007,2.0\n", encoding="utf-8-sig")
    assert table_at(tmp_path / "t.csv", "--prices").columns.tolist() == ["product_id", "price"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "t.csv",
            b"product_id,price\n1,2\n,3\n",
            r"`product_id` must be known in every row. Received: nothing in row 2",
        ),
        ("t.csv", b"", r"this is no CSV or Parquet table. Received: No columns"),
        ("t.csv", b"\xff\xfe\x00", r"this is no CSV or Parquet table"),
        ("t.parquet", b"PAR1 no", r"this is no CSV or Parquet table"),
    ],
)
def test_what_is_no_table_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=message):
        table_at(tmp_path / name, "--prices")


def test_a_table_that_is_not_there_is_named_with_its_option(tmp_path: Path) -> None:
    with pytest.raises(
        TableError, match=r"gone.csv: there is no such file. Give a CSV or Parquet table with `--prices`."
    ):
        table_at(tmp_path / "gone.csv", "--prices")
