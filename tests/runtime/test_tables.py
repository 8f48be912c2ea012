"""Tables that a user names are read with their ids as text, or named when they are not there."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tasks.runtime.tables import TableError, require_ending, table_at, write_table
from tasks.runtime.workbook import Look


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


TEXTS = ["=1+1", "+2", "-3", "@sum", "'=quoted", "007", "tea"]
LISTED = pd.DataFrame(
    {
        "name": TEXTS,
        "price": [1.653077, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
        "gain": [-1.5, None, 0.0, 1.0, 2.0, 3.0, 4.0],
        "week": pd.Timestamp("2026-01-05"),
    }
)
LOOKS = {"name": Look("Product"), "price": Look("New price", "#,##0.00"), "week": Look("Week", "yyyy-mm-dd")}


@pytest.mark.parametrize("name", ["list.xls", "list.txt", "list", "list.csv.gz", "list.json"])
def test_an_unknown_ending_is_refused_with_the_known_ones_before_anything_is_written(
    tmp_path: Path, name: str
) -> None:
    for refused in (require_ending, lambda path, option: write_table(LISTED, path, option=option)):
        with pytest.raises(TableError, match=r"one of \.csv, \.xlsx, \.parquet, \.pq\. Received: "):
            refused(tmp_path / name, "--out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["list.csv", "LIST.CSV", "a/list.xlsx", "list.parquet", "list.PQ"])
def test_known_endings_are_written_whole_in_any_case_of_letters(tmp_path: Path, name: str) -> None:
    write_table(LISTED, tmp_path / name, LOOKS)
    assert (tmp_path / name).stat().st_size > 100
    assert not list(tmp_path.rglob(".*.part"))


def test_parquet_is_exact_and_csv_runs_no_formula(tmp_path: Path) -> None:
    for name in ("list.parquet", "list.csv"):
        write_table(LISTED, tmp_path / name)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "list.parquet"), LISTED, check_dtype=False)
    cells = [line.split(",")[0] for line in (tmp_path / "list.csv").read_text().splitlines()[1:]]
    assert cells == ["'=1+1", "'+2", "'-3", "'@sum", "''=quoted", "007", "tea"]
    assert "1.653077" in (tmp_path / "list.csv").read_text()


def test_a_workbook_has_a_bold_header_that_stays_filters_formats_widths_and_text_as_text(
    tmp_path: Path,
) -> None:
    from openpyxl import load_workbook

    write_table(LISTED, tmp_path / "list.xlsx", LOOKS, title="Price list")
    sheet = load_workbook(tmp_path / "list.xlsx")["Price list"]
    assert [cell.value for cell in sheet[1]] == ["Product", "New price", "gain", "Week"]
    assert all(cell.font.bold for cell in sheet[1])
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:D8")
    assert [sheet.cell(row, 1).value for row in range(2, 9)] == TEXTS
    assert {sheet.cell(row, 1).data_type for row in range(2, 9)} == {"s"}, "no text is a formula"
    assert sheet["B2"].value == 1.653077
    assert sheet["B2"].number_format == "#,##0.00"
    assert sheet["D2"].number_format == "yyyy-mm-dd"
    assert sheet["C3"].value is None, "nothing is known"
    assert all(9 <= sheet.column_dimensions[letter].width <= 60 for letter in "ABCD")


def test_a_workbook_shows_dates_headings_of_two_lines_and_long_reasons_whole(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    listed = LISTED.assign(
        why="Lowered: keeps the price level of the list within its limit while others rise."
    )
    looks = {**LOOKS, "gain": Look("Gain expected a week"), "why": Look("Why")}
    write_table(listed, tmp_path / "list.xlsx", looks)
    sheet = load_workbook(tmp_path / "list.xlsx").active
    assert sheet.column_dimensions["D"].width > len("2026-01-05"), "a date too wide for its cell is ###"
    assert sheet.row_dimensions[1].height >= 30, "'Gain expected a week' has more than one line"
    assert sheet["E2"].alignment.wrap_text, "a reason goes on below, not behind the next column"
    assert sheet.row_dimensions[2].height >= 30
    assert not sheet["A2"].alignment.wrap_text
